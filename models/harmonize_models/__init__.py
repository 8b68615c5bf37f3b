"""Adjustments, networks, weights, training and evaluation. Knows nothing of sockets or of the daemon."""
