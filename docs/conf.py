"""The documentation as a site: these pages as they are, built strictly by ``nox -s site``.

The pages are written for a forge, which shows them too. What a site needs beside them is made here while they are read.
"""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

project = "pywharf"
author = copyright = "The pywharf maintainers"
version = release = version_of("pywharf-core")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
nitpicky = True
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"pywharf {version}"
html_copy_source = False
html_show_sphinx = False

_DOCS = Path(__file__).parent
_TITLED_BLOCK = re.compile(r"^```(?P<language>\w+) title=(?P<title>\S+)$", re.MULTILINE)
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
_SECTION = re.compile(r"^## (?P<caption>.+)$", re.MULTILINE)


def setup(app: Sphinx) -> None:
    app.connect("source-read", _adapt)


def _adapt(app: Sphinx, name: str, content: list[str]) -> None:
    del app
    page = _DOCS / f"{name}.md"
    text = _TITLED_BLOCK.sub("```{code-block} \\g<language>\n:caption: \\g<title>\n", content[0])
    text = _LINK.sub(lambda link: _within_the_site(link, page), text)
    content[0] = _with_navigation(text) if name == "index" else text


def _within_the_site(link: re.Match[str], page: Path) -> str:
    """What a link to a file of the repository outside of this folder says; all other links as they are."""
    target = (page.parent / link["path"]).resolve()
    return link["text"] if target.is_file() and not target.is_relative_to(_DOCS) else link[0]


def _with_navigation(index: str) -> str:
    """The index, and for each of its sections the pages that it names as a part of the navigation."""
    _, *sections = _SECTION.split(index)
    navigation = []
    for caption, text in zip(sections[::2], sections[1::2], strict=True):
        pages = [link["path"] for link in _LINK.finditer(text) if link["path"].endswith(".md")]
        lines = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *dict.fromkeys(pages), "```"]
        navigation.append("\n".join(lines))
    return "\n\n".join([index, *navigation])
