"""`python -m harmonize_models.evaluation`: what `harmonize evaluate` runs."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
