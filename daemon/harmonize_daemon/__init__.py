"""The service and the `harmonize` command line."""
