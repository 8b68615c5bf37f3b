"""Krita's own documents (`.kra`)."""
