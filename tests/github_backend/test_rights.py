"""Who may do what on a server in front of GitHub: tokens that were granted too little, many at once, and outages."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import pywharf_github.access
from github_backend.test_server import admin_of, config_of
from github_fake import FakeGitHub, Repository, Token
from github_fake.exchange import Answer as FaultyAnswer
from pywharf.questions import Questions
from pywharf_core.auth import Access, Verdict
from pywharf_core.secret import Secret
from pywharf_core.testing import make_wheel
from server.in_process import Application, application

READ = {"acme/packages": "read"}
VISIBLE = "GET /repos/{o}/{r}"


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request finds that the last answer of GitHub is too old."""
    monkeypatch.setattr(pywharf_github.access, "BELIEVED_FOR", 0.0)


def status(app: Application, path: str, token: Token) -> int:
    return app.get(path, ("acme", token.value)).status_code


@pytest.mark.parametrize("downloads", ["redirect", "stream"])
@pytest.mark.parametrize("kind", ["fine_grained", "installation", "actions"])
def test_a_token_without_contents_gets_nothing_whatever_others_fetched(
    fake: FakeGitHub, writer: Token, tmp_path: Path, kind: str, downloads: str
) -> None:
    granted = {"metadata": "read", "issues": "write"}
    token = fake.token("someone", kind=kind, rights=READ, permissions=granted)
    wheel = make_wheel(tmp_path, "holygrail", "1.0")
    file = f"/simple/holygrail/{wheel.name}"
    with application(tmp_path / "root", config_of(fake) + f'downloads = "{downloads}"\n', admin_of(fake)) as app:
        assert app.upload(wheel, ("acme", writer.value)).status_code == 200
        for path in (file, f"{file}.metadata"):
            assert status(app, path, writer) in (200, 302)
        for path in ("/simple/holygrail/", file, f"{file}.metadata", "/simple/", "/project/holygrail/"):
            answer = app.get(path, ("acme", token.value))
            assert answer.status_code == 403
            assert "contents=read" in answer.text


def test_github_s_reason_for_no_right_is_told(fake: FakeGitHub, reader: Token, tmp_path: Path) -> None:
    reader.single_sign_on_missing = True
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app:
        answer = app.get("/simple/", ("acme", reader.value))
    assert answer.status_code == 403
    assert answer.text.startswith(
        "This secret has no right in the repository acme: it must be authorised for the organisation's single sign-on first."
    )


@pytest.mark.usefixtures("forgetful")
def test_readers_go_on_for_longer_than_github_s_answers_are_believed(
    fake: FakeGitHub, writer: Token, reader: Token, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "holygrail", "1.0")
    file = f"/simple/holygrail/{wheel.name}"
    with application(tmp_path / "root", config_of(fake) + 'downloads = "stream"\n', admin_of(fake)) as app:
        assert app.upload(wheel, ("acme", writer.value)).status_code == 200
        assert status(app, file, reader) == 200
        fake.faults.next("*", status=503, times=0)
        for path in ("/simple/", "/simple/holygrail/", file, f"{file}.metadata", "/pypi/holygrail/json"):
            for token in (reader, writer):
                assert status(app, path, token) == 200
        stranger = app.get("/simple/", ("acme", fake.token("newcomer", rights=READ).value))
        assert stranger.status_code == 503
        upload = app.upload(make_wheel(tmp_path, "holygrail", "2.0"), ("acme", writer.value))
        assert upload.status_code == 503
        for refused in (stranger, upload):
            assert 1 <= int(refused.headers["retry-after"]) <= 5  # of a failure that is remembered for 5 seconds
        fake.faults.clear()


@pytest.mark.usefixtures("forgetful")
def test_an_exhausted_rate_limit_keeps_its_reader_reading_and_is_nobody_else_s(
    fake: FakeGitHub, reader: Token, tmp_path: Path
) -> None:
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app:
        assert status(app, "/simple/", reader) == 200
        fake.limits.exhaust(reader)
        with fake.calls.during() as calls:
            assert {status(app, "/simple/", reader) for _ in range(10)} == {200}
        assert sum(call.token == "reader" for call in calls) <= 1, "GitHub is not asked again and again"
        assert status(app, "/simple/", fake.token("other", rights=READ)) == 200


@pytest.mark.usefixtures("forgetful")
def test_what_was_taken_away_before_an_outage_does_not_come_back_with_it(
    fake: FakeGitHub, reader: Token, tmp_path: Path
) -> None:
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app:
        assert status(app, "/simple/", reader) == 200
        fake.grant("reader", "acme/packages", "none")
        assert status(app, "/simple/", reader) == 403
        fake.faults.next("*", status=503, times=0)
        assert status(app, "/simple/", reader) in (403, 503)
        fake.faults.clear()


def test_many_requests_of_a_new_token_are_one_question(
    fake: FakeGitHub, reader: Token, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody_is_here = threading.Event()
    here: list[str] = []
    verdict = Questions.verdict

    async def counted(self: Questions, username: str, secret: Secret, wanted: Access, client: str) -> Verdict:
        here.append(client)
        if len(here) == 50:
            everybody_is_here.set()
        return await verdict(self, username, secret, wanted, client)

    monkeypatch.setattr(Questions, "verdict", counted)
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app, ThreadPoolExecutor(50) as threads:
        fake.faults.next(VISIBLE, before=lambda: everybody_is_here.wait(20), times=0)
        with fake.calls.during() as calls:
            asked = [threads.submit(status, app, f"/simple/project-{number}/", reader) for number in range(50)]
            assert Counter(answer.result() for answer in asked) == {404: 50}
        assert everybody_is_here.is_set()
        assert sum(call.token == "reader" for call in calls) == 1
        fake.faults.clear()


@pytest.mark.parametrize("at_once", [1, 40])
def test_jobs_behind_one_address_have_a_token_each(
    fake: FakeGitHub, repository: Repository, tmp_path: Path, at_once: int
) -> None:
    granted = {"contents": "read"}
    jobs = [fake.token(f"job{number}", kind="actions", rights=READ, permissions=granted) for number in range(60)]
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app, ThreadPoolExecutor(at_once) as threads:
        assert set(threads.map(lambda job: status(app, "/simple/", job), jobs)) == {200}


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'"x"'])
def test_an_answer_that_github_never_gives_opens_nothing(
    fake: FakeGitHub, reader: Token, tmp_path: Path, body: bytes
) -> None:
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app:
        fault = fake.faults.next(VISIBLE, status=200)
        fault.answer = FaultyAnswer(status=200, content=body, media_type="application/json", faulty=True)
        answer = app.get("/simple/", ("acme", reader.value))
        assert answer.status_code == 503
        assert "not what GitHub says it answers" in answer.text


def test_github_s_block_of_logins_takes_nobody_s_right(
    fake: FakeGitHub, reader: Token, tmp_path: Path, forgetful: None
) -> None:
    message = "Maximum number of login attempts exceeded. Please try again later."
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app:
        assert status(app, "/simple/", reader) == 200
        fake.faults.next("*", status=403, message=message, times=0)
        assert status(app, "/simple/", reader) == 200
        newcomer = app.get("/simple/", ("acme", fake.token("newcomer", rights=READ).value))
        assert newcomer.status_code == 503
        assert "GitHub takes no token from this server for a while" in newcomer.text
        fake.faults.clear()


@pytest.mark.usefixtures("repository")
def test_shared_secrets_without_an_admin_secret_are_refused_at_initialize(fake: FakeGitHub, tmp_path: Path) -> None:
    shared = config_of(fake) + 'auth = "secrets"\nread_secret = "reads"\n'
    with application(tmp_path / "root", None, ready=False) as app:
        answer = app.client.post("/initialize/", data={"config": shared})
        assert answer.status_code == 400
        assert "then the server does everything with its admin secret, and there is none" in answer.text
        sent = {"config": shared, "admin_secret": admin_of(fake)}
        assert app.client.post("/initialize/", data=sent).status_code == 200
        app.wait_until_ready()
        assert app.get("/simple/", ("acme", "reads")).status_code == 200
