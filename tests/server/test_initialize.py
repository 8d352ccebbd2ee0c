"""``POST /initialize/``: the configuration is given, and replaced, while the server runs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pywharf_core.configuration_in_force import ConfigurationInForce, InForce
from pywharf_core.root import Root
from pywharf_core.testing import make_wheel
from server.in_process import ADMIN_SECRET, ADMINISTRATOR, CONFIG, READER, WRITER, Application, application
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed_projects
from support.running_server import Answer, RunningServer, running_server, wait_until
from support.uploads import FilePart, Part, basic, encode, form_headers

SECOND = """
[local]
type = "file_system"
read_secret = "reads-anew"
write_secret = "writes-anew"
"""
SECOND_ADMIN = '[local]\ntype = "file_system"\nraw = "administers-anew"\n'


def _post(
    app: Application, config: str | None, admin_secret: str | None, credentials: tuple[str, str] | None = None
) -> tuple[int, str]:
    fields = {"config": config, "admin_secret": admin_secret}
    data = {name: value for name, value in fields.items() if value is not None}
    answer = app.client.post("/initialize/", data=data, headers=basic(*credentials) if credentials else {})
    return answer.status_code, answer.text


@pytest.mark.parametrize("kind", ["fields", "files", "urlencoded"])
def test_a_server_that_was_never_configured_takes_its_first_configuration_from_anybody(
    tmp_path: Path, kind: str
) -> None:
    with application(tmp_path / "root", None, ready=False) as app:
        if kind == "urlencoded":
            status, _ = _post(app, CONFIG, ADMIN_SECRET)
        else:
            parts: list[Part] = [("config", CONFIG), ("admin_secret", ADMIN_SECRET)]
            if kind == "files":
                parts = [(name, FilePart(f"{name}.toml", str(text).encode())) for name, text in parts]
            status = app.client.post("/initialize/", content=encode(parts), headers=form_headers()).status_code
        assert status == 200
        app.wait_until_ready()
        assert app.get("/simple/", READER).status_code == 200
        assert _post(app, SECOND, None)[0] == 401  # open once only


@pytest.mark.parametrize(
    "credentials",
    [None, WRITER, READER, ("local", "wrong"), ("other", "administers"), ("nowhere", "administers"), ("", "")],
)
def test_a_configured_server_is_replaced_by_an_admin_secret_only(
    app: Application, credentials: tuple[str, str] | None
) -> None:
    status, text = _post(app, SECOND, SECOND_ADMIN, credentials)
    assert status == 401, text
    assert app.get("/simple/", READER).status_code == 200
    assert app.get("/simple/", ("local", "reads-anew")).status_code == 401


def test_the_admin_secret_replaces_everything_and_what_was_published_stays(app: Application, tmp_path: Path) -> None:
    assert app.upload(make_wheel(tmp_path, "kept", "1.0")).status_code == 200
    status, text = _post(app, SECOND, SECOND_ADMIN, ADMINISTRATOR)
    assert status == 200, text
    assert app.get("/simple/", READER).status_code == 401
    assert app.get("/simple/", ("other", "reads-other")).status_code == 401
    assert app.projects(("local", "reads-anew")) == ["kept"]
    assert _post(app, CONFIG, ADMIN_SECRET, ADMINISTRATOR)[0] == 401
    assert _post(app, CONFIG, ADMIN_SECRET, ("local", "administers-anew"))[0] == 200


def test_a_repository_without_an_admin_secret_opens_nothing(tmp_path: Path) -> None:
    with application(tmp_path / "root", CONFIG, None) as app:
        for secret in ("", "None", "reads", "writes"):
            assert _post(app, SECOND, None, ("local", secret))[0] == 401


def test_an_open_server_is_replaced_by_anybody(tmp_path: Path) -> None:
    with application(tmp_path / "root", allow_open_initialize=True) as app:
        assert _post(app, SECOND, SECOND_ADMIN)[0] == 200
        assert app.get("/simple/", ("local", "reads-anew")).status_code == 200


BAD = {
    "no config": (None, ADMIN_SECRET, ["config"]),
    "no TOML": ("[local", None, ["config.toml"]),
    "no repository": ("", None, ["config"]),
    "an unknown type": ('[local]\ntype = "file_sistem"\n', None, ["file_sistem", "file_system"]),
    "an unknown key": (CONFIG + 'rite_secret = "x"\n', None, ["rite_secret", "write_secret"]),
    "several problems": (
        '[one]\ntype = "file_system"\nmax_file_bytes = "many"\nread_secret = "x"\n[two]\ntype = 3\n[three]\n',
        '[four]\ntype = "file_system"\nraw = "x"\nenv = "Y"\n',
        ["[one]", "max_file_bytes", "[two]", "[three]", "[four]", "admin_secret.toml"],
    ),
    "an admin secret of nobody": (CONFIG, '[nobody]\ntype = "file_system"\nraw = "x"\n', ["nobody"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_configuration_is_refused_with_every_problem_and_the_old_one_stays(
    app: Application, tmp_path: Path, kind: str
) -> None:
    config, admin_secret, fragments = BAD[kind]
    assert app.upload(make_wheel(tmp_path, "kept", "1.0")).status_code == 200
    status, text = _post(app, config, admin_secret, ADMINISTRATOR)
    assert status == 400, text
    for fragment in fragments:
        assert fragment in text
    assert "Traceback" not in text
    assert app.projects() == ["kept"]
    in_force = _in_force(app.root.path)
    assert (in_force.generation, in_force.config) == (1, CONFIG)


def test_a_form_that_is_none_is_400(app: Application) -> None:
    for content, content_type in (
        (b"", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (encode([("config", CONFIG), ("config", CONFIG)]), form_headers()["Content-Type"]),
        (encode([("config", CONFIG), ("surprise", "x")]), form_headers()["Content-Type"]),
        (encode([("config", FilePart("config.toml", b"\xff\xfe"))]), form_headers()["Content-Type"]),
        (encode([("config", "#" * 2_000_000)]), form_headers()["Content-Type"]),
    ):
        headers = {"Content-Type": content_type, **basic(*ADMINISTRATOR)}
        answer = app.client.post("/initialize/", content=content, headers=headers)
        assert answer.status_code == 400, (content[:50], answer.text)
        assert "Traceback" not in answer.text


def test_a_problem_of_a_configuration_is_told_without_its_secrets(app: Application) -> None:
    config = '[local]\ntype = "file_system"\nread_secret = ["very-secret"]\nwrite_secret = 12345678\nxx = "hush"\n'
    status, text = _post(app, config, None, ADMINISTRATOR)
    assert status == 400
    assert "very-secret" not in text
    assert "12345678" not in text


@pytest.mark.usefixtures("no_new_guesses")
def test_guessing_the_admin_secret_is_slowed(app: Application) -> None:
    statuses = [_post(app, SECOND, None, ("local", f"guess{number}"))[0] for number in range(40)]
    assert statuses[:5] == [401] * 5
    assert statuses[-1] == 429


def test_it_survives_a_restart_until_the_start_is_given_something_new(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with application(root) as app:
        assert _post(app, SECOND, SECOND_ADMIN, ADMINISTRATOR)[0] == 200
    with application(root) as app:  # given the very configuration that was replaced
        assert app.get("/simple/", ("local", "reads-anew")).status_code == 200
        assert app.get("/simple/", READER).status_code == 401
    with application(root, None) as app:  # given none
        assert app.get("/simple/", ("local", "reads-anew")).status_code == 200
    third = SECOND.replace("anew", "thirdly")
    with application(root, third, None) as app:
        assert app.get("/simple/", ("local", "reads-thirdly")).status_code == 200
    with application(root) as app:  # now new again
        assert app.get("/simple/", READER).status_code == 200


def test_of_many_first_configurations_at_once_one_wins(tmp_path: Path) -> None:
    with application(tmp_path / "root", None, ready=False) as app:
        barrier = threading.Barrier(8)

        def post(number: int) -> int:
            barrier.wait()
            config = SECOND.replace("anew", f"number-{number}")
            return _post(app, config, SECOND_ADMIN.replace("anew", str(number)))[0]

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(post, range(8)))
        assert sorted(statuses)[0] == 200
        assert set(statuses) - {200} <= {401, 409}
        winners = [number for number, status in enumerate(statuses) if status == 200]
        assert len(winners) == 1
        for number in range(8):
            answer = app.get("/simple/", ("local", f"reads-number-{number}"))
            assert (answer.status_code == 200 or answer.status_code == 503) == (number == winners[0])


def test_a_repository_that_moves_to_another_store_shows_nothing_of_the_old_one(tmp_path: Path) -> None:
    def config(store: str) -> str:
        return f'{SECOND}path = "{tmp_path / store}"\nsync_index_interval = 0.2\n'

    wheel = make_wheel(tmp_path / "second" / "moved", "moved", "1.0")
    with application(tmp_path / "root", config("first"), SECOND_ADMIN) as app:
        reader, writer = ("local", "reads-anew"), ("local", "writes-anew")
        assert app.upload(make_wheel(tmp_path, "stayed", "1.0"), writer).status_code == 200
        assert _post(app, config("second"), SECOND_ADMIN, ("local", "administers-anew"))[0] == 200
        # Not yet read: nobody is sent to another index for a name that this store may well have.
        assert app.get("/simple/moved/", reader).status_code in (503, 200)
        assert app.get("/simple/stayed/", reader).status_code in (503, 404)
        app.wait_until_ready()
        wait_until(lambda: list(app.listed("moved", reader)) == [wheel.name], "listed")
        assert app.projects(reader) == ["moved"]
        assert app.get("/simple/stayed/", reader).status_code == 404  # a name that was ours once


def test_a_process_that_nobody_asks_follows_too_and_stops_to_read_the_old_store(tmp_path: Path) -> None:
    def config(store: str) -> str:
        return f'{SECOND}path = "{tmp_path / store}"\nsync_index_interval = 0.2\n'

    root, reader = tmp_path / "root", ("local", "reads-anew")
    # The first process has the lock of those that synchronise, and is asked nothing any more.
    with application(root, config("first"), SECOND_ADMIN), application(root, None) as asked:
        assert _post(asked, config("second"), SECOND_ADMIN, ("local", "administers-anew"))[0] == 200
        asked.wait_until_ready()
        wheel = make_wheel(tmp_path / "second" / "dropped", "dropped", "1.0")
        wait_until(lambda: list(asked.listed("dropped", reader)) == [wheel.name], "listed")


# --- over sockets, with several workers --------------------------------------------------------------------


def _initialize(
    server: RunningServer, credentials: tuple[str, str] | None, config: str, admin_secret: str | None
) -> Answer:
    parts: list[Part] = [("config", config)]
    if admin_secret is not None:
        parts.append(("admin_secret", admin_secret))
    return server.ask("/initialize/", method="POST", body=encode(parts), headers=form_headers(credentials))


def _statuses(server: RunningServer, credentials: tuple[str, str], times: int = 40) -> set[int]:
    """Of many requests, each on a connection of its own, so that all workers answer some."""
    with ThreadPoolExecutor(8) as pool:
        return {answer.status for answer in pool.map(lambda _: server.ask("/simple/", credentials), range(times))}


@pytest.fixture
def secrets(tmp_path: Path) -> Initialised:
    return initialise(tmp_path / "root")


def _with_admin(secret: str) -> str:
    return f'[local]\ntype = "file_system"\nraw = "{secret}"\n'


@pytest.mark.slow
def test_it_takes_effect_in_all_workers_at_once_and_survives_kill_9(secrets: Initialised) -> None:
    flags = ["--extra_index_url", "", "--workers", "3"]
    with running_server(secrets.root, *flags) as server:
        assert len(server.workers()) == 3
        assert _statuses(server, secrets.reader) == {200}
        administrator = secrets.administrator
        for number in range(5):
            config = SECOND.replace("anew", f"number-{number}")
            answer = _initialize(server, administrator, config, _with_admin(f"admin-{number}"))
            assert answer.status == 200, answer.text
            administrator = ("local", f"admin-{number}")
            assert _statuses(server, ("local", f"reads-number-{number}")) == {200}
            before = secrets.reader if number == 0 else ("local", f"reads-number-{number - 1}")
            assert _statuses(server, before) == {401}
        server.kill()
    with running_server(secrets.root, *flags) as server:  # ROOT/config.toml is what was replaced
        assert _statuses(server, ("local", "reads-number-4")) == {200}
        assert _statuses(server, secrets.reader) == {401}


@pytest.mark.slow
def test_of_many_replacements_at_once_in_several_workers_the_last_that_was_accepted_is_in_force(
    secrets: Initialised,
) -> None:
    with running_server(secrets.root, "--extra_index_url", "", "--workers", "3") as server:
        for round_number in range(2):

            def post(number: int, round_number: int = round_number) -> int:
                config = SECOND.replace("anew", f"round-{round_number}-{number}")
                return _initialize(server, secrets.administrator, config, _with_admin(secrets.admin)).status

            generation = _in_force(secrets.root).generation
            with ThreadPoolExecutor(8) as pool:
                statuses = list(pool.map(post, range(8)))
            assert set(statuses) <= {200, 409}
            assert 200 in statuses
            assert _in_force(secrets.root).generation == generation + statuses.count(200)
            config = _in_force(secrets.root).config
            (winner,) = [number for number in range(8) if f"reads-round-{round_number}-{number}" in config]
            assert statuses[winner] == 200
            assert _statuses(server, ("local", f"reads-round-{round_number}-{winner}")) == {200}
            assert _statuses(server, ("local", f"reads-round-{round_number}-{(winner + 1) % 8}")) <= {401, 429}


def _in_force(root: Path) -> InForce:
    in_force = ConfigurationInForce(Root(root)).read()
    assert in_force is not None
    return in_force


@pytest.mark.slow
def test_a_server_started_without_configuration_waits_for_one(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with running_server(root, "--extra_index_url", "", "--workers", "2", ready=False) as server:
        assert server.ask("/readyz").status == 503
        assert server.ask("/simple/", READER).status == 503
        assert _initialize(server, None, CONFIG, ADMIN_SECRET).status == 200
        server.wait_until_ready()
        assert _statuses(server, READER) == {200}
        assert _initialize(server, None, SECOND, None).status == 401
    with running_server(root, "--extra_index_url", "") as server:
        page = server.ask("/simple/", READER, headers=ACCEPT_JSON)
        assert listed_projects(page.body) == []
