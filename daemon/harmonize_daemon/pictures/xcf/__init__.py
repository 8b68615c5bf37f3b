"""GIMP's own documents (`.xcf`)."""
