"""Krita behind `host.Host`."""

from .host import KritaHost

__all__ = ["KritaHost"]
