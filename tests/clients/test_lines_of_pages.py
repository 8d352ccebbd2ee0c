"""The lines that the pages have ready to paste: pasted."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from clients.conftest import Index
from pywharf_core.testing import make_wheel
from support.clients import Clients
from support.page_lines import lines_of
from support.uploads import basic

pytestmark = pytest.mark.slow


def lines(index: Index, path: str, package: str = "holygrail") -> dict[str, str]:
    """With secrets, and what is to be installed, in their places."""
    request = Request(
        f"{index.server.url}{path}", headers={"Accept": "text/html", **basic("local", index.secrets.write)}
    )
    with urlopen(request) as answer:
        found = lines_of(answer.read().decode())
    return {
        name: text.replace("<read secret>", index.secrets.read)
        .replace("<write secret>", index.secrets.write)
        .replace("PACKAGE", package)
        for name, text in found.items()
    }


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(("path", "suffix"), [("/", " for local"), ("/project/holygrail/1.0/", "")])
def test_the_lines_that_install_do(index: Index, clients: Clients, path: str, suffix: str) -> None:
    install_by_both(lines(index, path), suffix, clients, "holygrail", "1.0")


def test_the_lines_of_a_project_install_what_its_page_shows_though_final_releases_are_yanked(
    index: Index, clients: Clients, tmp_path: Path
) -> None:
    def publish(version: str) -> None:
        wheel = make_wheel(tmp_path, "camelot", version)
        ran = clients.twine_upload(index.upload_url, "local", index.secrets.write, wheel)
        assert ran.status == 0, ran.output

    writer = basic("local", index.secrets.write)
    for version in ("0.9", "1.0"):
        publish(version)
        answer = index.server.ask(f"/manage/camelot/{version}/yank", method="POST", headers=writer)
        assert answer.status == 200, answer.text
    install_by_both(lines(index, "/project/camelot/"), "", clients, "camelot", "1.0")
    publish("2.0rc1")
    install_by_both(lines(index, "/project/camelot/"), "", clients, "camelot", "2.0rc1")


def install_by_both(ready: dict[str, str], suffix: str, clients: Clients, project: str, version: str) -> None:
    """:param suffix: of the lines' names on their page."""
    with_pip, with_uv = clients.fresh_environment(), clients.fresh_environment()
    program, install, *arguments = shlex.split(ready[f"the pip line{suffix}"])
    assert (program, install) == ("pip", "install")
    ran = with_pip.pip_install(*arguments)
    assert ran.status == 0, ran.output
    *program_and_command, flag, url, package = shlex.split(ready[f"the uv line{suffix}"])
    assert program_and_command == ["uv", "pip", "install"]
    ran = with_uv.uv_install(flag, url, package)
    assert ran.status == 0, ran.output
    assert with_pip.version_of(project) == with_uv.version_of(project) == version


@pytest.mark.parametrize("tool", ["twine", "uv"])
def test_the_lines_that_publish_do(index: Index, clients: Clients, tmp_path: Path, tool: str) -> None:
    wheel = make_wheel(tmp_path, f"published-with-{tool}", "1.0")
    line = lines(index, "/upload/")[f"Publish with {tool}, for a shell"]
    program, *arguments = shlex.split(line.replace("dist/*", shlex.quote(str(wheel))))
    assert program == tool
    ran = clients.module(tool, *arguments)
    assert ran.status == 0, ran.output
    environment = clients.fresh_environment()
    ran = environment.pip_install("--index-url", index.read_url, f"published-with-{tool}")
    assert ran.status == 0, ran.output


@pytest.mark.usefixtures("published")
def test_the_files_of_pip_uv_and_twine_work(index: Index, tmp_path: Path) -> None:
    ready = lines(index, "/upload/")
    files = {
        "pip.conf": "Install with pip, for pip.conf",
        "uv.toml": "Install with uv, for uv.toml",
        ".pypirc": "Publish with twine, for .pypirc",
    }
    for name, key in files.items():
        (tmp_path / name).write_text(ready[key] + "\n", encoding="utf-8")
    clients = Clients(
        tmp_path / "home",
        {
            "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
            "UV_NO_CONFIG": "false",
            "UV_CONFIG_FILE": str(tmp_path / "uv.toml"),
            "UV_INDEX_LOCAL_USERNAME": "local",
            "UV_INDEX_LOCAL_PASSWORD": index.secrets.read,
        },
    )
    for install in (clients.fresh_environment().pip_install, clients.fresh_environment().uv_install):
        ran = install("holygrail")
        assert ran.status == 0, ran.output
    wheel = make_wheel(tmp_path, "by-pypirc", "1.0")
    ran = clients.module(
        "twine", "upload", "--config-file", str(tmp_path / ".pypirc"), "--repository", "local", str(wheel)
    )
    assert ran.status == 0, ran.output
