"""What the page on verifying says, done to a store with a damaged file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.code_blocks import DOCS
from pywharf_core.testing import make_wheel
from pywharf_core.verify.findings import FindingKind
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed
from support.running_server import RunningServer, running_server, wait_until
from support.shell_blocks import scripts
from support.terminal import Terminal
from support.uploads import encode, form_headers, form_of

PAGE = DOCS / "verify.md"
WHEEL = "holygrail-1.0-py3-none-any.whl"


def test_the_page_explains_every_kind_of_finding_in_its_order() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Findings")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [kind.value for kind in FindingKind]


@pytest.fixture
def secrets(tmp_path: Path) -> Initialised:
    return initialise(tmp_path / "root")


@pytest.fixture
def server(secrets: Initialised) -> Iterator[RunningServer]:
    with running_server(secrets.root, "--extra_index_url", "") as running:
        yield running


def publish(server: RunningServer, secrets: Initialised, wheel: Path) -> int:
    body = encode(form_of(wheel))
    return server.ask("/simple/", secrets.writer, method="POST", body=body, headers=form_headers()).status


def damage(path: Path) -> None:
    stat, content = path.stat(), path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture
def wheel(server: RunningServer, secrets: Initialised, tmp_path: Path) -> Path:
    """Published."""
    wheel = make_wheel(tmp_path / "dist", "holygrail", "1.0")
    assert publish(server, secrets, wheel) == 200
    return wheel


@pytest.fixture
def store(secrets: Initialised) -> Path:
    return secrets.root / "cache/local/storage"


@pytest.fixture
def terminal(tmp_path: Path, secrets: Initialised, store: Path) -> Terminal:
    return Terminal(tmp_path / "terminal", {"ROOT": str(secrets.root), "my-store": str(store)})


@pytest.mark.slow
@pytest.mark.follows("docs/verify.md", "Verifying a repository")
def test_a_damaged_file_is_found_and_put_back(
    terminal: Terminal, server: RunningServer, secrets: Initialised, wheel: Path, store: Path
) -> None:
    [verify], [repair], put_back, _ = [it.splitlines() for it in scripts(PAGE, "Verifying a repository")]
    terminal.type("pywharf export local backup --root ROOT")
    assert "all is well" in terminal.type(verify)
    damage(store / "holygrail" / WHEEL)
    for line in (verify, repair):
        assert f"damaged: {WHEEL} has not the bytes" in terminal.type(f"{line} || test $? = 1")
    assert list(listed(server.ask("/simple/holygrail/", secrets.reader, headers=ACCEPT_JSON).body)) == [WHEEL]
    for line in put_back:
        said = terminal.type(line)
    assert "all is well" in said
    address = f"/simple/holygrail/{WHEEL}"
    wait_until(lambda: server.ask(address, secrets.reader).body == wheel.read_bytes(), "it is served again")


@pytest.mark.slow
@pytest.mark.follows("docs/verify.md", "What to do about a damaged file")
def test_a_damaged_file_is_deleted_and_comes_back_with_the_same_content_only(
    terminal: Terminal, server: RunningServer, secrets: Initialised, wheel: Path, store: Path, tmp_path: Path
) -> None:
    _, delete = scripts(PAGE, "What to do about a damaged file")
    damage(store / "holygrail" / WHEEL)
    terminal.type(delete)
    assert publish(server, secrets, make_wheel(tmp_path / "other", "holygrail", "1.0", summary="other")) == 409
    assert publish(server, secrets, wheel) == 200
    assert server.ask(f"/simple/holygrail/{WHEEL}", secrets.reader).body == wheel.read_bytes()
    assert "all is well" in terminal.type("pywharf verify local --root ROOT")
