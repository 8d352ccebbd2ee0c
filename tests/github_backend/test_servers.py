"""Real servers in processes of their own on one GitHub repository: an empty ROOT, two ROOTs at once, webhooks, secrets."""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from github_backend.command import run
from github_backend.real_server import GitHubWharf, wharf_on
from github_fake import FakeGitHub, Repository, Token
from pywharf_core.testing import make_sdist, make_wheel
from support.running_server import wait_until
from support.uploads import form_headers

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("repository")]

HOOK = "secret-of-the-webhook"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def published(wharf: GitHubWharf, token: Token, *paths: Path) -> Mapping[str, str]:
    """sha256 by filename."""
    for path in paths:
        answer = wharf.upload(path, token)
        assert answer.status == 200, answer.text
    return {path.name: sha256(path) for path in paths}


def in_index(repository: Repository, filename: str) -> bool:
    return filename.encode() in (repository.file("index.toml") or b"")


def manage(wharf: GitHubWharf, token: Token, path: str, body: bytes = b"") -> int:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return wharf.server.ask(path, ("acme", token.value), method="POST", body=body, headers=form).status


# --- an empty ROOT --------------------------------------------------------------------------------------------


def test_a_server_that_lost_its_root_has_lost_nothing(
    fake: FakeGitHub, repository: Repository, writer: Token, reader: Token, tmp_path: Path
) -> None:
    files = [make_wheel(tmp_path, "holygrail", f"1.{number}", padding=5000) for number in range(3)]
    gone = make_sdist(tmp_path, "holygrail", "0.9")
    with wharf_on(fake, tmp_path / "root") as wharf:
        kept = published(wharf, writer, *files)
        published(wharf, writer, gone)
        assert manage(wharf, writer, "/manage/holygrail/1.0/yank", b"reason=Loses+data") < 400
        assert manage(wharf, writer, "/manage/holygrail/0.9/delete") < 400
        page = wharf.page("holygrail", reader).body
        wait_until(lambda: b"Loses data" in (repository.file("index.toml") or b""), "the yank is in the index")
        wait_until(lambda: gone.name.encode() in (repository.file("index.toml") or b""), "so is the deletion")
        wharf.server.kill()
    with wharf_on(fake, tmp_path / "another root") as wharf:
        assert wharf.page("holygrail", reader).body == page
        assert wharf.listed("holygrail", reader) == kept
        for path in files:
            answer = wharf.server.ask(f"/simple/holygrail/{path.name}", ("acme", reader.value))
            assert answer.status == 302
        other = make_sdist(tmp_path / "other", "holygrail", "0.9", extra_files={"x": b"y"})
        assert wharf.upload(other, writer).status == 409, "a deleted name never comes back with other content"
        assert wharf.upload(files[0], writer).status == 200, "what is there already is no error"


def test_a_root_that_was_lost_before_the_index_knew_of_an_upload_is_mended_by_the_workflow(
    fake: FakeGitHub, repository: Repository, writer: Token, tmp_path: Path
) -> None:
    first, second = make_wheel(tmp_path, "holygrail", "1.0"), make_wheel(tmp_path, "holygrail", "2.0")
    with wharf_on(fake, tmp_path / "root") as wharf:
        published(wharf, writer, first)
        wait_until(lambda: in_index(repository, first.name), "the first is in the index")
        published(wharf, writer, second)
        wharf.server.kill()
    assert not in_index(repository, second.name)
    with wharf_on(fake, tmp_path / "another root") as wharf:
        updated = run(
            "update_index", "github", "acme", "--owner", "acme", "--repo", "packages", "--api_url", fake.api_url,
            "--secret_env", "TOKEN", TOKEN=writer.value,
        )  # fmt: skip
        assert updated.exit_code == 0, updated.output
        both = {path.name: sha256(path) for path in (first, second)}
        wait_until(lambda: wharf.listed("holygrail", writer) == both, "both are listed")


# --- two ROOTs at once ----------------------------------------------------------------------------------------


def test_two_servers_see_each_other_s_uploads_and_lose_none(
    fake: FakeGitHub, repository: Repository, writer: Token, tmp_path: Path
) -> None:
    with wharf_on(fake, tmp_path / "here") as here, wharf_on(fake, tmp_path / "there") as there:
        wheels = [make_wheel(tmp_path, "holygrail", f"1.{number}") for number in range(12)]
        start = threading.Barrier(4)

        def publish(number: int) -> None:
            start.wait()
            published((here, there)[number % 2], writer, *wheels[number::4])

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(publish, range(4)))
        everything = {wheel.name: sha256(wheel) for wheel in wheels}
        for wharf in (here, there):
            wait_until(lambda wharf=wharf: wharf.listed("holygrail", writer) == everything, "all are listed")  # type: ignore[misc]
        wait_until(lambda: all(in_index(repository, name) for name in everything), "all are in the index")
        assert manage(there, writer, "/manage/holygrail/1.3/delete") < 400
        del everything[wheels[3].name]
        wait_until(lambda: here.listed("holygrail", writer) == everything, "the deletion is seen here, too")
        assert there.listed("holygrail", writer) == everything
    assert not repository.drafts()


def test_the_same_file_on_two_servers_at_one_moment_is_published_once(
    fake: FakeGitHub, repository: Repository, writer: Token, tmp_path: Path
) -> None:
    with wharf_on(fake, tmp_path / "here") as here, wharf_on(fake, tmp_path / "there") as there:
        same = make_wheel(tmp_path, "holygrail", "1.0")
        others = [make_wheel(tmp_path / str(number), "swallow", "1.0", summary=str(number)) for number in range(2)]
        start = threading.Barrier(4)

        def upload(wharf: GitHubWharf, wheel: Path) -> int:
            start.wait()
            return wharf.upload(wheel, writer).status

        with ThreadPoolExecutor(4) as threads:
            statuses = list(threads.map(upload, (here, there, here, there), (same, same, *others)))
        assert statuses[:2] == [200, 200]
        assert sorted(statuses[2:]) == [200, 409]
        assert len(repository.releases) == 2


def test_a_webhook_tells_the_other_server_at_once(
    fake: FakeGitHub, repository: Repository, writer: Token, tmp_path: Path
) -> None:
    never: dict[str, Any] = {"sync_index_interval": 3600, "webhook_secret": HOOK}
    with wharf_on(fake, tmp_path / "here") as here, wharf_on(fake, tmp_path / "there", **never) as there:
        told = 0

        def tell() -> None:
            nonlocal told
            for event in fake.events[told:]:
                assert event.send(f"{there.server.url}/webhook/acme/", HOOK) == 202
            told = len(fake.events)

        wheel = make_wheel(tmp_path, "holygrail", "1.0")
        published(here, writer, wheel)
        assert there.listed("holygrail", writer) == {}
        with fake.calls.during() as calls:
            tell()
            assert there.listed("holygrail", writer) == {wheel.name: sha256(wheel)}
        assert {call.token for call in calls} <= {"admin", "writer"}
        assert manage(here, writer, "/manage/holygrail/1.0/delete") < 400
        tell()
        assert there.listed("holygrail", writer) == {}
        with pytest.raises(HTTPError, match="403"):
            fake.events[0].send(f"{there.server.url}/webhook/acme/", "another secret")


# --- limits, and what must not be left anywhere ---------------------------------------------------------------


def test_a_file_that_github_does_not_take_is_refused_before_it_is_read(
    fake: FakeGitHub, writer: Token, tmp_path: Path
) -> None:
    with wharf_on(fake, tmp_path / "root") as wharf:
        assert wharf.page("nothing", writer).status == 404, "the token is known"
        headers = {**form_headers(("acme", writer.value)), "Content-Length": str(2**31 + 10_000_000)}
        with fake.calls.during() as calls, closing(wharf.server.connect()) as connection:
            connection.putrequest("POST", "/simple/", skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()  # and no byte of the body
            answer = connection.getresponse()
            assert answer.status == 413
            assert b"more than this repository takes" in answer.read()
        assert not len(calls)


def test_a_file_goes_through_the_server_without_staying_in_its_memory(
    fake: FakeGitHub, writer: Token, tmp_path: Path
) -> None:
    noise = random.Random(1).randbytes(160_000_000)
    wheel = make_wheel(tmp_path, "large", "1.0", extra_files={"large/noise.bin": noise})
    with wharf_on(fake, tmp_path / "root", downloads="stream") as wharf:
        published(wharf, writer, make_wheel(tmp_path, "small", "1.0"))
        before = peak_memory(wharf)
        published(wharf, writer, wheel)
        answer = wharf.server.ask(f"/simple/large/{wheel.name}", ("acme", writer.value))
        assert hashlib.sha256(answer.body).hexdigest() == sha256(wheel)
        assert peak_memory(wharf) - before < 50_000_000


def peak_memory(wharf: GitHubWharf) -> int:
    """Bytes, of the worker that took most."""
    text = [Path(f"/proc/{worker}/status").read_text() for worker in wharf.server.workers()]
    return max(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) for status in text) * 1024


def test_no_caller_s_token_and_no_signed_address_is_left_in_any_file(
    fake: FakeGitHub, writer: Token, reader: Token, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    stranger = fake.token("stranger")
    with wharf_on(fake, root, "--debug") as wharf:
        wheel = make_wheel(tmp_path, "holygrail", "1.0")
        published(wharf, writer, wheel)
        assert wharf.upload(make_wheel(tmp_path, "holygrail", "2.0"), reader).status == 403
        assert wharf.page("holygrail", stranger).status == 403
        answer = wharf.server.ask(f"/simple/holygrail/{wheel.name}", ("acme", reader.value))
        assert answer.status == 302
        wharf.server.ask(f"/simple/holygrail/{wheel.name}.metadata", ("acme", reader.value))
        fake.faults.next("*", status=502, times=3)
        wharf.upload(make_wheel(tmp_path, "holygrail", "3.0"), writer)
        fake.faults.clear()
    signed = answer.headers["location"].partition("?")[2]
    forbidden = [token.value.encode() for token in (writer, reader, stranger)] + [signed.encode(), b"&sig="]
    looked_at = 0
    for path in root.rglob("*"):
        if path.is_file():
            looked_at += 1
            content = path.read_bytes()
            assert not [word for word in forbidden if word in content], path
    assert looked_at > 5


# --- auth = "secrets" -----------------------------------------------------------------------------------------


def test_shared_secrets_open_a_github_repository_to_people_without_accounts(
    fake: FakeGitHub, repository: Repository, writer: Token, tmp_path: Path
) -> None:
    keys: dict[str, Any] = {"auth": "secrets", "read_secret": "reads", "write_secret": "writes"}
    with wharf_on(fake, tmp_path / "root", **keys) as wharf:
        wheel = make_wheel(tmp_path, "holygrail", "1.0")
        reads, writes = fake.token("r"), fake.token("w")
        reads.value, writes.value = "reads", "writes"
        assert wharf.upload(wheel, reads).status == 403
        with fake.calls.during() as calls:
            assert wharf.upload(wheel, writes).status == 200
            assert wharf.listed("holygrail", reads) == {wheel.name: sha256(wheel)}
            for path in (wheel.name, f"{wheel.name}.metadata"):
                assert wharf.server.ask(f"/simple/holygrail/{path}", ("acme", "reads")).status in (200, 302)
        assert {call.token for call in calls} == {"admin"}, "everything is done with the admin secret"
        assert wharf.upload(wheel, writer).status == 401, "a token of GitHub is no password any more"
        assert [release.author for release in repository.releases.values()] == ["admin"]
        wharf.admin.revoke()
        second = make_wheel(tmp_path, "holygrail", "2.0")
        answer = wharf.upload(second, writes)
        assert answer.status == 503, "it is not the caller's secret that is wrong"
        assert "operator" in answer.text
        assert wharf.listed("holygrail", reads) == {wheel.name: sha256(wheel)}
