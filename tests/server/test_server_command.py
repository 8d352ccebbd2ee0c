"""``pywharf server``: what it refuses before it serves, and what it says when it does."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pywharf.settings import ServerSettings
from pywharf_core.cli.program import run
from pywharf_core.configuration_in_force import ConfigurationInForce
from pywharf_core.root import Root
from server.running_toy import PATIENCE, children_of, kill, wait_until

CONFIG = '[local]\ntype = "file_system"\nread_secret = "r3ad"\nwrite_secret = "wr1te"\n'
PYWHARF = [sys.executable, "-c", "from pywharf_core.cli import main; main()"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What is said by a start that fails with status 2."""
    assert run(["server", *map(str, arguments)], {}) == 2
    return capsys.readouterr().err


class Server:
    """``pywharf server`` as a process, for as long as a ``with`` lasts."""

    def __init__(self, *arguments: str | Path, host: str = "127.0.0.1") -> None:
        self._process = subprocess.Popen(
            [*PYWHARF, "server", *map(str, arguments), "--host", host, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        workers = children_of(self._process.pid)
        self._process.kill()
        self._process.communicate()
        for worker in workers:
            kill(worker)

    def first_line(self) -> str:
        """What it says when it is up."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("listening on http"), self._process.communicate()[1]
        return line

    def stopped(self) -> tuple[str, str]:
        """The rest of what it said, on both outputs, after a stop with status 0."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.send_signal(signal.SIGTERM)
        said = self._process.stdout.read(), self._process.stderr.read()
        assert self._process.wait(PATIENCE) == 0, said
        return said


def test_settings_survive_the_pipe() -> None:
    settings = ServerSettings(root="/srv/wharf", private=("acme-*",), trusted_proxies=("10.0.0.1",), grace=1.5)
    assert ServerSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize("text", ["[]", "{}", '{"root": "/srv", "port": 1}'])
def test_settings_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the settings of the server"):
        ServerSettings.from_json(text)


def test_settings_do_not_show_credentials() -> None:
    assert "s3cret" not in repr(ServerSettings(root="/srv", extra_index_url="https://u:s3cret@index.example/"))


def test_all_problems_of_a_configuration_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.toml").write_text('[local]\ntype = "file_sistem"\n[other]\nread_secrt = "x"\n')
    lines = refused(capsys, tmp_path, "--extra_index_url", "").splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("config.toml: [") for line in lines)
    assert ConfigurationInForce(Root(tmp_path)).read() is None


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--hypercorn", "keep_alive=3"], "did you mean keep_alive_timeout?"),
        (["--trusted_proxy", "proxy"], "--trusted_proxy 'proxy' is neither an address nor a network"),
        (["--private", "acme *"], "--private 'acme *': expected a project name or a glob of them"),
        (["--config", "absent.toml"], "--config 'absent.toml' cannot be read: No such file or directory"),
        (["--workers", "0"], "workers"),
        (["--prot", "1"], "--port"),
        (["--admin_secret", "[local]", "--config_or_admin_secret_can_be_text"], "give --config too"),
    ],
)
def test_a_wrong_flag_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str) -> None:
    assert said in refused(capsys, tmp_path, "--extra_index_url", "", *flags)


def test_text_given_as_a_path_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, tmp_path, "--config", CONFIG)
    assert "TOML itself needs --config_or_admin_secret_can_be_text" in said
    assert "wr1te" not in said


def test_a_port_in_use_is_status_1_and_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = ["--extra_index_url", "", "--host", "127.0.0.1", "--port", str(port)]
        status = run(["server", str(tmp_path), *flags], {})
    assert status == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"Error: port {port} of 127.0.0.1 is in use: ")


def test_the_help_starts_no_server_library() -> None:
    program = "import sys, pywharf.plugin; print({'hypercorn', 'starlette', 'pypi_simple'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.slow
def test_a_start_prints_what_to_paste_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    with Server(tmp_path, "--extra_index_url", "") as server:
        first = server.first_line()
        said, warned = server.stopped()
    url = first.removeprefix("listening on ").strip()
    assert f"twine upload --repository-url {url}/simple/ --username local" in said
    assert "pip install --index-url" in said
    for secret in ("r3ad", "wr1te"):
        assert secret not in said + warned
    assert "private" not in warned


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_start_says_when_other_machines_reach_it(tmp_path: Path, host: str) -> None:
    with Server(tmp_path, "--extra_index_url", "", host=host) as server:
        assert server.first_line().startswith("listening on http://127.0.0.1:")
        said = server.stopped()[0]
    assert ("every other address" in said) is (host == "0.0.0.0")


@pytest.mark.slow
def test_a_start_prints_no_credentials_where_reading_needs_none(tmp_path: Path) -> None:
    everybody = CONFIG.replace("local", "everybody") + "anonymous_read = true\n"
    (tmp_path / "config.toml").write_text(CONFIG + everybody)
    with Server(tmp_path, "--extra_index_url", "") as server:
        first = server.first_line()
        said = server.stopped()[0]
    host = first.removeprefix("listening on http://").strip()
    assert f"pip install --index-url http://{host}/r/everybody/simple/ PACKAGE" in said
    assert f"uv publish --publish-url http://{host}/r/everybody/simple/ --username everybody --password '<write" in said
    assert f"'http://local:<read secret>@{host}/simple/'" in said


@pytest.mark.slow
def test_a_start_warns_when_the_extra_index_may_answer_for_any_name(tmp_path: Path) -> None:
    arguments = ["--config", CONFIG, "--config_or_admin_secret_can_be_text"]
    extra = ["--extra-index-url", "https://u:s3cret@index.example/simple"]
    with Server(tmp_path, *arguments, *extra) as server:
        server.first_line()
        warned = server.stopped()[1]
    assert "no name is declared private" in warned
    assert "s3cret" not in warned
    with Server(tmp_path, *arguments, *extra, "--private", "acme-*") as server:
        server.first_line()
        assert "private" not in server.stopped()[1]


@pytest.mark.slow
def test_an_uninitialised_start_says_how_to_initialise(tmp_path: Path) -> None:
    with Server(tmp_path, "--extra_index_url", "", "--path_prefix", "/index/") as server:
        first = server.first_line()
        said = server.stopped()[0]
    assert first.strip().endswith("/index")
    assert f"{first.removeprefix('listening on ').strip()}/initialize/" in said


@pytest.mark.slow
def test_a_replaced_configuration_stays_in_force_over_the_same_file(tmp_path: Path) -> None:
    root = Root(tmp_path)
    root.make()
    root.config_file.write_text(CONFIG)
    in_force = ConfigurationInForce(root)
    in_force.start_with(CONFIG, None)
    in_force.replace(CONFIG.replace("local", "replacement"), None)
    with Server(tmp_path, "--extra_index_url", "") as server:
        server.first_line()
        said, warned = server.stopped()
    assert "--username replacement" in said
    assert "/initialize/" in warned


@pytest.mark.slow
def test_a_stop_in_the_middle_of_the_start_is_a_stop_like_any_other(tmp_path: Path) -> None:
    command = [*PYWHARF, "server", str(tmp_path / "root"), "--config", "-", "--port", "0"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # It reads its configuration from standard input, so it is in the middle of its start until we give it one.
    wait_until(lambda: _catches_sigterm(process.pid), "the command runs")
    process.terminate()
    assert process.wait(PATIENCE) == 0
    assert process.stdin is not None
    process.stdin.close()


def _catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1], 16)
    return bool(caught & 1 << signal.SIGTERM - 1)
