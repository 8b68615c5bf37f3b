"""The parts of the GIMP plug-in that need no GIMP."""
