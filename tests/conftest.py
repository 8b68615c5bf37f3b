"""What all tests share: compiled kernels are kept from one run to the next, or every daemon would compile them anew."""

import getpass
import os
import tempfile
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir(), f"harmonize-tests-{getpass.getuser()}")))
