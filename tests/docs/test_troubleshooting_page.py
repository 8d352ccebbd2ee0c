"""The sentences of the page are sentences that the program says."""

from __future__ import annotations

import ast
import re

import pytest

from docs.code_blocks import DOCS

PAGE = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
SENTENCES = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)


def said() -> list[str]:
    """Every text in the sources, with … for what is put into it."""
    found = []
    for path in (DOCS.parent / "packages").glob("*/src/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


SAID = said()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_program_says_it(sentence: str) -> None:
    pattern = ".*".join(re.escape(part) for part in sentence.split("…"))
    assert any(re.search(pattern, text, re.DOTALL) for text in SAID), "nobody says that"
