"""Plugins of strangers, installed beside ours: shown, switched off, blamed, and at work."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pywharf_core.testing import make_wheel
from support.clean_shell import clean_shell
from support.clients import Clients
from support.served import free_port, serving
from thirdparty.installed import Installed

pytestmark = pytest.mark.slow

LOCAL = '[local]\ntype = "file_system"\npath = "store"\nread_secret = "foo"\nwrite_secret = "bar"\n'
EXAMPLE = '[packages]\ntype = "example"\npath = "packages.sqlite3"\nread_secret = "foo"\nwrite_secret = "bar"\n'
BROKEN = {"PYWHARF_POLICY_LICENCE": "perhaps"}
WHY_BROKEN = 'ValueError: PYWHARF_POLICY_LICENCE is "perhaps"; it should be "free" or "required"'


def configure(installed: Installed, text: str) -> None:
    (installed.folder / "config.toml").write_text(text, encoding="utf-8")


def provided(installed: Installed, environment: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    shown = json.loads(installed.pywharf("plugins", "--json", environment=environment).output)
    return {plugin["name"]: plugin["provides"] for plugin in shown["installed"]}


# --- shown, switched off, blamed -----------------------------------------------------------------------------


def test_plugins_are_shown_with_their_distributions_and_what_they_bring(installed: Installed) -> None:
    shown = installed.pywharf("plugins").output
    assert re.search(r"^example +pywharf-example 1\.0 +storage type example, command example$", shown, re.MULTILINE)
    assert re.search(
        r"^policy +pywharf-policy 1\.0 +hook pywharf_refuse_upload, hook pywharf_file_published, "
        r"hook pywharf_file_removed$",
        shown,
        re.MULTILINE,
    )
    assert set(provided(installed)) == {"example", "file_system", "policy", "secrets", "server"}
    assert "pywharf-example 1.0" in installed.pywharf("--version").output
    assert "example.create" in installed.pywharf("--help").output


def test_a_plugin_that_is_switched_off_brings_nothing_and_whoever_needs_it_is_told(installed: Installed) -> None:
    off = {"PYWHARF_DISABLE_PLUGINS": "example,policy"}
    assert set(provided(installed, off)) == {"file_system", "secrets", "server"}
    assert "switched off" in installed.pywharf("plugins", environment=off).output
    configure(installed, f'{EXAMPLE}required_plugins = ["policy"]\n')
    told = installed.pywharf("check", "--config", "config.toml", status=2, environment=off).errors
    assert 'type = "example": the plugin example is switched off by PYWHARF_DISABLE_PLUGINS' in told
    assert "required_plugins: the plugin policy is switched off by PYWHARF_DISABLE_PLUGINS" in told
    told = installed.pywharf("example.create", "x", status=2, environment=off).errors
    assert "the plugin example is switched off by PYWHARF_DISABLE_PLUGINS" in told


def test_a_broken_plugin_is_named_and_takes_down_only_who_requires_it(installed: Installed) -> None:
    shown = installed.pywharf("plugins", environment=BROKEN).output
    assert re.search(rf"^policy +pywharf-policy 1.0 +broken: {re.escape(WHY_BROKEN)}$", shown, re.MULTILINE)
    assert set(provided(installed)) - set(provided(installed, BROKEN)) == {"policy"}
    configure(installed, LOCAL)
    told = installed.pywharf("check", "--config", "config.toml", environment=BROKEN).errors
    assert f"Warning: The plugin policy of pywharf-policy is broken: {WHY_BROKEN}" in told
    configure(installed, f'{LOCAL}required_plugins = ["policy"]\n')
    told = installed.pywharf("check", "--config", "config.toml", status=2, environment=BROKEN).errors
    assert f"required_plugins: the plugin policy of pywharf-policy is broken: {WHY_BROKEN}" in told


def test_a_backend_s_wrong_keys_are_told_like_those_of_ours(installed: Installed) -> None:
    configure(installed, EXAMPLE.replace("path =", "pth ="))
    told = installed.pywharf("check", "--config", "config.toml", status=2).errors
    assert "[packages] path: missing" in told
    assert "did you mean path?" in told


# --- at work -------------------------------------------------------------------------------------------------


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A URL that takes notices, and those that came."""
    notices: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            notices.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", notices
        finally:
            server.shutdown()
            thread.join()


def test_a_policy_keeps_uploads_out_and_tells_of_what_was_published_and_removed(
    installed: Installed, tmp_path: Path
) -> None:
    port, good = free_port(), installed.wheel("pywharf-core")
    configure(installed, f'{LOCAL}required_plugins = ["policy"]\n')
    line = f"{installed.bin / 'pywharf'} server root --config config.toml --host 127.0.0.1 --port {port}"
    with listening() as (url, notices):
        policy = {
            "PYWHARF_POLICY_PROJECTS": "pywharf-*",
            "PYWHARF_POLICY_LICENCE": "required",
            "PYWHARF_POLICY_NOTIFY": url,
        }
        with serving(
            line, cwd=installed.folder, env=clean_shell(**policy), port=port, output=tmp_path / "log"
        ) as served:
            clients = Clients(tmp_path / "clients")

            def upload(wheel: Path) -> tuple[int, str]:
                ran = clients.twine_upload(f"http://127.0.0.1:{port}/simple/", "local", "bar", wheel)
                return ran.status, " ".join(ran.output.split())

            status, said = upload(make_wheel(tmp_path, "foreign", "1.0"))
            assert status == 1
            assert "400 Bad Request" in said
            assert "foreign is no name for a project here; names are like pywharf-*." in said
            status, said = upload(make_wheel(tmp_path, "pywharf-bare", "1.0"))
            assert status == 1
            assert "pywharf_bare-1.0-py3-none-any.whl tells no licence" in said
            status, said = upload(installed.wheel("pywharf-example"))
            assert status == 1
            assert "pywharf_example-1.0-py3-none-any.whl has no text of its licence" in said
            status, said = upload(good)
            assert status == 0, said
            assert served.stop() == 0, served.said()  # a server that stops tells what it still has to tell
        assert [(notice["event"], notice["repository"]) for notice in notices] == [("published", "local")]
        assert notices[0]["file"]["filename"] == good.name
        installed.pywharf("delete", "local", good.name, "--root", "root", environment=policy)
        assert [(notice["event"], notice["file"]["filename"]) for notice in notices[1:]] == [("removed", good.name)]
        foreign = str(tmp_path / "foreign-1.0-py3-none-any.whl")
        imported = installed.pywharf("import", "local", foreign, "--root", "root", status=1, environment=policy)
        assert "foreign is no name for a project here; names are like pywharf-*." in imported.output + imported.errors
    told = served.said()
    assert "upload refused by a plugin plugin=policy repository=local file=foreign-1.0-py3-none-any.whl" in told
