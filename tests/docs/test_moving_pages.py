"""Whoever follows a page moves to pywharf with all packages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import toml

from core.transfer.exported_by_devpi import DevpiExport
from docs.code_blocks import DOCS
from pywharf_core.testing import make_sdist, make_wheel
from support.served import free_port
from support.shell_blocks import commands, scripts
from support.static_index import StaticIndex, static_index
from support.terminal import Terminal, words_for

pytestmark = pytest.mark.slow

HOW_TO = DOCS / "how-to"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def terminal(tmp_path: Path, port: int) -> Terminal:
    return Terminal(tmp_path / "terminal", words_for(port))


@pytest.fixture
def other_index(tmp_path: Path) -> Iterator[StaticIndex]:
    """An index over HTTP, with one project that nobody has otherwise."""
    make_wheel(tmp_path / "other/acme-late", "acme-late", "1.0")
    with static_index(tmp_path / "other") as index:
        yield index


def stored(terminal: Terminal) -> set[str]:
    """Filenames in the store of ``local``."""
    store = terminal.folder / "my-root/cache/local/storage"
    return {path.name for path in store.rglob("*") if path.suffix in (".whl", ".gz")}


@pytest.mark.follows("docs/how-to/move-from-pypiserver.md", "Move")
def test_from_pypiserver(terminal: Terminal, port: int, other_index: StaticIndex) -> None:
    packages = terminal.folder / "packages"
    files = {make_wheel(packages, "acme-tool", "1.0").name, make_sdist(packages / "older", "acme-tool", "0.9").name}
    (packages / "acme_tool-1.0-py3-none-any.whl.asc").write_text("a signature")
    move, over_http, serve = scripts(HOW_TO / "move-from-pypiserver.md", "Move")
    terminal.type(move)
    assert stored(terminal) == files
    terminal.words["http://127.0.0.1:8080/simple"] = other_index.url
    terminal.type(over_http)
    assert stored(terminal) == files | {"acme_late-1.0-py3-none-any.whl"}
    with terminal.serve(serve, port) as served:
        assert served.stop() == 0


@pytest.mark.follows("docs/how-to/move-from-devpi.md", "Move")
def test_from_devpi(terminal: Terminal, tmp_path: Path, other_index: StaticIndex) -> None:
    wheel = make_wheel(tmp_path / "dist", "acme-tool", "1.0")
    export = DevpiExport(terminal.folder / "devpi-export")
    export.index("acme/prod")
    export.file("acme/prod", wheel)
    export.write()
    move, over_http = scripts(HOW_TO / "move-from-devpi.md", "Move")
    terminal.type(move)
    assert stored(terminal) == {wheel.name}
    terminal.words["http://127.0.0.1:3141/acme/prod/+simple"] = other_index.url
    terminal.type(over_http)
    assert stored(terminal) == {wheel.name, "acme_late-1.0-py3-none-any.whl"}


@pytest.mark.follows("docs/how-to/move-from-pywharf-0.2.md", "Move")
def test_from_pywharf_0_2(terminal: Terminal, port: int) -> None:
    terminal.write(
        "config.toml",
        '[acme]\ntype = "file_system"\nread_secret = "foo"\nwrite_secret = "bar"\nmax_file_bytes = 5368709119\n'
        f'sync_index_interval = 60\npath = "{terminal.folder}/my-root/cache/acme/storage"\n',
    )
    terminal.write("admin_secret.toml", '[acme]\ntype = "file_system"\nraw = "foo"\n')
    store = terminal.folder / "my-root/cache/acme/storage/acme-tool"
    wheel = make_wheel(store, "acme-tool", "1.0")
    form = {"name": "acme-tool", "version": "1.0", "filetype": "bdist_wheel", "distrib": "acme-tool", "sha256": "none"}
    (store / f"{wheel.name}.meta").write_text(toml.dumps(form))
    for name in ("index", "job", "lock", "log"):  # as 0.2 leaves them
        (terminal.folder / "my-root" / name).mkdir()
    (terminal.folder / "my-root/index/acme.toml").write_text("mtime = 1584379892\n")
    check, serve = commands(HOW_TO / "move-from-pywharf-0.2.md", "Move")
    assert "acme" in terminal.type(check)
    shutil.rmtree(terminal.folder / "my-root/cache/acme/work", ignore_errors=True)
    with terminal.serve(serve, port) as served:
        terminal.type(f"pip install --index-url http://acme:foo@127.0.0.1:{port}/simple/ acme-tool")
        assert terminal.installed("acme-tool") == "1.0"
        assert served.stop() == 0
