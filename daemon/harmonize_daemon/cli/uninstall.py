"""`harmonize uninstall gimp|krita`."""

from ..install.command import add_arguments
from ..install.command import run_uninstall as run

__all__ = ["add_arguments", "run"]
