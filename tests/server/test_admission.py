"""Who is let in, and how those are answered who are not."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

import pywharf_core.shared_secrets
import pywharf_filesystem.plugin
from pywharf_core.auth import AuthType, Verdict
from pywharf_core.hookspecs import hookimpl
from pywharf_core.plugins import Plugins
from pywharf_core.secret import Secret
from pywharf_core.shared_secrets import SharedSecretOptions, SharedSecrets, SharedSecretsType
from pywharf_core.testing import make_wheel
from server.in_process import OTHER_READER, READER, WRITER, Application, application
from support.uploads import basic

PATHS = ["/simple/", "/simple/holygrail/", "/simple/unknown/", "/simple/holygrail/x.whl", "/index_mtime/"]
_ANONYMOUS = """
[{name}]
type = "file_system"
read_secret = "reads"
write_secret = "writes"
anonymous_read = true
"""


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("prefix", ["", "/r/local"])
@pytest.mark.parametrize("path", PATHS)
def test_without_credentials_or_with_wrong_ones_everything_is_401_with_a_challenge(
    app: Application, path: str, prefix: str
) -> None:
    for credentials in (None, ("local", "wrong"), ("local", ""), ("local", "reads-other")):
        answer = app.get(prefix + path, credentials)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_repository_answers_like_a_wrong_secret(app: Application, path: str) -> None:
    def shape(credentials: tuple[str, str], prefix: str = "") -> tuple[object, ...]:
        answer = app.get(prefix + path, credentials)
        headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
        return answer.status_code, headers, answer.text.partition("\nRequest ")[0]

    assert shape(("nowhere", "reads")) == shape(("local", "wrong"))
    assert shape(("__token__", "reads"), "/r/nowhere") == shape(("__token__", "wrong"), "/r/local")


@pytest.mark.usefixtures("no_new_guesses")
def test_guessing_the_names_of_repositories_is_answered_like_guessing_secrets(app: Application) -> None:
    # The same wrong secret again and again, as a misconfigured client sends it, and then many different ones.
    def statuses(name: str) -> list[int]:
        same = [app.get("/simple/", (name, "wrong")).status_code for _ in range(30)]
        return same + [app.get("/simple/", (name, f"wrong{number}")).status_code for number in range(30)]

    assert statuses("nowhere") == statuses("local") == statuses("other")


@pytest.mark.usefixtures("no_new_guesses")
def test_another_name_each_time_is_slowed_too_and_tells_no_name(app: Application) -> None:
    assert app.get("/simple/", READER).status_code == 200
    guesses = [app.get("/simple/", (f"nowhere{number}", "guess")).status_code for number in range(120)]
    assert guesses == [401] * 100 + [429] * 20
    assert app.get("/simple/", ("local", "never tried")).status_code == 429
    assert app.get("/simple/", ("nowhere", "never tried")).status_code == 429
    assert app.get("/simple/", READER).status_code == 200


@pytest.mark.usefixtures("holygrail")
def test_the_username_chooses_the_repository_and_under_its_own_address_any_username_will_do(app: Application) -> None:
    assert set(app.listed("holygrail", READER)) == {"holygrail-1.0-py3-none-any.whl", "holygrail-1.0.tar.gz"}
    assert set(app.listed("holygrail", OTHER_READER)) == {"holygrail-9.0-py3-none-any.whl"}
    for username in ("__token__", "local", "other", "", "anybody"):
        assert app.get("/r/local/simple/holygrail/", (username, "reads")).status_code == 200
        assert app.get("/r/local/simple/holygrail/", (username, "reads-other")).status_code == 401


def test_names_of_repositories_are_the_same_in_upper_and_lower_case(app: Application) -> None:
    assert app.get("/simple/", ("Local", "reads")).status_code == 200
    assert app.get("/r/LOCAL/simple/", ("__token__", "reads")).status_code == 200


def test_the_write_secret_reads_and_the_read_secret_does_not_write(app: Application, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "written", "1.0")
    assert app.get("/simple/", WRITER).status_code == 200
    answer = app.upload(wheel, READER)
    assert answer.status_code == 403
    assert "may read the repository local, not write to it" in answer.text
    assert app.upload(wheel, None).status_code == 401
    assert app.listed("written") == {}


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic bm9jb2xvbg==",  # no colon in it
        "Bearer reads",
        "Digest username=local",
        "Basic bG9jYWw6/w==",  # the byte 0xff
        "nonsense",
    ],
)
def test_credentials_that_are_none_are_401(app: Application, header: str) -> None:
    answer = app.get("/simple/", None, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_a_secret_that_is_not_ascii_is_understood_in_both_encodings_that_clients_use(tmp_path: Path) -> None:
    config = '[local]\ntype = "file_system"\nread_secret = "naïve"\nwrite_secret = "writes:with:colons"\n'
    with application(tmp_path / "root", config, None) as app:
        for encoding in ("utf-8", "latin-1"):
            sent = base64.b64encode("local:naïve".encode(encoding)).decode()
            assert app.get("/simple/", None, headers={"Authorization": f"Basic {sent}"}).status_code == 200
        assert app.get("/simple/", ("local", "writes:with:colons")).status_code == 200
        sent = basic("local", "naïve")["Authorization"].replace("Basic", "bAsIc")
        assert app.get("/simple/", None, headers={"Authorization": sent}).status_code == 200


def test_hashed_secrets_let_in_and_keep_out_as_plain_ones_do(tmp_path: Path) -> None:
    config = (
        f'[local]\ntype = "file_system"\nread_secret_hash = "{Secret("reads").hashed()}"\nwrite_secret = "writes"\n'
    )
    with application(tmp_path / "root", config, None) as app:
        assert app.get("/simple/", READER).status_code == 200
        assert app.get("/simple/", ("local", "wrong")).status_code == 401


def test_anonymous_readers_see_a_repository_that_allows_them(tmp_path: Path) -> None:
    with application(tmp_path / "root", _ANONYMOUS.format(name="local"), None) as app:
        assert app.upload(make_wheel(tmp_path, "open", "1.0")).status_code == 200
        for path in ("/simple/", "/simple/open/", "/r/local/simple/open/", "/simple/open/open-1.0-py3-none-any.whl"):
            assert app.get(path, None).status_code == 200
            assert app.get(path, ("local", "wrong")).status_code == 401
        answer = app.upload(make_wheel(tmp_path, "open", "2.0"), None)
        assert answer.status_code == 401
        assert len(app.listed("open")) == 1


def test_beside_other_repositories_anonymous_readers_must_name_the_one(tmp_path: Path) -> None:
    config = _ANONYMOUS.format(name="local") + _ANONYMOUS.format(name="more").replace("true", "false")
    with application(tmp_path / "root", config, None) as app:
        assert app.get("/simple/", None).status_code == 401
        assert app.get("/r/local/simple/", None).status_code == 200
        assert app.get("/r/more/simple/", None).status_code == 401
        assert app.get("/r/nowhere/simple/", None).status_code == 401


def test_too_many_wrong_secrets_are_slowed_while_good_ones_go_on(app: Application) -> None:
    assert app.get("/simple/", READER).status_code == 200
    answers = [app.get("/simple/", ("local", f"wrong{number}")) for number in range(40)]
    slowed = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers[:10]] == [401] * 10
    assert slowed
    assert 1 <= int(slowed[0].headers["retry-after"]) <= 5
    assert "Too many unknown secrets" in slowed[0].text
    assert app.get("/simple/", READER).status_code == 200


def test_one_repeated_wrong_secret_is_refused_without_slowing_anybody(app: Application) -> None:
    assert {app.get("/simple/", ("local", "wrong")).status_code for _ in range(60)} == {401}
    assert app.get("/simple/", READER).status_code == 200  # never asked before


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/plain; charset=utf-8"),
        ("*/*", "text/plain; charset=utf-8"),
        ("application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7", "application/json"),  # uv publish
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
    ],
)
@pytest.mark.parametrize(("path", "status"), [("/simple/", 401), ("/simple/acme-x/", 404), ("/nowhere", 404)])
def test_an_error_is_one_sentence_and_an_id_that_is_in_the_log(
    app: Application, accept: str | None, content_type: str, path: str, status: int
) -> None:
    credentials = None if status == 401 else READER
    answer = app.get(path, credentials, headers={} if accept is None else {"Accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"] == content_type
    assert answer.headers["x-request-id"] in answer.text
    if content_type == "application/json":
        document = json.loads(answer.text)
        assert document["status"] == status
        assert document["code"] == document["message"]
    line = app.logged(answer)
    assert (line["status"], line["path"]) == (status, path)


def test_secrets_are_in_no_log(app: Application, tmp_path: Path) -> None:
    app.upload(make_wheel(tmp_path, "logged", "1.0"), WRITER)
    app.get("/simple/logged/", READER)
    app.logged(app.get("/simple/?token=in-the-query", ("local", "some-wrong-secret")))
    logs = "".join(path.read_text() for path in app.root.log.iterdir())
    assert "/simple/logged/" in logs
    for secret in ("some-wrong-secret", "in-the-query", '"writes"', '"reads"', *basic(*WRITER).values()):
        assert secret not in logs


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_method_that_an_address_does_not_take_is_405_and_says_which_it_takes(app: Application, method: str) -> None:
    answer = app.get("/simple/holygrail/", method=method)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_a_server_without_configuration_is_alive_and_says_what_it_needs(tmp_path: Path) -> None:
    with application(tmp_path / "root", None, ready=False) as app:
        assert app.get("/healthz", None).status_code == 200
        ready = app.get("/readyz", None)
        assert (ready.status_code, ready.json()["configured"]) == (503, False)
        answer = app.get("/simple/", READER)
        assert answer.status_code == 503
        assert "/initialize/" in answer.text
        assert app.upload(make_wheel(tmp_path, "early", "1.0")).status_code == 503


def test_health_and_age_of_the_index_can_be_asked(app: Application) -> None:
    assert app.get("/healthz", None).status_code == 200
    ready = app.get("/readyz", None)
    assert ready.status_code == 200
    assert "local" not in ready.text  # names are told to nobody
    for path in ("/index_mtime/", "/index_mtime", "/r/local/index_mtime/"):
        answer = app.get(path)
        assert answer.headers["content-type"].startswith("text/plain")
        assert abs(int(answer.text) - (app.root.path.stat().st_mtime)) < 60


class _CountedSecrets(SharedSecrets):
    asked: ClassVar[list[str]] = []

    def access(self, username: str, secret: Secret) -> Verdict:
        self.asked.append(secret.reveal())
        return super().access(username, secret)


class _CountedSecretsType(SharedSecretsType):
    name: ClassVar[str] = "counted"

    def open(self, repository: str, options: SharedSecretOptions) -> SharedSecrets:
        return _CountedSecrets(options)


class _CountedSecretsPlugin:
    @hookimpl
    def pywharf_auth_types(self) -> list[type[AuthType]]:
        return [_CountedSecretsType]


def test_an_unknown_repository_takes_as_long_as_a_wrong_secret_where_secrets_are_hashed(tmp_path: Path) -> None:
    config = f'[local]\ntype = "file_system"\nauth = "counted"\nread_secret_hash = "{Secret("reads").hashed()}"\n'
    plugins = Plugins.of(pywharf_filesystem.plugin, _CountedSecretsPlugin())
    _CountedSecrets.asked.clear()
    with application(tmp_path, config, None, plugins=plugins) as app:
        assert app.get("/simple/", ("local", "wrong")).status_code == 401
        assert app.get("/simple/", ("nowhere", "guess")).status_code == 401
    assert _CountedSecrets.asked == ["wrong", "guess"]


def test_a_wrong_secret_takes_as_long_where_secrets_are_plain_beside_hashed_ones(tmp_path: Path) -> None:
    hashed = f'[local]\ntype = "file_system"\nauth = "counted"\nread_secret_hash = "{Secret("reads").hashed()}"\n'
    plain = '[plain]\ntype = "file_system"\nread_secret = "reads-plain"\n'
    plugins = Plugins.of(pywharf_filesystem.plugin, pywharf_core.shared_secrets, _CountedSecretsPlugin())
    _CountedSecrets.asked.clear()
    with application(tmp_path, plain + hashed, None, plugins=plugins) as app:
        for repository in ("nowhere", "plain", "local"):
            assert app.get("/simple/", (repository, f"guess at {repository}")).status_code == 401
        assert app.get("/simple/", ("plain", "reads-plain")).status_code == 200
        assert app.get("/simple/", ("plain", "guess at plain")).status_code == 401, "and is remembered"
    assert _CountedSecrets.asked == ["guess at nowhere", "guess at plain", "guess at local"]


def test_strangers_who_think_of_repositories_take_no_readers_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(_CountedSecrets, "pretend", lambda *_: go_on.wait(20))
    config = f'[local]\ntype = "file_system"\nauth = "counted"\nread_secret_hash = "{Secret("reads").hashed()}"\n'
    plugins = Plugins.of(pywharf_filesystem.plugin, _CountedSecretsPlugin())
    with application(tmp_path, config, None, plugins=plugins) as app, ThreadPoolExecutor(40) as threads:
        strangers = [threads.submit(app.get, "/simple/", (f"nowhere{number}", "guess")) for number in range(30)]
        reader = threads.submit(app.get, "/simple/nothing/", READER)
        try:
            assert reader.result(10).status_code in (307, 404)
            assert not any(stranger.done() for stranger in strangers)
        finally:
            go_on.set()
        assert {stranger.result(20).status_code for stranger in strangers} == {401}
