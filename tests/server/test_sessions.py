"""Browser sessions: what is in the database, how long they last, who shares them."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from pywharf import session_table
from pywharf.session_table import IDLE, LONGEST, Session, SessionTable
from pywharf_core.root import Root
from pywharf_core.secret import Secret
from server.browser import Browser
from server.in_process import CONFIG, Application, application
from server.test_manage import marks
from support.running_server import running_server

SECRET = "a secret that is nowhere else"
MINUTE, HOUR = 60.0, 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Root:
    root = Root(tmp_path / "root")
    root.make()
    return root


@pytest.fixture
def table(root: Root, clock: Clock) -> SessionTable:
    return SessionTable(root, clock)


@pytest.fixture
def session(table: SessionTable) -> Session:
    return table.log_in(None, "local", "anna", Secret(SECRET))


def rows(root: Root, sql: str = "select * from sessions") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(root.server_database)) as connection:
        return connection.execute(sql).fetchall()


def change(root: Root, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(root.server_database)) as connection, connection:
        connection.execute(sql, values)


# --- what is kept ----------------------------------------------------------------------------------------------


def test_the_cookie_opens_what_was_logged_in(table: SessionTable, session: Session) -> None:
    opened = table.open(session.token)
    assert opened is not None
    login = opened.logins["local"]
    assert (login.username, login.secret.reveal()) == ("anna", SECRET)
    assert opened.form_token == session.form_token


def test_nothing_in_the_files_opens_a_session_or_shows_a_secret(
    root: Root, table: SessionTable, session: Session
) -> None:
    table.put_notice(session, "acme-secret-project 1.0 is yanked.")
    files = b"".join(path.read_bytes() for path in root.path.rglob("*") if path.is_file())
    assert len(rows(root)) == 1
    for told in (SECRET, "anna", session.token, session.form_token, "acme-secret-project"):
        assert told.encode() not in files
    [(identity,)] = rows(root, "select id from sessions")
    assert isinstance(identity, bytes)
    for token in (identity.hex(), identity.decode("latin-1"), session.form_token):
        assert table.open(token) is None
    assert root.server_database.stat().st_mode & 0o077 == 0


def test_a_session_is_printed_without_its_secrets(session: Session) -> None:
    assert session.token not in repr(session)
    assert SECRET not in repr(session)
    assert SECRET not in repr(session.logins)


def test_three_values_made_of_one_token_tell_nothing_of_each_other(table: SessionTable) -> None:
    sessions = [table.log_in(None, "local", "anna", Secret(SECRET)) for _ in range(20)]
    assert len({session.token for session in sessions}) == 20
    assert len({session.form_token for session in sessions}) == 20
    assert not any(session.token in session.form_token for session in sessions)


@pytest.mark.parametrize(
    "token", ["", "x", "A" * 43, "A" * 42, "A" * 44, "A" * 42 + "\n", "é" * 43, "' or 1=1 --", "\x00" * 43]
)
def test_a_cookie_that_nobody_gave_opens_nothing(table: SessionTable, session: Session, token: str) -> None:
    assert table.open(token) is None


def test_each_letter_of_the_cookie_counts(table: SessionTable, session: Session) -> None:
    for place in range(42):  # of the last letter two bits are not the token's
        other = "B" if session.token[place] == "A" else "A"
        assert table.open(session.token[:place] + other + session.token[place + 1 :]) is None


@pytest.mark.parametrize(
    "tampering",
    [
        "update sessions set logins = x'00'",
        "update sessions set logins = zeroblob(length(logins))",
        "update sessions set notice = x'0102'",
        "update sessions set logins = (select logins from sessions where id != sessions.id limit 1)",
    ],
)
def test_rows_that_somebody_else_wrote_open_nothing(
    root: Root, table: SessionTable, session: Session, tampering: str
) -> None:
    other = table.log_in(None, "other", "eve", Secret("eve's"))
    if "select" in tampering:
        [(sealed,)] = rows(root, f"select logins from sessions where id = x'{session_table._id(other.token).hex()}'")
        change(root, "update sessions set logins = ?", sealed)
    else:
        change(root, tampering)
    assert table.open(session.token) is None


# --- logging in anew -------------------------------------------------------------------------------------------


def test_another_login_is_added_under_another_cookie_and_the_old_one_opens_nothing(
    table: SessionTable, session: Session
) -> None:
    both = table.log_in(session, "other", "bert", Secret("another"))
    assert both.token != session.token
    assert table.open(session.token) is None
    opened = table.open(both.token)
    assert opened is not None
    assert {name: login.secret.reveal() for name, login in opened.logins.items()} == {
        "local": SECRET,
        "other": "another",
    }
    again = table.log_in(opened, "local", "anna", Secret("changed"))
    assert again.logins["local"].secret.reveal() == "changed"


def test_a_session_holds_a_bounded_number_of_logins(table: SessionTable) -> None:
    session = None
    for number in range(60):
        session = table.log_in(session, f"r{number}", "", Secret("x"))
    assert session is not None
    assert list(session.logins) == [f"r{number}" for number in range(10, 60)]


def test_beyond_the_most_sessions_those_make_room_that_were_idle_longest(
    table: SessionTable, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_table, "_MOST_SESSIONS", 3)
    sessions = []
    for _ in range(3):
        clock.now += MINUTE
        sessions.append(table.log_in(None, "local", "", Secret("x")))
    clock.now += HOUR
    table.open(sessions[0].token)
    sessions.append(table.log_in(None, "local", "", Secret("x")))
    assert [table.open(session.token) is not None for session in sessions] == [True, False, True, True]


def test_many_logins_with_one_secret_end_only_sessions_that_were_begun_with_it(
    table: SessionTable, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_table, "_MOST_OF_A_SECRET", 2)
    other = table.log_in(None, "local", "", Secret("y"))
    sessions = []
    for number in range(4):
        clock.now += MINUTE
        sessions.append(table.log_in(None, f"r{number}", str(number), Secret("x")))
    assert [table.open(session.token) is not None for session in sessions] == [False, False, True, True]
    assert table.open(other.token) is not None


def test_the_file_does_not_tell_which_sessions_a_secret_began(root: Root, clock: Clock) -> None:
    for _ in range(2):  # as two processes, or two starts
        SessionTable(root, clock).log_in(None, "local", "", Secret("x"))
    assert len(set(rows(root, "select begun_with from sessions"))) == 2


def test_a_table_of_before_is_used_on(root: Root, clock: Clock) -> None:
    change(
        root,
        "create table sessions (id blob primary key, seen_at real not null, created_at real not null,"
        " logins blob not null, notice blob) strict, without rowid",
    )
    for _ in range(2):
        table = SessionTable(root, clock)
        assert table.open(table.log_in(None, "local", "", Secret("x")).token) is not None
    assert len(rows(root)) == 2


# --- time ------------------------------------------------------------------------------------------------------


def test_a_session_that_nobody_uses_is_over(root: Root, table: SessionTable, session: Session, clock: Clock) -> None:
    clock.now += IDLE
    assert table.open(session.token) is not None
    clock.now += IDLE + 1
    assert table.open(session.token) is None
    assert len(rows(root)) == 1
    table.log_in(None, "local", "", Secret("x"))
    assert len(rows(root)) == 1, "what is over is swept away"


def test_a_session_that_is_used_ends_all_the_same_after_the_longest_time(
    table: SessionTable, session: Session, clock: Clock
) -> None:
    ends = clock.now + LONGEST
    while clock.now + HOUR <= ends:
        assert table.open(session.token) is not None
        clock.now += HOUR
    clock.now = ends + 1
    assert table.open(session.token) is None


def test_a_login_is_not_renewed_by_another_one(table: SessionTable, session: Session, clock: Clock) -> None:
    for _ in range(7 * 24 - 1):
        clock.now += HOUR
        assert table.open(session.token) is not None
    both = table.log_in(session, "other", "", Secret("x"))
    clock.now += HOUR + 1
    opened = table.open(both.token)
    assert opened is not None
    assert list(opened.logins) == ["other"]


def test_being_seen_is_written_now_and_then_only(
    root: Root, table: SessionTable, session: Session, clock: Clock
) -> None:
    before = rows(root)
    clock.now += 4 * MINUTE
    table.open(session.token)
    assert rows(root) == before
    clock.now += 2 * MINUTE
    table.open(session.token)
    assert rows(root) != before


def test_a_start_sweeps_away_what_is_over(root: Root, session: Session, clock: Clock) -> None:
    clock.now += IDLE + 1
    SessionTable(root, clock)
    assert rows(root) == []


def test_a_clock_that_was_far_ahead_at_a_login_makes_it_no_longer(
    root: Root, table: SessionTable, session: Session, clock: Clock
) -> None:
    now = clock.now
    clock.now += 20 * 365 * 24 * HOUR
    ahead = table.log_in(None, "local", "anna", Secret("x"))
    clock.now = now + 30 * MINUTE
    assert table.open(ahead.token) is None
    SessionTable(root, clock)
    assert rows(root) == []
    slightly = table.log_in(None, "local", "anna", Secret("x"))
    clock.now -= 10 * MINUTE
    assert table.open(slightly.token) is not None, "clocks are put right all the time"


# --- a disk that takes nothing -----------------------------------------------------------------------------------


def test_a_session_is_opened_though_it_cannot_be_written_that_it_was_seen(
    root: Root, table: SessionTable, session: Session, clock: Clock
) -> None:
    clock.now += 10 * MINUTE
    with closing(sqlite3.connect(root.server_database, isolation_level=None)) as other:
        other.execute("begin immediate")
        began = time.monotonic()
        assert table.open(session.token) is not None
        assert time.monotonic() - began < 5
    change(root, "create trigger full before update on sessions begin select raise(abort, 'disk full'); end")
    assert table.open(session.token) is not None


@pytest.mark.usefixtures("holygrail")
def test_a_change_that_was_made_is_no_error_though_no_page_can_tell_of_it(app: Application) -> None:
    browser = Browser(app)
    browser.log_in("local", "writes")
    token = browser.form_token()
    change(app.root, "create trigger full before update on sessions begin select raise(abort, 'disk full'); end")
    answer = browser.post("/r/local/manage/holygrail/1.0/yank", {"token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/r/local/project/holygrail/")
    assert set(marks(app).values()) == {True}


# --- notices ---------------------------------------------------------------------------------------------------


def test_a_notice_is_kept_until_it_was_shown_and_another_one_stays(table: SessionTable, session: Session) -> None:
    table.put_notice(session, "first <b>")
    seen = table.open(session.token)
    assert seen is not None
    assert seen.notice == "first <b>"
    table.put_notice(session, "second")
    table.notice_was_shown(seen)
    again = table.open(session.token)
    assert again is not None
    assert again.notice == "second"
    table.notice_was_shown(again)
    last = table.open(session.token)
    assert last is not None
    assert last.notice == ""


# --- many processes, restarts, other configurations ---------------------------------------------------------------


def test_two_tables_of_one_root_are_one(root: Root, table: SessionTable, session: Session, clock: Clock) -> None:
    other = SessionTable(root, clock)
    opened = other.open(session.token)
    assert opened is not None
    other.log_out(opened)
    assert table.open(session.token) is None


def test_a_restart_keeps_sessions(tmp_path: Path) -> None:
    with application(tmp_path / "root") as app:
        browser = Browser(app)
        assert browser.log_in().status_code == 303
        cookies = browser.cookies
    with application(tmp_path / "root", None) as app:
        browser = Browser(app)
        browser.cookies = cookies
        assert browser.get("/simple/").status_code == 200


@pytest.mark.slow
def test_all_workers_know_a_session_and_its_end(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "config.toml").write_text(CONFIG)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with running_server(root, "--workers", "2") as server:
        answer = server.ask("/login/", method="POST", body=b"repository=local&secret=reads&next=/readyz", headers=form)
        assert answer.status == 303
        assert answer.headers["location"] == "/readyz"
        cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        # Each on a connection of its own, so that both workers are asked.
        assert {server.ask("/simple/", headers=cookie).status for _ in range(30)} == {200}
        page = server.ask("/logout/", headers=cookie).text
        token = page.partition('name="token" value="')[2].partition('"')[0]
        answer = server.ask("/logout/", method="POST", body=f"token={token}".encode(), headers={**form, **cookie})
        assert answer.status == 303
        assert {server.ask("/simple/", headers=cookie).status for _ in range(30)} == {401}


@pytest.fixture
def reader(app: Application) -> Browser:
    """Logged in to ``local`` and ``other``."""
    browser = Browser(app)
    assert browser.log_in().status_code == 303
    assert browser.log_in("other", "reads-other").status_code == 303
    return browser


def initialise(app: Application, config: str) -> None:
    answer = app.client.post("/initialize/", data={"config": config, "admin_secret": ""}, auth=("local", "administers"))
    assert answer.status_code == 200, answer.text
    app.wait_until_ready()


def test_a_secret_that_the_configuration_no_longer_has_ends_the_login(app: Application, reader: Browser) -> None:
    assert reader.get("/r/local/simple/").status_code == 200
    initialise(app, CONFIG.replace('"reads"', '"changed"'))
    answer = reader.get("/r/local/simple/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/?next=/r/local/simple/")
    assert reader.get("/r/other/simple/").status_code == 200
    assert reader.get("/simple/").status_code == 200, "one is left that he may read"
    assert reader.log_in("local", "changed").status_code == 303
    assert reader.get("/r/local/simple/").status_code == 200


def test_a_repository_that_is_no_longer_there_is_like_one_that_never_was(app: Application, reader: Browser) -> None:
    initialise(app, CONFIG.partition("[other]")[0])
    for path in ("/r/other/simple/", "/r/never/simple/"):
        answer = reader.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login/?next={path}")
        assert reader.get(path, {"Sec-Fetch-Mode": "cors"}).status_code == 401
    assert reader.get("/simple/").status_code == 200
