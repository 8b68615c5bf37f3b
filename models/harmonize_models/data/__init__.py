"""From photos with masks to batches of composites, for training and for evaluation."""
