"""The one place that states the version of the product and of the wire protocol."""

__version__ = "0.1.0"
PROTOCOL_VERSION = 1
