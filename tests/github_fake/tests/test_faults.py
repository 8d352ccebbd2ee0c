"""What goes wrong on request."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests

from github_fake import FakeGitHub, Repository
from github_fake.tests.asking import Client, error_of

CREATE = "POST /repos/{o}/{r}/releases"
BROKEN = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def test_an_error_comes_before_or_after_the_effect(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    fake.faults.next(CREATE, status=502)
    fake.faults.next(CREATE, status=502, after=True)
    asked = {"tag_name": "x", "draft": True}
    assert writer.ask("POST", "/releases", json=asked).status_code == 502
    assert repository.drafts() == []
    assert writer.ask("POST", "/releases", json=asked).status_code == 502
    assert len(repository.drafts()) == 1
    assert writer.ask("POST", "/releases", json=asked).status_code == 201


def test_faults_wait_for_their_operation_and_their_turn(fake: FakeGitHub, reader: Client) -> None:
    fake.faults.next("repos/get", status=500, skip=1, times=2)
    statuses = [reader.get("").status_code for _ in range(5)]
    assert statuses == [200, 500, 500, 200, 200]
    fake.faults.next("*", status=503, html=True)
    assert fake.faults.unmet == ["*"]
    page = reader.get("/releases")
    assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert fake.faults.unmet == []


def test_an_answer_gets_lost_after_the_effect(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    fake.faults.next(CREATE, lose_answer=True)
    with pytest.raises(BROKEN):
        writer.ask("POST", "/releases", json={"tag_name": "x", "draft": True})
    assert len(repository.drafts()) == 1
    assert [call.status for call in fake.calls] == [None]


def test_a_connection_is_cut_half_way_up(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    release = writer.draft("x")
    fake.faults.next("repos/upload-release-asset", cut_request_at=100_000)
    with pytest.raises(BROKEN):
        writer.upload(release, "x", b"x" * 5_000_000)
    assert repository.drafts()[0].assets == {}


def test_a_connection_is_cut_half_way_down(fake: FakeGitHub, writer: Client) -> None:
    link = writer.link(writer.published("x", b"x" * 1_000_000)["assets"][0]["id"])
    fake.faults.next("GET storage", cut_answer_at=100_000)
    with requests.get(link, stream=True, timeout=5) as answer:
        assert answer.headers["Content-Length"] == "1000000"
        with pytest.raises(BROKEN):
            list(answer.iter_content(10_000))


@pytest.mark.parametrize("where", ["before", "after", "body"])
def test_a_server_says_nothing_until_it_is_released(fake: FakeGitHub, reader: Client, where: str) -> None:
    fake.faults.next("repos/get", stall=where)
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(reader.get("").status_code))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    fake.faults.release()
    thread.join(5)
    assert answers == [200]


def test_a_rival_is_faster(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    release = writer.draft("x")
    fake.faults.next("repos/update-release", before=lambda: fake.add_release(repository, "x"))
    assert error_of(writer.publish(release))[2] == "already_exists tag_name"


def test_a_token_ends_in_the_middle_of_a_publication(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    release = writer.draft("x")
    assert writer.token is not None
    fake.faults.next("repos/upload-release-asset", before=writer.token.revoke)
    assert error_of(writer.upload(release, "x", b"x"))[:2] == (401, "Bad credentials")
    assert repository.drafts()[0].assets == {}


def test_a_client_that_goes_away_leaves_no_trace(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    release = writer.draft("x")

    target = urlsplit(release["upload_url"].partition("{")[0])
    connection = HTTPConnection(str(target.hostname), target.port)
    connection.putrequest("POST", f"{target.path}?name=x")
    connection.putheader("Authorization", f"token {writer.token.value if writer.token else ''}")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"too little")
    connection.close()
    assert writer.upload(release, "x", b"x").status_code == 201
    assert len(repository.drafts()[0].assets) == 1


def test_a_body_of_unknown_length_is_refused(writer: Client) -> None:
    release = writer.draft("x")
    url = f"{release['upload_url'].partition('{')[0]}?name=x"
    assert requests.post(url, data=iter([b"x"]), timeout=5).status_code == 400


def test_a_page_changes_while_it_is_listed(fake: FakeGitHub, reader: Client, repository: Repository) -> None:
    for tag in "abcd":
        fake.add_release(repository, tag)
    fake.faults.next("repos/list-releases", skip=1, before=lambda: fake.add_release(repository, "e"))
    tags = [
        release["tag_name"] for page in (1, 2) for release in reader.get(f"/releases?per_page=2&page={page}").json()
    ]
    assert tags == ["d", "c", "c", "b"]


def test_a_rate_limit_and_a_moved_branch_are_one_line_each(fake: FakeGitHub, writer: Client) -> None:
    fake.faults.secondary_limit(retry_after=None)
    answer = writer.get("")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (403, None)
    fake.faults.branch_moved()
    moved = writer.ask("PUT", "/contents/x", json={"message": "m", "content": ""})
    assert error_of(moved)[0] == 409
    assert " but expected " in moved.json()["message"]


def test_after_settling_even_what_stalled_has_had_its_effect(
    fake: FakeGitHub, writer: Client, repository: Repository
) -> None:
    fake.faults.next(CREATE, stall="before")
    thread = threading.Thread(target=writer.draft, args=("x",))
    thread.start()
    while not fake._front.at_work:
        thread.join(0.01)
    assert repository.drafts() == []
    fake.settle()
    assert len(repository.drafts()) == 1
    thread.join()
    assert not fake._front.at_work
