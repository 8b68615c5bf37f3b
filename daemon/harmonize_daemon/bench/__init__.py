"""`harmonize bench`: how fast one request is, stage by stage, against a plain copy of the same bytes."""
