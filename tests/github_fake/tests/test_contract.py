"""The stand-in keeps to GitHub's document, and tells who does not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import requests

from github_fake import FakeGitHub
from github_fake.contract import HOLES, contract
from github_fake.exchange import Answer, Request
from github_fake.operations.registry import HANDLERS
from github_fake.recut import CUT, OPERATIONS, cut, text_of
from github_fake.tests.asking import TIMEOUT, Client


def test_each_operation_of_the_cut_is_answered() -> None:
    assert set(HANDLERS) == OPERATIONS == {operation.id for operation in contract().operations}


def test_each_hole_is_of_an_operation_that_exists() -> None:
    assert {hole.operation for hole in HOLES} - {"*"} <= OPERATIONS


def test_cutting_the_cut_again_changes_nothing() -> None:
    document = json.loads(CUT.read_text(encoding="utf-8"))
    assert text_of(cut(document)) == CUT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        ("GET", "/releases?pre_page=100", None, "takes no query parameter 'pre_page'"),
        ("GET", "/releases?per_page=many", None, "query parameter per_page"),
        ("POST", "/releases", {"name": "x"}, "tag_name"),
        ("POST", "/releases", {"tag_name": "x", "drafty": True}, "has no field 'drafty'"),
        ("POST", "/releases", {"tag_name": "x", "draft": "yes"}, "boolean"),
        ("POST", "/git/trees", {"tree": [{"path": "x", "bytes": "y"}]}, "has no field 'bytes'"),
        ("GET", "/releases/", None, "no such operation"),
        ("GET", "/nothing", None, "no such operation"),
        ("GET", "/releases/abc", None, "must be a number"),
    ],
)
def test_a_request_that_breaks_the_document_fails_the_test(
    fake: FakeGitHub, writer: Client, method: str, path: str, body: object, complaint: str
) -> None:
    assert writer.ask(method, path, json=body).status_code in (200, 201, 404, 422, 500)
    with pytest.raises(AssertionError, match="not as GitHub's document says") as caught:
        fake.check()
    assert complaint in str(caught.value)
    fake.violations.clear()


def test_a_request_without_user_agent_is_refused(fake: FakeGitHub) -> None:
    answer = requests.get(f"{fake.api_url}/rate_limit", headers={"User-Agent": ""}, timeout=TIMEOUT)
    assert answer.status_code == 403
    fake.violations.clear()


def test_an_unknown_version_of_the_api_is_refused(fake: FakeGitHub, reader: Client) -> None:
    assert reader.ask("GET", "", **{"X-GitHub-Api-Version": "2022-11-28"}).status_code == 200
    assert reader.ask("GET", "", **{"X-GitHub-Api-Version": "1999-01-01"}).status_code == 400
    fake.violations.clear()


def test_an_answer_that_breaks_the_document_is_told_of(writer: Client) -> None:
    request = Request(
        method="GET",
        operation="repos/get-release",
        path="",
        parameters={},
        query={},
        headers={},
        body=b"",
        token=None,
    )
    release = writer.draft("x")
    good = Answer(status=200, content=release)
    assert list(contract().faults_of_answer(request, good)) == []
    del release["upload_url"]
    assert "upload_url" in "".join(contract().faults_of_answer(request, good))
    assert "lists" in "".join(contract().faults_of_answer(request, replace(good, status=202)))
    assert "lists" in "".join(contract().faults_of_answer(request, replace(good, media_type="text/html")))
