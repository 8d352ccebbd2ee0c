"""pip and uv install from us into fresh environments."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from clients.conftest import Index
from pywharf_core.testing import make_sdist, make_wheel
from support.access_log import access_log, line_of_request
from support.clients import Clients
from support.listing import ACCEPT_JSON, listed

pytestmark = pytest.mark.slow

#: Builds a wheel with nothing but the standard library, so that an sdist installs without any other index.
_BACKEND = b"""
import base64, hashlib, zipfile


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "fromsource-1.0-py3-none-any.whl"
    info = "fromsource-1.0.dist-info"
    files = {
        "fromsource.py": b"__version__ = '1.0'\\n",
        f"{info}/METADATA": b"Metadata-Version: 2.2\\nName: fromsource\\nVersion: 1.0\\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(content)}")
    files[f"{info}/RECORD"] = "\\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
    return name
"""
_PYPROJECT = b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.mark.usefixtures("published")
def test_pip_installs_into_a_fresh_environment(index: Index, clients: Clients) -> None:
    environment = clients.fresh_environment()
    ran = environment.pip_install("--index-url", index.read_url, "holygrail")
    assert ran.status == 0, ran.output
    assert environment.version_of("holygrail") == "1.0"


@pytest.mark.usefixtures("published")
def test_uv_installs_into_a_fresh_environment(index: Index, clients: Clients) -> None:
    environment = clients.fresh_environment()
    ran = environment.uv_install("--index-url", index.read_url, "holygrail")
    assert ran.status == 0, ran.output
    assert environment.version_of("holygrail") == "1.0"


@pytest.mark.usefixtures("published")
def test_pip_and_uv_install_through_the_repositorys_own_urls_with_any_username(index: Index, clients: Clients) -> None:
    url = f"http://__token__:{index.secrets.read}@{index.hosted}/r/local/simple/"
    with_pip, with_uv = clients.fresh_environment(), clients.fresh_environment()
    ran = with_pip.pip_install("--index-url", url, "holygrail")
    assert ran.status == 0, ran.output
    ran = with_uv.uv_install("--index-url", url, "holygrail")
    assert ran.status == 0, ran.output
    assert with_pip.version_of("holygrail") == with_uv.version_of("holygrail") == "1.0"


@pytest.mark.usefixtures("published")
def test_pip_reads_the_html_page_as_well_as_the_json_one(index: Index, clients: Clients) -> None:
    # pip prefers JSON; the parameter in the URL leaves it no choice.
    page = f"{index.read_url}holygrail/?format=text/html"
    environment = clients.fresh_environment()
    ran = environment.pip_install("--no-index", "--find-links", page, "holygrail")
    assert ran.status == 0, ran.output
    assert environment.version_of("holygrail") == "1.0"


def test_pip_resolves_dependencies_by_metadata_alone(index: Index, clients: Clients, tmp_path: Path) -> None:
    # The newest of them needs what is nowhere: pip learns it from the metadata files and steps back.
    wheels = [
        make_wheel(tmp_path, "knight", "1.0", requires_dist=["holyhandgrenade==1.0"]),
        make_wheel(tmp_path, "knight", "2.0", requires_dist=["holyhandgrenade==5.0"]),
        make_wheel(tmp_path, "holyhandgrenade", "1.0"),
    ]
    ran = clients.twine_upload(index.upload_url, "local", index.secrets.write, *wheels)
    assert ran.status == 0, ran.output
    environment = clients.fresh_environment()
    ran = environment.pip_install("--index-url", index.read_url, "knight", "-v")
    assert ran.status == 0, ran.output
    assert environment.version_of("knight") == environment.version_of("holyhandgrenade") == "1.0"
    last = index.server.ask("/nowhere").headers["x-request-id"]
    line_of_request(index.server.root, last)  # then the lines before it are there, too
    asked = [line["path"] for line in access_log(index.server.root)]
    assert "/simple/knight/knight-2.0-py3-none-any.whl.metadata" in asked
    assert "/simple/knight/knight-2.0-py3-none-any.whl" not in asked


def test_pip_builds_and_installs_from_an_sdist(index: Index, clients: Clients, tmp_path: Path) -> None:
    files = {"backend.py": _BACKEND, "pyproject.toml": _PYPROJECT}
    sdist = make_sdist(tmp_path, "fromsource", "1.0", extra_files=files)
    ran = clients.twine_upload(index.upload_url, "local", index.secrets.write, sdist)
    assert ran.status == 0, ran.output
    environment = clients.fresh_environment()
    ran = environment.pip_install("--index-url", index.read_url, "--no-binary", "fromsource", "fromsource")
    assert ran.status == 0, ran.output
    assert environment.version_of("fromsource") == "1.0"


def test_pip_downloads_with_required_hashes(index: Index, clients: Clients, published: Path, tmp_path: Path) -> None:
    good = hashlib.sha256(published.read_bytes()).hexdigest()
    flags = ["--index-url", index.read_url, "--require-hashes", "--no-deps", "-r", str(tmp_path / "wanted.txt")]
    for digest, status in ((good, 0), ("0" * 64, 1)):
        (tmp_path / "wanted.txt").write_text(f"holygrail==1.0 --hash=sha256:{digest}\n")
        ran = clients.pip("download", *flags, "--dest", str(tmp_path / f"ended-{status}"))
        assert ran.status == status, ran.output
    assert (tmp_path / "ended-0" / published.name).read_bytes() == published.read_bytes()


def test_uv_locks_and_syncs_with_hashes(index: Index, clients: Clients, published: Path, tmp_path: Path) -> None:
    wanted, locked = tmp_path / "wanted.in", tmp_path / "locked.txt"
    wanted.write_text("holygrail\n")
    ran = clients.uv(
        "pip", "compile", "--index-url", index.read_url, "--generate-hashes", str(wanted), "-o", str(locked)
    )
    assert ran.status == 0, ran.output
    assert hashlib.sha256(published.read_bytes()).hexdigest() in locked.read_text()
    environment = clients.fresh_environment()
    ran = environment.uv_install("--index-url", index.read_url, "--require-hashes", "-r", str(locked))
    assert ran.status == 0, ran.output
    assert environment.version_of("holygrail") == "1.0"


def test_pip_installs_by_reading_only_parts_of_wheels(index: Index, clients: Clients, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "excalibur", "1.0", padding=300_000)
    ran = clients.twine_upload(index.upload_url, "local", index.secrets.write, wheel)
    assert ran.status == 0, ran.output
    environment = clients.fresh_environment()
    ran = environment.pip_install("--use-feature=fast-deps", "--index-url", index.read_url, "excalibur")
    assert ran.status == 0, ran.output
    assert environment.version_of("excalibur") == "1.0"


@pytest.mark.usefixtures("published")
def test_a_wrong_secret_installs_nothing_and_a_new_upload_is_seen_without_flags(
    index: Index, clients: Clients, tmp_path: Path
) -> None:
    wrong = index.server.index_url("local", "wrong")
    environment = clients.fresh_environment()
    assert environment.pip_install("--index-url", wrong, "holygrail").status != 0
    ran = environment.uv_install("--index-url", wrong, "holygrail")
    assert ran.status != 0
    assert "401" in ran.output
    for version in ("1.0", "1.1"):  # pip and uv saw the page without 1.1 before
        wheel = make_wheel(tmp_path, "swallow", version)
        assert clients.twine_upload(index.upload_url, "local", index.secrets.write, wheel).status == 0
        for install in (environment.pip_install, environment.uv_install):
            ran = install("--upgrade", "--index-url", index.read_url, "swallow")
            assert ran.status == 0, ran.output
            assert environment.version_of("swallow") == version


def test_pip_and_uv_get_an_unknown_project_from_the_index_behind_ours(index: Index, clients: Clients) -> None:
    with_pip, with_uv = clients.fresh_environment(), clients.fresh_environment()
    for install in (with_pip.pip_install, with_uv.uv_install):
        ran = install("--index-url", index.read_url, "publicthing")
        assert ran.status == 0, ran.output
    assert with_pip.version_of("publicthing") == with_uv.version_of("publicthing") == "3.0"
    assert "/simple/publicthing/" in index.extra.asked
    assert not index.extra.credentials, "our credentials went to another index"


def test_a_private_name_is_never_looked_for_behind_ours(index: Index, clients: Clients) -> None:
    environment = clients.fresh_environment()
    for install in (environment.pip_install, environment.uv_install):
        for spelling in ("acme-secret", "Acme.Secret"):
            ran = install("--index-url", index.read_url, spelling)
            assert ran.status != 0, ran.output
    assert not [path for path in index.extra.asked if "acme" in path]


@pytest.mark.usefixtures("published")
def test_what_clients_were_told_is_what_they_got(index: Index) -> None:
    page = index.server.ask("/simple/holygrail/", index.secrets.reader, headers=ACCEPT_JSON)
    assert json.loads(page.body)["meta"]["api-version"] == "1.4"
    for filename, sha256 in listed(page.body).items():
        file = index.server.ask(f"/simple/holygrail/{filename}", index.secrets.reader)
        assert hashlib.sha256(file.body).hexdigest() == sha256
