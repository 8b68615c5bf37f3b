#!/usr/bin/env python3
"""GIMP starts this file: Filters › Harmonize Selection."""

import sys

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")

from gi.repository import Gimp  # noqa: E402
from harmonize_gimp.procedure import HarmonizePlugIn  # noqa: E402

Gimp.main(HarmonizePlugIn.__gtype__, sys.argv)
