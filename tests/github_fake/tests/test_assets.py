"""Assets: names, digests, uploads that break off, and links that end."""

from __future__ import annotations

import hashlib

import pytest
import requests

from github_fake import FakeGitHub, Hosts, names_resolved
from github_fake.tests.asking import TIMEOUT, Client, error_of


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("pkg-1.0+local.1-py3-none-any.whl", "pkg-1.0+local.1-py3-none-any.whl"),
        ("pkg-1!2.0-py3-none-any.whl", "pkg-1.2.0-py3-none-any.whl"),
        ("two words (1).txt", "two.words.1.txt"),
        (".hidden.", "hidden"),
        ("Käse~~!.txt", "Kase.txt"),
    ],
)
def test_names_are_rewritten_without_a_word(writer: Client, name: str, kept: str) -> None:
    assert writer.upload(writer.draft("tag"), name, b"x").json()["name"] == kept


def test_two_names_that_become_one_collide(writer: Client) -> None:
    release = writer.draft("tag")
    assert writer.upload(release, "pkg-1!2.whl", b"x").status_code == 201
    answer = writer.upload(release, "pkg-1.2.whl", b"x")
    assert error_of(answer) == (422, "Validation Failed", "already_exists name")
    assert "status" not in answer.json()
    assert "request_id" in answer.json()


def test_a_bare_plus_in_a_name_is_a_space(writer: Client) -> None:
    release = writer.draft("tag")
    url = release["upload_url"].partition("{")[0] + "?name=a+b.whl"
    assert writer.token is not None
    headers = {"Authorization": f"token {writer.token.value}", "Content-Type": "application/zip"}
    answer = requests.post(url, b"x", headers=headers, timeout=TIMEOUT)
    assert answer.json()["name"] == "a.b.whl"


def test_the_digest_is_computed_unless_the_server_is_old(fake: FakeGitHub, writer: Client) -> None:
    release = writer.draft("tag")
    assert writer.upload(release, "a", b"x").json()["digest"] == f"sha256:{hashlib.sha256(b'x').hexdigest()}"
    fake.world.digests = False
    assert writer.upload(release, "b", b"x").json()["digest"] is None


def test_limits_of_assets(fake: FakeGitHub, writer: Client) -> None:
    fake.with_limits(assets=2, asset_bytes=10)
    release = writer.draft("tag")
    assert error_of(writer.upload(release, "a", b"x" * 11))[2] == "custom size size must be less than or equal to 10"
    assert writer.upload(release, "a", b"x" * 10).status_code == 201
    assert error_of(writer.upload(release, "empty", b"")) == (400, "Bad Content-Length: ", None)
    assert writer.upload(release, "b", b"x").status_code == 201
    assert error_of(writer.upload(release, "c", b"x"))[0] == 422


def test_an_upload_that_breaks_off_holds_its_name(fake: FakeGitHub, writer: Client) -> None:
    release = writer.draft("tag")
    fake.faults.next("repos/upload-release-asset", status=502, leaves="starter")
    assert writer.upload(release, "a", b"content").status_code == 502
    (left,) = writer.get(f"/releases/{release['id']}/assets").json()
    assert (left["state"], left["size"], left["digest"]) == ("starter", 0, None)
    assert error_of(writer.upload(release, "a", b"content"))[2] == "already_exists name"
    assert writer.get(f"/releases/assets/{left['id']}", Accept="application/octet-stream").status_code == 404
    assert writer.ask("DELETE", f"/releases/assets/{left['id']}").status_code == 204
    assert writer.upload(release, "a", b"content").status_code == 201


def test_an_asset_is_renamed_and_deleted(writer: Client) -> None:
    release = writer.published("tag")
    asset = release["assets"][0]["id"]
    renamed = writer.ask("PATCH", f"/releases/assets/{asset}", json={"name": "new", "label": "l"}).json()
    assert (renamed["name"], renamed["label"]) == ("new", "l")
    assert writer.ask("DELETE", f"/releases/assets/{asset}").status_code == 204
    assert writer.get(f"/releases/assets/{asset}").status_code == 404


def test_a_download_is_a_signed_link_for_300_seconds_and_one_method(
    fake: FakeGitHub, reader: Client, writer: Client
) -> None:
    fake.clock.stop()
    asset = writer.published("tag", b"0123456789")["assets"][0]["id"]
    link = reader.link(asset)
    assert requests.get(link, timeout=TIMEOUT).content == b"0123456789"
    part = requests.get(link, headers={"Range": "bytes=2-4"}, timeout=TIMEOUT)
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert requests.head(link, timeout=TIMEOUT).status_code == 403
    fake.clock.advance(299)
    assert requests.get(link, timeout=TIMEOUT).status_code == 200
    fake.clock.advance(2)
    assert requests.get(link, timeout=TIMEOUT).status_code == 403
    assert requests.get(reader.link(asset), timeout=TIMEOUT).status_code == 200


def test_a_server_without_a_storage_host_sends_the_bytes(fake: FakeGitHub, reader: Client, writer: Client) -> None:
    asset = writer.published("tag", b"bytes")["assets"][0]["id"]
    fake.world.redirects_downloads = False
    answer = reader.get(f"/releases/assets/{asset}", Accept="application/octet-stream")
    assert (answer.status_code, answer.content) == (200, b"bytes")


@pytest.mark.parametrize("hosts", [Hosts("api.test", "uploads.test", "storage.test"), Hosts(storage="127.0.0.2")])
def test_a_token_that_reaches_the_storage_host_is_told_of(hosts: Hosts) -> None:
    with names_resolved(), FakeGitHub.running(hosts=hosts) as fake:
        fake.add_repo("acme", "packages")
        client = Client(fake, fake.token("writer", rights={"acme/packages": "write"}))
        link = client.link(client.published("tag")["assets"][0]["id"])
        assert link.startswith(f"http://{hosts.storage}:")
        assert requests.get(link, timeout=TIMEOUT).status_code == 200
        assert fake.tokens_at_storage == []
        assert requests.get(link, headers={"Authorization": "Bearer x"}, timeout=TIMEOUT).status_code == 400
        assert fake.tokens_at_storage == ["Bearer x"]
        (violation,) = fake.violations
        assert "storage host" in violation
        fake.violations.clear()


def test_each_host_serves_its_own_part(fake: FakeGitHub) -> None:
    with names_resolved(), FakeGitHub.running(hosts=Hosts("api.test", "uploads.test", "storage.test")) as several:
        several.add_repo("acme", "packages")
        wrong = several.api_url.replace("api.test", "uploads.test")
        assert requests.get(f"{wrong}/rate_limit", timeout=TIMEOUT).status_code == 404
        several.violations.clear()
