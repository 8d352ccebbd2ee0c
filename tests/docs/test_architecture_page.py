"""The page on the architecture names every room of the house."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.code_blocks import DOCS

PACKAGES = DOCS.parent / "packages"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")


def rooms(package: str) -> set[str]:
    [source] = PACKAGES.glob(f"*/src/{package}")
    return {path.stem for path in source.iterdir() if _is_room(path)}


def _is_room(path: Path) -> bool:
    return (
        path.name == "templates"
        or (path / "__init__.py").is_file()
        or (path.suffix == ".py" and path.stem != "__init__")
    )


def told(package: str) -> list[str]:
    """The names in the section about ``package``, in their order: the first cells of its table, or else all of it."""
    section = PAGE.partition(f"\n### `{package}`\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return re.findall(r"`(\w+)`", "\n".join(rows) if rows else section)


@pytest.mark.parametrize("package", ["pywharf_core", "pywharf_filesystem", "pywharf_github", "pywharf"])
def test_the_page_names_every_room_once_and_no_other(package: str) -> None:
    assert sorted(told(package)) == sorted(rooms(package))
