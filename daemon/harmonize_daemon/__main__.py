"""`python -m harmonize_daemon` is the `harmonize` command."""

import sys

from harmonize_daemon.cli import main

if __name__ == "__main__":
    sys.exit(main())
