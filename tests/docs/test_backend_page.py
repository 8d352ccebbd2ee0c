"""The page on writing a backend shows every line of the example, which is short."""

from __future__ import annotations

import importlib
import io
import sys
import tokenize
from collections.abc import Callable
from pathlib import Path

import pytest

from docs.code_blocks import DOCS, titled_blocks
from pywharf_core import shared_secrets
from pywharf_core.config import load_configuration
from pywharf_core.plugins import Plugins

PAGE = "writing-a-backend.md"
EXAMPLE = DOCS.parent / "tests" / "thirdparty" / "pywharf-example"
FILES = ("pyproject.toml", "README.md", "pywharf_example.py", "tests/test_pywharf_example.py")

_NO_CODE = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def lines_of(text: str) -> list[str]:
    """Without the empty ones: a block of a page does not end with those that part it from the next."""
    return [line for line in text.splitlines() if line]


def test_the_files_of_the_example_are_those_that_the_page_names() -> None:
    built = {"dist", "__pycache__", ".pytest_cache", ".venv"}
    paths = (path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*") if path.is_file())
    assert {path.as_posix() for path in paths if not built & set(path.parts)} == set(FILES)
    assert set(titled_blocks(PAGE)) == {*FILES, "config.toml"}
    assert "```text\n" + "\n".join(FILES) + "\n```" in (DOCS / PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_the_page_shows_every_line_of_the_example_and_no_other(name: str) -> None:
    assert lines_of(titled_blocks(PAGE)[name]) == lines_of((EXAMPLE / name).read_text(encoding="utf-8"))


def test_the_example_has_less_than_a_hundred_lines_of_python_with_its_tests(figure: Callable[[str], None]) -> None:
    texts = [(EXAMPLE / name).read_text(encoding="utf-8") for name in FILES if name.endswith(".py")]
    code: set[tuple[int, int]] = set()
    for number, text in enumerate(texts):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _NO_CODE:
                code.update((number, line) for line in range(token.start[0], token.end[0] + 1))
    raw = sum(len(text.splitlines()) for text in texts)
    figure(f"pywharf-example: {len(code)} lines of Python (docstrings counted), {raw} with blank lines and comments")
    assert len(code) < 100


def test_the_example_can_be_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    example = importlib.import_module("pywharf_example")
    try:
        found = Plugins.of(example, shared_secrets)
        configuration = load_configuration(titled_blocks(PAGE)["config.toml"], None, found)["packages"]
    finally:
        del sys.modules["pywharf_example"]
    assert configuration.storage_type.name == "example"
    assert configuration.storage_options == example.ExampleOptions(path=Path("packages.sqlite3"))
