"""The networks of the five papers, and ours, behind one registry."""
