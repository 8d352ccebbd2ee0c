"""``pywharf export --simple`` writes, byte for byte, what the server sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from pywharf_core.cli.root import make_root
from pywharf_core.plugins import load_plugins
from pywharf_core.testing import make_sdist, make_wheel
from server.in_process import ADMIN_SECRET, CONFIG, WRITER, Application, application
from support.uploads import basic

HTML, JSON = "text/html", "application/vnd.pypi.simple.v1+json"
REQUIRES = ["a-b.c>=1 ; python_version < '3.12' and extra == \"x\"", "d @ https://files.test/d.whl"]


@pytest.fixture(params=[False, True], ids=["plain", "with namespaces"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    config = CONFIG.replace('private = ["acme-*"]', 'private = ["acme-*", "acme-tools-*"]\nnamespaces = true')
    with application(tmp_path / "root", config if request.param else CONFIG, ADMIN_SECRET) as asked:
        yield asked


@pytest.fixture
def site(app: Application, tmp_path: Path) -> Path:
    """The index of all that can be on a page."""
    dist = tmp_path / "dist"
    uploads = [
        make_wheel(
            dist, "Spam_and.Eggs", "1.0", requires_python=">=3.8,<4", summary="<b>&amp;", requires_dist=REQUIRES
        ),
        make_wheel(dist, "spam-and-eggs", "1!2.0+local.1"),
        make_sdist(dist, "spam_and_eggs", "1.0"),
        make_wheel(dist, "acme-tools", "1.0rc1"),
        make_wheel(dist, "old", "1.0"),
        make_wheel(dist, "suspect", "1.0"),
        make_wheel(dist, "deleted", "1.0"),
        make_wheel(dist, "quiet", "1.0"),
    ]
    for upload in uploads:
        assert app.upload(upload).status_code == 200
    manage(app, "spam-and-eggs/1.0/yank", reason='Loses "data" & <tags>')
    manage(app, "old/status", status="archived", reason="See <new>")
    manage(app, "suspect/status", status="quarantined")
    manage(app, "deleted/1.0/delete")
    manage(app, "quiet/status", status="deprecated", reason="Empty")
    manage(app, "quiet/1.0/delete")
    run = CliRunner().invoke(
        make_root(load_plugins()), ["export", "local", str(tmp_path / "site"), "--simple", "--root", str(app.root.path)]
    )
    assert run.exit_code == 0, run.output
    return tmp_path / "site"


def manage(app: Application, what: str, **fields: str) -> None:
    assert app.client.post(f"/manage/{what}", data=fields, headers=basic(*WRITER)).status_code == 200


def pages(site: Path) -> Mapping[str, str]:
    """Where the server has each page of the static index, and as what."""
    found = {}
    for path in site.rglob("index.*"):
        folder = path.parent.relative_to(site).as_posix()
        found[path.relative_to(site).as_posix()] = "" if folder == "." else f"{folder}/"
    return found


def test_every_page_is_the_servers(app: Application, site: Path) -> None:
    found = pages(site)
    assert set(found.values()) == {"", "spam-and-eggs/", "acme-tools/", "old/", "suspect/", "quiet/"}
    assert len(found) == 12
    for name, place in found.items():
        for prefix in ("/simple/", "/r/local/simple/"):
            answer = app.get(f"{prefix}{place}", headers={"Accept": JSON if name.endswith(".json") else HTML})
            assert answer.status_code == 200
            assert (site / name).read_bytes() == answer.content, name


def test_every_file_and_its_metadata_is_the_servers(app: Application, site: Path) -> None:
    compared = 0
    for page in site.glob("*/index.json"):
        for file in json.loads(page.read_bytes())["files"]:
            for suffix in ("", ".metadata"):
                answer = app.get(f"/simple/{page.parent.name}/{file['url']}{suffix}")
                assert answer.status_code == 200
                assert (page.parent / f"{file['filename']}{suffix}").read_bytes() == answer.content
                compared += 1
    assert compared == 10


def test_what_the_server_does_not_offer_is_not_there(app: Application, site: Path) -> None:
    for project, name in [
        ("deleted", ""),
        ("suspect", "suspect-1.0-py3-none-any.whl"),
        ("quiet", "quiet-1.0-py3-none-any.whl"),
    ]:
        assert app.get(f"/simple/{project}/{name}").status_code in (404, 307)
        assert not (site / project / (name or "index.html")).exists()


def test_namespaces_are_the_servers(app: Application, site: Path) -> None:
    tells = app.get("/simple/namespaces").status_code == 200
    assert (site / "namespaces").exists() == tells
    for name in ("namespaces", "namespace/acme", "namespace/acme-tools"):
        if tells:
            assert (site / name).read_bytes() == app.get(f"/simple/{name}").content
        else:
            assert not (site / name).exists()
