"""`harmonize install gimp|krita`."""

from ..install.command import add_arguments
from ..install.command import run_install as run

__all__ = ["add_arguments", "run"]
