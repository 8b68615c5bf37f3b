"""From photos with masks to shipped weights."""
