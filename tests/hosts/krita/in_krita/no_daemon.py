"""Harmonizes where no daemon can be started."""

from harmonize_selection.qt import QtWidgets
from support import app, at_hand, composite, docker, done, layers, say


def steps():
    document, _, figure = composite()
    presenter = docker().presenter
    yield from at_hand(presenter, document, figure)
    presenter.harmonize()
    yield from done(presenter)
    yield 0.3
    problem = presenter.state.problem
    say(
        "no-daemon",
        line=problem.line if problem else "",
        details=problem.details if problem else "",
        health=presenter.state.health.value,
        layers=layers(document),
        windows=[type(widget).__name__ for widget in QtWidgets.QApplication.topLevelWidgets() if _is_dialog(widget)],
    )
    presenter.set_live(True)
    yield 1.0
    say("live", problem=bool(presenter.state.problem), layers=layers(document))
    presenter.set_live(False)
    say("after-live", layers=layers(document), undo=app.action("edit_undo").text())


def _is_dialog(widget):
    return isinstance(widget, QtWidgets.QDialog) and widget.isVisible()
