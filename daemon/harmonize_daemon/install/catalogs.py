"""Translations: a .po file's text to the bytes of a .mo file, so that nobody needs gettext's tools.

The .mo format: GNU gettext manual, section "The Format of GNU MO Files".
"""

from __future__ import annotations

import ast
import struct

_MAGIC = 0x950412DE


def compile_po(text: str) -> bytes:
    """Compiles a catalog without its untranslated and fuzzy entries. Raises ValueError for what is not a .po file."""
    messages = parse_po(text)
    keys = sorted(messages, key=lambda key: key.encode())
    ids = [key.encode() for key in keys]
    texts = [messages[key].encode() for key in keys]
    header = struct.calcsize("<7I")
    tables = 8 * len(keys)
    position = header + 2 * tables
    entries: list[bytes] = []
    for group in (ids, texts):
        for item in group:
            entries.append(struct.pack("<2I", len(item), position))
            position += len(item) + 1
    start = struct.pack("<7I", _MAGIC, 0, len(keys), header, header + tables, 0, 0)
    return b"".join([start, *entries, *(item + b"\0" for item in [*ids, *texts])])


def parse_po(text: str) -> dict[str, str]:
    """Message to translation; plural forms are joined by NUL on both sides, a context comes before EOT, as in .mo."""
    messages: dict[str, str] = {}
    for block in text.split("\n\n"):
        entry: dict[str, str] = {}
        field = ""
        fuzzy = False
        for number, line in enumerate(block.splitlines()):
            line = line.strip()
            if line.startswith("#"):
                fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
                continue
            if not line:
                continue
            if not line.startswith('"'):
                field, _, line = line.partition(" ")
                entry[field] = ""
            if not field or not (line.startswith('"') and line.endswith('"') and len(line) > 1):
                raise ValueError(f"line {number + 1} of this entry is not part of a .po file: {block!r}")
            entry[field] += ast.literal_eval(line)
        _add(messages, entry, fuzzy)
    return messages


def _add(messages: dict[str, str], entry: dict[str, str], fuzzy: bool) -> None:
    if "msgid" not in entry:
        return
    key = entry["msgid"]
    if "msgctxt" in entry:
        key = f"{entry['msgctxt']}\x04{key}"
    if "msgid_plural" in entry:
        key = f"{key}\0{entry['msgid_plural']}"
    forms = [entry[name] for name in sorted(entry) if name.startswith("msgstr")]
    if all(forms) and forms and not (fuzzy and entry["msgid"]):
        messages[key] = "\0".join(forms)
