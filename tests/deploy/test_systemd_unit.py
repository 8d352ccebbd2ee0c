"""The unit on the page: what systemd's own tools say of it, and its command, run as the unit would run it."""

from __future__ import annotations

import re
import shlex
import string
import subprocess
from pathlib import Path

import pytest

from docs.code_blocks import DOCS, titled_blocks
from support.clean_environment import clean_environment
from support.clean_shell import clean_shell, run
from support.debian_programs import debian_program
from support.initialised import initialise
from support.repository_copy import copy_repository
from support.running_server import PYWHARF
from support.served import free_port, serving
from support.shell_blocks import commands

PAGE = DOCS / "how-to" / "systemd.md"
BLOCKS = titled_blocks("how-to/systemd.md")
UNIT = BLOCKS["pywharf.service"]

#: Tenths, on systemd's scale from 0 to 10; its own line between "OK" and "medium" is at 50.
EXPOSURE = 15


def setting(name: str) -> str:
    [value] = re.findall(rf"^{name}=((?:.*\\\n)*.*)$", UNIT, re.MULTILINE)
    return str(value).replace("\\\n", " ")


def analyze(*arguments: str | Path) -> str:
    """What it said; there must be nothing to complain of."""
    program = debian_program("systemd-analyze")
    said = subprocess.run(
        [program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert said.returncode == 0, said.stdout
    return said.stdout


def written(folder: Path, *, drop_in: bool = False) -> Path:
    """The unit as a file, with the command that is installed here."""
    unit = folder / "pywharf.service"
    unit.write_text(UNIT.replace("/opt/pywharf/bin/pywharf", PYWHARF))
    if drop_in:
        (folder / "pywharf.service.d").mkdir()
        (folder / "pywharf.service.d" / "store.conf").write_text(BLOCKS["store.conf"])
    return unit


@pytest.mark.parametrize("drop_in", [False, True], ids=["unit", "unit with the store elsewhere"])
def test_systemd_finds_nothing_wrong(tmp_path: Path, drop_in: bool) -> None:
    assert analyze("verify", "--man=no", written(tmp_path, drop_in=drop_in)) == ""


def test_the_unit_is_exposed_as_little_as_the_page_says(tmp_path: Path) -> None:
    said = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", written(tmp_path))
    [exposure] = re.findall(r"Overall exposure level for pywharf.service: (\S+) OK", said)
    told = re.findall(r"rates the unit ([\d.]+),", PAGE.read_text(encoding="utf-8"))
    assert abs(float(exposure) - float(told[0])) <= 0.2, "systemd's versions differ by a little"


def test_systemd_waits_longer_than_the_server() -> None:
    [grace] = re.findall(r"--grace, which is (\d+) seconds", UNIT)
    assert int(setting("TimeoutStopSec")) > int(grace) + 5, "the server itself kills what is late after 5 s more"


@pytest.mark.slow
def test_the_command_of_the_unit_serves_and_stops(tmp_path: Path) -> None:
    secrets = initialise(tmp_path / "credentials")
    given = {"STATE_DIRECTORY": str(tmp_path / "state"), "CREDENTIALS_DIRECTORY": str(secrets.root)}
    port = free_port()
    words = shlex.split(string.Template(setting("ExecStart")).substitute(given))
    assert words[0] == "/opt/pywharf/bin/pywharf"
    words = [PYWHARF, *(str(port) if word == "8888" else word for word in words[1:])]
    environment = clean_environment(tmp_path)
    output = tmp_path / "said.txt"
    with serving(shlex.join(words), cwd=tmp_path, env=environment, port=port, output=output) as served:
        assert "local:" in served.said()
        assert served.stop() == 0
        assert served.processes() == []


@pytest.mark.slow
@pytest.mark.follows("docs/how-to/systemd.md", "Install")
def test_the_page_installs_a_command_and_two_files_of_root(tmp_path: Path) -> None:
    clone = copy_repository(tmp_path / "clone")
    for line in commands(PAGE, "Install"):
        here = line.replace("sudo ", "").replace("/opt/", f"{tmp_path}/opt/").replace("/etc/", f"{tmp_path}/etc/")
        run("bash", "-c", here, cwd=clone, env=clean_shell())
    assert (tmp_path / "opt/pywharf/bin/pywharf").is_file()
    found = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "etc/pywharf").iterdir()}
    assert found == {"config.toml": 0o600, "admin_secret.toml": 0o600}
