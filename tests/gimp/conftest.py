"""Makes the plug-in's package importable, as GIMP does by starting the script beside it."""

import sys
from pathlib import Path

# Behind all else: the script is called as Krita's package is, which its tests import.
sys.path.append(str(Path(__file__).resolve().parents[2] / "plugins/gimp/harmonize_selection"))
