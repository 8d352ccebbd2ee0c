"""twine and uv publish to us, and what their users read when it does not work."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from clients.conftest import Index
from pywharf_core.testing import make_sdist, make_wheel
from support.clients import Clients
from support.listing import ACCEPT_JSON, listed

pytestmark = pytest.mark.slow


def _page(index: Index, project: str) -> dict[str, str]:
    answer = index.server.ask(f"/simple/{project}/", index.secrets.reader, headers=ACCEPT_JSON)
    return dict(listed(answer.body)) if answer.status == 200 else {}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_twine_uploads_a_wheel_and_an_sdist(index: Index, clients: Clients, tmp_path: Path) -> None:
    files = [make_wheel(tmp_path, "By.Twine", "1.0"), make_sdist(tmp_path, "By.Twine", "1.0")]
    ran = clients.twine_upload(index.upload_url, "local", index.secrets.write, *files)
    assert ran.status == 0, ran.output
    assert _page(index, "by-twine") == {file.name: _sha256(file) for file in files}


def test_uv_publishes_a_wheel_and_an_sdist(index: Index, clients: Clients, tmp_path: Path) -> None:
    files = [make_wheel(tmp_path, "by_uv", "1.0"), make_sdist(tmp_path, "by_uv", "1.0")]
    ran = clients.uv_publish(index.upload_url, "local", index.secrets.write, *files)
    assert ran.status == 0, ran.output
    assert _page(index, "by-uv") == {file.name: _sha256(file) for file in files}


@pytest.mark.parametrize("path", ["/", "/legacy/", "/simple", "/r/local/simple/", "/r/local/legacy/"])
def test_twine_and_uv_upload_to_every_address_that_takes_uploads(
    index: Index, clients: Clients, tmp_path: Path, path: str
) -> None:
    name = "anywhere" + "".join(character for character in path if character.isalpha())
    username = "__token__" if path.startswith("/r/") else "local"
    wheel, sdist = make_wheel(tmp_path, name, "1.0"), make_sdist(tmp_path, name, "1.0")
    ran = clients.twine_upload(index.server.url + path, username, index.secrets.write, wheel)
    assert ran.status == 0, ran.output
    ran = clients.uv_publish(index.server.url + path, username, index.secrets.write, sdist)
    assert ran.status == 0, ran.output
    assert set(_page(index, name)) == {wheel.name, sdist.name}


def test_the_same_file_again_is_no_error(index: Index, clients: Clients, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "again", "1.0")
    for _ in range(2):
        ran = clients.twine_upload(index.upload_url, "local", index.secrets.write, wheel)
        assert ran.status == 0, ran.output
        ran = clients.uv_publish(index.upload_url, "local", index.secrets.write, wheel)
        assert ran.status == 0, ran.output


def test_uv_skips_what_the_page_lists_already(index: Index, clients: Clients, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "skipped", "1.0")
    assert clients.uv_publish(index.upload_url, "local", index.secrets.write, wheel).status == 0
    url = ["--publish-url", index.upload_url, "--check-url", index.read_url]
    secret = ["--username", "local", "--password", index.secrets.write, "--trusted-publishing", "never"]
    ran = clients.uv("publish", *url, *secret, str(wheel))
    assert ran.status == 0, ran.output
    assert "skipping" in ran.output


def test_other_content_under_the_same_name_is_refused_and_both_tools_say_so(
    index: Index, clients: Clients, tmp_path: Path
) -> None:
    first = make_wheel(tmp_path / "first", "taken", "1.0")
    second = make_wheel(tmp_path / "second", "taken", "1.0", summary="another")
    assert clients.twine_upload(index.upload_url, "local", index.secrets.write, first).status == 0
    for upload in (clients.twine_upload, clients.uv_publish):
        ran = upload(index.upload_url, "local", index.secrets.write, second)
        assert ran.status != 0
        assert "409" in ran.output
        assert "File already exists" in ran.output
    assert _page(index, "taken") == {first.name: _sha256(first)}


@pytest.mark.parametrize(
    ("secret", "status", "sentence"),
    [("read", "403", "may read the repository local, not write"), ("wrong", "401", "password is wrong")],
)
def test_who_may_not_upload_is_told_why(
    index: Index, clients: Clients, tmp_path: Path, secret: str, status: str, sentence: str
) -> None:
    wheel = make_wheel(tmp_path, "refused", "1.0")
    given = index.secrets.read if secret == "read" else "wrong"
    for upload in (clients.twine_upload, clients.uv_publish):
        ran = upload(index.upload_url, "local", given, wheel)
        said = " ".join(ran.output.replace("│", " ").split())  # uv wraps lines
        assert ran.status != 0
        assert status in said
        assert sentence in said
    assert _page(index, "refused") == {}


def test_a_file_that_is_no_package_is_refused_with_a_sentence(index: Index, clients: Clients, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "renamed", "1.0")
    other = wheel.rename(wheel.with_name("somethingelse-1.0-py3-none-any.whl"))
    ran = clients.twine_upload(index.upload_url, "local", index.secrets.write, other)
    assert ran.status != 0
    assert "somethingelse" in ran.output
    assert "Traceback" not in ran.output
    assert _page(index, "somethingelse") == _page(index, "renamed") == {}
