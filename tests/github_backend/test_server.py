"""The server with its repository on the stand-in for GitHub: rights, real clients, and a server without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_fake import FakeGitHub, Token
from pywharf_core.testing import make_wheel
from server.in_process import Application, application


def config_of(fake: FakeGitHub) -> str:
    return f'[acme]\ntype = "github"\nowner = "acme"\nrepo = "packages"\napi_url = "{fake.api_url}"\nprivate = ["*"]\n'


def admin_of(fake: FakeGitHub) -> str:
    admin = fake.token("admin", rights={"acme/packages": "write"})
    return f'[acme]\ntype = "github"\nraw = "{admin.value}"\n'


def upload(app: Application, wheel: Path, token: Token) -> int:
    return app.upload(wheel, ("acme", token.value)).status_code


@pytest.mark.usefixtures("repository")
def test_github_s_own_rights_decide(fake: FakeGitHub, writer: Token, tmp_path: Path) -> None:
    reader = fake.token("reader", rights={"acme/packages": "read"})
    stranger = fake.token("stranger")
    wheel = make_wheel(tmp_path, "holygrail", "1.0")
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app:
        assert upload(app, wheel, stranger) in (401, 403)
        assert upload(app, wheel, reader) == 403
        assert upload(app, wheel, writer) == 200
        assert set(app.listed("holygrail", ("acme", reader.value))) == {wheel.name}
        answer = app.get(f"/simple/holygrail/{wheel.name}", ("acme", reader.value))
        assert answer.status_code == 302
        assert answer.headers["cache-control"] == "no-store"
        metadata = app.get(f"/simple/holygrail/{wheel.name}.metadata", ("acme", reader.value))
        assert metadata.text.startswith("Metadata-Version")
        assert app.get("/simple/holygrail/", ("acme", stranger.value)).status_code in (401, 403)
        assert app.get("/simple/holygrail/", ("acme", "ghp_unknown")).status_code == 401


@pytest.mark.usefixtures("repository")
def test_a_server_without_a_secret_reads_with_the_secret_of_whoever_comes(
    fake: FakeGitHub, writer: Token, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "holygrail", "1.0")
    with application(tmp_path / "first", config_of(fake), admin_of(fake)) as app:
        assert upload(app, wheel, writer) == 200
    reader = fake.token("reader", rights={"acme/packages": "read"})
    with application(tmp_path / "second", config_of(fake), None, ready=False) as app:
        assert app.get("/readyz").status_code == 503
        with fake.calls.during() as calls:
            assert set(app.listed("holygrail", ("acme", reader.value))) == {wheel.name}
        assert {call.token for call in calls} == {"reader"}
        assert app.get("/readyz").status_code == 200
        with fake.calls.during() as calls:
            assert set(app.listed("holygrail", ("acme", reader.value))) == {wheel.name}
        assert not list(calls), "within the interval GitHub is not asked again"


@pytest.mark.usefixtures("repository")
def test_while_github_is_down_reading_goes_on_and_uploads_are_told_to_come_back(
    fake: FakeGitHub, writer: Token, tmp_path: Path
) -> None:
    first, second = make_wheel(tmp_path, "holygrail", "1.0"), make_wheel(tmp_path, "holygrail", "2.0")
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app:
        assert upload(app, first, writer) == 200
        fake.faults.next("POST /repos/{owner}/{repo}/releases", status=502, times=10)
        answer = app.upload(second, ("acme", writer.value))
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) <= 5
        assert set(app.listed("holygrail", ("acme", writer.value))) == {first.name}
