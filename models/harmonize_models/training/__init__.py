"""Training: from photos with masks to weights. `docs/training.md` is the way in."""
