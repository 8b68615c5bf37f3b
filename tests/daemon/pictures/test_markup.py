"""XML of strangers: written as it was read, and refused where it is hostile."""

from __future__ import annotations

from xml.etree.ElementTree import tostring

import pytest
from harmonize_daemon.pictures import UnreadablePicture, UnsupportedPicture
from harmonize_daemon.pictures.markup import MAX_DEPTH, integer, number, parsed, size


def test_names_keep_their_prefixes() -> None:
    text = '<a xmlns="urn:one" xmlns:b="urn:two"><b:c b:d="1 &amp; 2">\u00fc</b:c></a>'
    assert tostring(parsed(text.encode(), "x"), encoding="unicode") == text


def test_a_document_type_may_be_named_but_declare_nothing() -> None:
    assert parsed(b"<!DOCTYPE a PUBLIC 'one' 'http://two'><a/>", "x").tag == "a"
    for declared in ("<!ENTITY b 'c'>", "<!ELEMENT a ANY>"):
        text = f"<!DOCTYPE a [{declared}]><a/>"
        for data in (text.encode(), text.encode("utf-16")):
            with pytest.raises(UnsupportedPicture, match="declares"):
                parsed(data, "x")


def test_deep_trees_are_refused() -> None:
    assert parsed(MAX_DEPTH * b"<a>" + MAX_DEPTH * b"</a>", "x") is not None
    with pytest.raises(UnsupportedPicture, match="within"):
        parsed(100_000 * b"<a>", "x")


@pytest.mark.parametrize(
    "text", [b"", b"<a", b"<a></b>", b"<a/><a/>", b"\xff\xfe", b"<?xml version='1.0' encoding='x'?><a/>"]
)
def test_damage_is_an_error_in_words(text: bytes) -> None:
    with pytest.raises(UnreadablePicture, match=r"picture\.kra"):
        parsed(text, "picture.kra")


def test_numbers_that_are_none_are_the_default() -> None:
    element = parsed(b"<a x='12' y='nan' z='1e9' w='wide' h='-2.6'/>", "x")
    assert [integer(element, name, 7) for name in "xyzwh"] == [12, 7, 7, 7, -3]
    assert number(element, "h") == -2.6
    with pytest.raises(UnreadablePicture):
        size(element, "x", "w", "x")
    with pytest.raises(UnreadablePicture):
        size(element, "x", "none", "x")
