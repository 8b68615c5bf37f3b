"""The service and the `harmonize` command line."""

CLIENT_NAME = "command-line"
"""How the `harmonize` command introduces itself to the daemon."""
