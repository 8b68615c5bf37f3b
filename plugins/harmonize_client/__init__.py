"""The one client of the harmonize daemon: standard library only."""
