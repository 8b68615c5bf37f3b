"""Qt as the host has it: PyQt6 in Krita 6, PyQt5 in Krita 5. Enums are always written in full, as both accept."""

from __future__ import annotations

try:
    from PyQt6 import QtCore, QtGui, QtWidgets
except ImportError:
    from PyQt5 import QtCore, QtGui, QtWidgets

Qt = QtCore.Qt

__all__ = ["Qt", "QtCore", "QtGui", "QtWidgets"]
