"""The program, imported as at its start, by the process that gateways of tests are forked from."""

import gateway.cli

gateway.cli.main.get_command(None, "run")  # type: ignore[arg-type]  # no command looks at its context here
