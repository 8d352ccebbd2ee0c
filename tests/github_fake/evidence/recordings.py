"""Exchanges with the real GitHub, as two projects recorded them for their own tests.

PyGithub's are in its source distribution (2012 to 2025), octokit's in the package `@octokit/fixtures` (July 2022).
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from github_fake.recut import npm_pack

FIXTURES = "@octokit/fixtures@23.1.2"

_BEGIN = re.compile(r"^https?\n(?=(?:GET|POST|PUT|PATCH|DELETE|HEAD)\n)", re.MULTILINE)


@dataclass(frozen=True)
class Recorded:
    """:ivar target: path and query.
    :ivar anonymous: whether nobody said who they are.
    :ivar year: when it was recorded.
    :ivar body: parsed JSON, or text; None: nothing was sent, or nobody recorded what.
    :ivar headers: of the answer, names in lower case.
    :ivar answer: parsed JSON, or None.
    """

    method: str
    host: str
    target: str
    body: Any
    status: int
    headers: Mapping[str, str]
    answer: Any
    anonymous: bool
    year: int


def pygithub_archive(folder: Path) -> Path:
    """:raises subprocess.CalledProcessError: when pip cannot fetch it."""
    wanted = f"PyGithub=={version('PyGithub')}"
    line = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "PyGithub", wanted]
    subprocess.run([*line, "--dest", str(folder)], capture_output=True, text=True, check=True, timeout=600)
    return next(folder.glob("*.tar.gz"))


def octokit_archive(folder: Path) -> Path:
    """:raises subprocess.CalledProcessError: when npm cannot fetch it."""
    return npm_pack(FIXTURES, folder)


def of_pygithub(archive: Path, wanted: re.Pattern[str]) -> dict[str, list[Recorded]]:
    """By the name of the recording, those whose name fits ``wanted`` wholly."""
    found = {}
    with tarfile.open(archive) as package:
        for member in package:
            name = Path(member.name)
            if name.parent.name == "ReplayData" and wanted.fullmatch(name.stem):
                stream = package.extractfile(member)
                assert stream is not None
                found[name.stem] = list(_of_replay_data(stream.read().decode("utf-8")))
    return found


def of_octokit(archive: Path, scenarios: tuple[str, ...]) -> dict[str, list[Recorded]]:
    """By scenario."""
    found = {}
    with tarfile.open(archive) as package:
        for scenario in scenarios:
            stream = package.extractfile(f"package/scenarios/api.github.com/{scenario}/normalized-fixture.json")
            assert stream is not None
            found[scenario] = [_of_fixture(exchange) for exchange in json.load(stream)]
    return found


def _of_replay_data(text: str) -> Iterator[Recorded]:
    """A file of PyGithub's: protocol, verb, host, port, target, headers, body, status, headers, answer, one line each."""
    for block in _BEGIN.split(text)[1:]:
        verb, host, _, target, asked, body, status, headers, *answer = block.split("\n")
        named = {name.lower(): value for name, value in ast.literal_eval(headers)}
        date = parsedate_to_datetime(named["date"])
        anonymous = "Authorization" not in asked
        answered = _parsed("\n".join(answer))
        yield Recorded(verb, host, target, _parsed(body), int(status), named, answered, anonymous, date.year)


def _of_fixture(exchange: Mapping[str, Any]) -> Recorded:
    host = exchange["scope"].removeprefix("https://").partition(":")[0]
    headers = {name.lower(): str(value) for name, value in exchange["headers"].items()}
    answer = exchange["response"]
    return Recorded(
        exchange["method"].upper(),
        host,
        exchange["path"],
        exchange["body"] or None,
        int(exchange["status"]),
        headers,
        answer if isinstance(answer, dict | list) else None,
        anonymous=False,
        year=2022,  # the dates in the answers are made up
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None if text.strip() in ("", "None") else text
