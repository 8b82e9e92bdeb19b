"""The model of gateway.yaml, and how it is loaded: `load.load` gives `model.Settings` or every problem."""
