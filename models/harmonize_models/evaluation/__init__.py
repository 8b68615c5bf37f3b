"""How good a network is, measured and looked at."""
