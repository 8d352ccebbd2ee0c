"""Files of a branch: the table of conflicts, and several files in one commit."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest
import requests

from github_fake import FakeGitHub, Repository
from github_fake.git_objects import blob_sha
from github_fake.tests.asking import Client, error_of

RAW = "application/vnd.github.raw+json"


def put(client: Client, path: str, content: bytes, **fields: Any) -> requests.Response:
    document = {"message": "m", "content": b64encode(content).decode(), **fields}
    return client.ask("PUT", f"/contents/{path}", json=document)


def test_a_file_is_written_read_and_replaced(writer: Client, reader: Client, repository: Repository) -> None:
    created = put(writer, "index.toml", b"x = 1\n")
    assert created.status_code == 201
    sha = created.json()["content"]["sha"]
    assert sha == blob_sha(b"x = 1\n")
    read = reader.get("/contents/index.toml?ref=main").json()
    assert (b64decode(read["content"]), read["sha"]) == (b"x = 1\n", sha)
    replaced = put(writer, "index.toml", b"x = 2\n", sha=sha)
    assert replaced.status_code == 200
    assert replaced.json()["commit"]["sha"] == repository.git.refs["refs/heads/main"]
    assert reader.get("/contents/index.toml", Accept=RAW).content == b"x = 2\n"


def test_the_table_of_conflicts(writer: Client) -> None:
    put(writer, "index.toml", b"1")
    assert error_of(put(writer, "index.toml", b"2")) == (422, 'Invalid request.\n\n"sha" wasn\'t supplied.', None)
    for sha in ("0" * 40, "nonsense"):
        assert error_of(put(writer, "index.toml", b"2", sha=sha)) == (409, f"index.toml does not match {sha}", None)
    assert put(writer, "new.toml", b"2", sha="0" * 40).status_code == 201
    assert error_of(put(writer, "index.toml", b"2", branch="absent"))[0] == 404


def test_a_large_file_has_its_content_in_the_raw_form_only(
    fake: FakeGitHub, reader: Client, repository: Repository
) -> None:
    fake.with_limits(json_contents=10, raw_contents=20)
    fake.put_file(repository, "medium", b"x" * 11)
    fake.put_file(repository, "large", b"x" * 21)
    medium = reader.get("/contents/medium").json()
    assert (medium["content"], medium["encoding"], medium["size"]) == ("", "none", 11)
    assert reader.get("/contents/medium", Accept=RAW).content == b"x" * 11
    assert reader.get("/contents/large", Accept=RAW).status_code == 403


def test_a_folder_is_listed(fake: FakeGitHub, reader: Client, repository: Repository) -> None:
    fake.put_file(repository, "index/aa.toml", b"a")
    assert [entry["path"] for entry in reader.get("/contents/index").json()] == ["index/aa.toml"]
    assert {entry["type"] for entry in reader.get("/contents/").json()} == {"file", "dir"}
    assert reader.get("/contents/absent").status_code == 404


def test_an_etag_depends_on_the_token_and_a_304_is_free(
    fake: FakeGitHub, reader: Client, writer: Client, repository: Repository
) -> None:
    fake.put_file(repository, "index.toml", b"1")
    first = reader.get("/contents/index.toml", Accept=RAW)
    before = fake.limits.of(reader.token).used
    same = reader.ask("GET", "/contents/index.toml", **{"Accept": RAW, "If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert fake.limits.of(reader.token).used == before
    other = writer.ask("GET", "/contents/index.toml", **{"Accept": RAW, "If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    fake.put_file(repository, "index.toml", b"2")
    changed = reader.ask("GET", "/contents/index.toml", **{"Accept": RAW, "If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, changed.content) == (200, b"2")


def test_several_files_go_into_one_commit_unless_the_branch_moved(
    fake: FakeGitHub, writer: Client, repository: Repository
) -> None:
    def commit() -> tuple[str, requests.Response]:
        head = writer.get("/git/ref/heads/main").json()
        assert head["url"].endswith("/git/refs/heads/main")
        blob = writer.ask("POST", "/git/blobs", json={"content": "eA==", "encoding": "base64"}).json()["sha"]
        old = head["object"]["sha"]
        base = writer.get(f"/git/commits/{old}").json()["tree"]["sha"]
        entries = [
            {"path": "index.toml", "mode": "100644", "type": "blob", "content": "y"},
            {"path": "index/aa.toml", "mode": "100644", "type": "blob", "sha": blob},
        ]
        tree = writer.ask("POST", "/git/trees", json={"base_tree": base, "tree": entries}).json()["sha"]
        asked = {"message": "m", "tree": tree, "parents": [old]}
        new = writer.ask("POST", "/git/commits", json=asked).json()["sha"]
        fake.put_file(repository, "other", new.encode()) if moved else None
        return new, writer.ask("PATCH", "/git/refs/heads/main", json={"sha": new, "force": False})

    moved = False
    new, answer = commit()
    assert answer.json()["object"]["sha"] == new == repository.git.refs["refs/heads/main"]
    assert (repository.file("index.toml"), repository.file("index/aa.toml")) == (b"y", b"x")
    assert repository.file("README.md") is not None
    moved = True
    assert error_of(commit()[1]) == (422, "Update is not a fast forward", None)


def test_a_tree_is_read_whole(fake: FakeGitHub, reader: Client, repository: Repository) -> None:
    fake.put_file(repository, "index/aa.toml", b"a")
    tree = reader.get("/git/trees/main?recursive=1").json()
    assert {entry["path"]: entry["type"] for entry in tree["tree"]} == {
        "README.md": "blob",
        "index": "tree",
        "index/aa.toml": "blob",
    }
    sha = next(entry["sha"] for entry in tree["tree"] if entry["path"] == "index/aa.toml")
    assert reader.get(f"/git/blobs/{sha}", Accept=RAW).content == b"a"
    assert reader.get(f"/git/blobs/{sha}").json()["content"] == "YQ==\n"
    assert reader.get(f"/git/trees/{tree['sha']}?recursive=1").json()["truncated"] is False
    fake.with_limits(tree_entries=1)
    assert reader.get(f"/git/trees/{tree['sha']}?recursive=1").json()["truncated"] is True


def test_refs_are_made_once(writer: Client, repository: Repository) -> None:
    head = repository.git.refs["refs/heads/main"]
    made = {"ref": "refs/heads/index", "sha": head}
    assert writer.ask("POST", "/git/refs", json=made).status_code == 201
    assert error_of(writer.ask("POST", "/git/refs", json=made)) == (422, "Reference already exists", None)
    assert writer.get("/branches/index").json()["commit"]["sha"] == head
    assert [ref["ref"] for ref in writer.get("/git/matching-refs/heads/in").json()] == ["refs/heads/index"]
    assert writer.ask("DELETE", "/git/refs/heads/index").status_code == 204
    assert writer.get("/git/ref/heads/index").status_code == 404


def test_objects_have_the_names_that_git_gives_them(repository: Repository) -> None:
    assert blob_sha(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert repository.git.add_tree({}) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize("role", ["read", "write"])
def test_a_file_is_deleted_by_who_may(fake: FakeGitHub, repository: Repository, role: str) -> None:
    fake.put_file(repository, "old", b"1")
    client = Client(fake, fake.token("x", rights={"acme/packages": role}))
    stale = client.ask("DELETE", "/contents/old", json={"message": "m", "sha": "0" * 40})
    assert stale.status_code == (409 if role == "write" else 404)
    done = client.ask("DELETE", "/contents/old", json={"message": "m", "sha": blob_sha(b"1")})
    assert done.status_code == (200 if role == "write" else 404)
    assert (repository.file("old") is None) == (role == "write")
