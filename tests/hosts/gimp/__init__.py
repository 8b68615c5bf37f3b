"""The plug-in in the real GIMP. `in_gimp/` holds the scripts that run inside it."""
