"""Makes the plug-in's help pages about errors out of the guide: run `python plugins/gimp/help_pages.py` after a change.

GIMP finds a page by its id through `gimp-help.xml`. A test keeps the guide and these pages together.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
GUIDE = HERE.parents[1] / "docs" / "errors.md"
HELP = HERE / "harmonize_selection" / "help" / "en"
MAIN_PAGE = "harmonize-selection.html"
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_ANCHOR = re.compile(r"^### `(\w+)`$", re.MULTILINE)


def codes(markdown: str) -> list[str]:
    """The codes that have an anchor, in the guide's order."""
    return _ANCHOR.findall(markdown)


def page(markdown: str, style: str) -> str:
    """The guide's page as HTML: headings, paragraphs and code, which is all that it uses."""
    blocks = []
    for block in re.split(r"\n\s*\n", _own_blocks(markdown).strip()):
        heading = re.fullmatch(r"(#+) (.*)", block.strip())
        if not heading:
            blocks.append(f"<p>{_inline(block.strip())}</p>")
            continue
        level, text = len(heading[1]), heading[2]
        code = re.fullmatch(r"`(\w+)`", text)
        name = f' id="{code[1]}"' if code else ""
        blocks.append(f"<h{level}{name}>{_inline(text)}</h{level}>")
    body = "\n".join(blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>When something goes wrong</title>\n{style}\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def index(markdown: str) -> str:
    """`gimp-help.xml`: which id is explained where."""
    items = [
        ("plug-in-harmonize-selection", MAIN_PAGE, "Harmonize Selection"),
        ("plug-in-harmonize-selection-again", MAIN_PAGE, "Harmonize Again"),
        *((f"error-{code}", f"errors.html#{code}", code) for code in codes(markdown)),
    ]
    lines = "\n".join(f'  <help-item id="{key}" ref="{ref}" title="{title}"/>' for key, ref, title in items)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<gimp-help>\n{lines}\n</gimp-help>\n'


def files() -> dict[Path, str]:
    """What the help folder must hold."""
    markdown = GUIDE.read_text("utf-8")
    style = STYLE.search((HELP / MAIN_PAGE).read_text("utf-8"))
    return {HELP / "errors.html": page(markdown, style[0] if style else ""), HELP / "gimp-help.xml": index(markdown)}


def _own_blocks(markdown: str) -> str:
    """A heading is a block of its own, also when its text follows without an empty line."""
    return re.sub(r"^(#+ .*)\n(?=\S)", r"\1\n\n", markdown, flags=re.MULTILINE)


def _inline(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
