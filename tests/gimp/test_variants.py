"""What artists are offered besides the network's own full change."""

from __future__ import annotations

from typing import cast

from harmonize_client import DaemonStatus, Look, NetworkInfo
from harmonize_gimp.variants import variants


class Status:
    """As much of a daemon's status as counts here."""

    default_network = "ours"
    networks = tuple(
        NetworkInfo(key, key.upper(), kind, "", 0, "", "", 0.0)
        for key, kind in (
            ("ours", "adjustment"),
            ("mkl", "baseline"),
            ("b", "pixels"),
            ("c", "pixels"),
            ("d", "pixels"),
        )
    )


def test_strengths_and_switches_come_first_then_another_network() -> None:
    offered = variants("", Look(), cast(DaemonStatus, Status()))
    assert [(each.network, each.look) for each in offered] == [
        ("", Look()),
        ("", Look(strength=0.5)),
        ("", Look(color_only=True)),
        ("", Look(protect_highlights=True)),
        ("b", Look()),
    ]
    assert offered[4].title == "B"


def test_the_chosen_network_is_no_other_one() -> None:
    offered = variants("b", Look(), cast(DaemonStatus, Status()))
    assert {each.network for each in offered[:4]} == {"b"}
    assert [each.network for each in offered[4:]] == ["ours"]


def test_before_the_daemon_has_spoken_only_looks_are_offered() -> None:
    assert len(variants("", Look(), None)) == 4


def test_edges_that_are_clean_stay_clean_whatever_is_chosen() -> None:
    look = Look(strength=0.3, clean_edges=True)
    assert all(each.look.clean_edges for each in variants("", look, cast(DaemonStatus, Status())))
