"""The configuration model and loader: `load.load` returns `model.Settings` or raises with every problem."""
