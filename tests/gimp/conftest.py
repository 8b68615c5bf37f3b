"""Makes the plug-in's package importable, as GIMP does by starting the script beside it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins/gimp/harmonize_selection"))
