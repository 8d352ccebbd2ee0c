"""Whoever follows the page on imports has the packages."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.transfer.exported_by_devpi import DevpiExport
from core.transfer.other_index import other_index
from docs.code_blocks import DOCS
from pywharf_core.testing import make_sdist, make_wheel
from support.shell_blocks import script
from support.terminal import Terminal

PAGE = DOCS / "import-and-copy.md"
CONFIG = """
[local]
type = "file_system"
read_secret = "foo"

[archive]
type = "file_system"
read_secret = "bar"
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    made = Terminal(tmp_path, {"ROOT": "root", "/srv/pypiserver": "pypiserver"})
    made.write("root/config.toml", CONFIG)
    return made


def stored(terminal: Terminal, repository: str = "local") -> Sequence[str]:
    store = terminal.folder / "root" / "cache" / repository / "storage"
    return sorted(path.name for path in store.glob("*/*") if path.suffix in (".whl", ".gz"))


@pytest.mark.slow
@pytest.mark.follows(
    "docs/import-and-copy.md", "From a folder", "From a list of files", "From one repository to another"
)
def test_folders_lists_and_copies(terminal: Terminal) -> None:
    first = make_wheel(terminal.folder / "dist", "acme-hello", "1.0")
    trial, real = script(PAGE, "From a folder").splitlines()
    assert " would be imported into local; 0 already there, 0 refused." in terminal.type(trial)
    assert stored(terminal) == []
    terminal.type(real)
    assert stored(terminal) == [first.name]
    marker = terminal.write("last-import", "")
    os.utime(marker, (1_700_000_000, 1_700_000_000))
    make_sdist(terminal.folder / "dist", "acme-hello", "1.1")
    make_wheel(terminal.folder / "dist", "acme-hello", "1.2")
    newer, named = script(PAGE, "From a list of files").splitlines()
    assert " imported into local; 1 already there, 0 refused." in terminal.type(newer)
    assert " imported into local; 1 already there, 0 refused." in terminal.type(named)
    assert len(stored(terminal)) == 3
    said = terminal.follow(PAGE, "From one repository to another").splitlines()
    assert [re.sub(r" \(.*\)", "", line) for line in said if "already there" in line] == [
        "3 files would be copied into archive; 0 already there, 0 refused.",
        "3 files copied into archive; 0 already there, 0 refused.",
        "0 files copied into archive; 3 already there, 0 refused.",
    ]
    assert stored(terminal, "archive") == stored(terminal)


@pytest.mark.slow
@pytest.mark.follows("docs/import-and-copy.md", "From an export of pywharf")
def test_an_export(terminal: Terminal) -> None:
    make_wheel(terminal.folder / "dist", "acme-hello", "1.0")
    terminal.type("pywharf import local dist --root ROOT")
    terminal.type("pywharf export local BACKUP --root ROOT")
    terminal.follow(PAGE, "From an export of pywharf")
    assert stored(terminal, "archive") == stored(terminal) == ["acme_hello-1.0-py3-none-any.whl"]


@pytest.mark.slow
@pytest.mark.follows("docs/import-and-copy.md", "From a pypiserver", "From devpi", "From another index")
def test_other_servers(terminal: Terminal) -> None:
    make_wheel(terminal.folder / "pypiserver", "swallow", "1.0")
    terminal.follow(PAGE, "From a pypiserver")
    export = DevpiExport(terminal.folder / "devpi-export")
    for name, version in (("alice/dev", "2.0a1"), ("alice/prod", "1.0")):
        export.index(name)
        export.file(name, make_wheel(terminal.folder / "made", "coconut", version))
    export.write()
    terminal.follow(PAGE, "From devpi")
    with other_index() as index:
        index.secret = "alice:the secret to read with"
        index.file("acme-hello", make_wheel(terminal.folder / "made", "acme-hello", "1.0"))
        terminal.words["https://old.example.com"] = index.host
        terminal.follow_script(PAGE, "From another index")
    assert stored(terminal) == [
        "acme_hello-1.0-py3-none-any.whl",
        "coconut-1.0-py3-none-any.whl",
        "swallow-1.0-py3-none-any.whl",
    ]
