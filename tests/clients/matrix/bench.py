"""What all runs of the matrix share: one server with two repositories, a second index behind it, and the clients."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clients.matrix.client import Access
from clients.matrix.steady_text import steady_text
from pywharf_core.testing import make_wheel
from support.clients import Ran
from support.listing import ACCEPT_JSON, listed
from support.running_server import RunningServer, running_server
from support.static_index import StaticIndex, static_index
from support.uploads import encode, form_headers, form_of

READ, WRITE, WRONG = "read-secret", "write-secret", "wrong-secret"
REPOSITORY = "packages"
SMALL = "small"  # the repository that takes small files only

_CONFIGURATION = f"""
[{REPOSITORY}]
type = "file_system"
read_secret = "{READ}"
write_secret = "{WRITE}"
private = ["acme-*"]

[{SMALL}]
type = "file_system"
read_secret = "{READ}"
write_secret = "{WRITE}"
private = ["acme-*"]
max_file_bytes = 100000
"""

# No Python that there is.
_NO_PYTHON = ">=3.99"


@dataclass(frozen=True)
class Finding:
    """What one run of a client showed.

    :ivar works: whether everything happened that the scenario asks for.
    :ivar said: the client's output, without what differs from run to run.
    :ivar more: what did happen, for whoever reads a failure.
    """

    works: bool
    said: str
    more: str = ""


@dataclass(frozen=True)
class Bench:
    """:ivar folder: of all desks.
    :ivar library_sha256: of the one file of ``acme-library`` 1.0.
    """

    server: RunningServer
    extra: StaticIndex
    folder: Path
    library_sha256: str

    def access(self, secret: str, repository: str = REPOSITORY) -> Access:
        return Access(self.server.url, repository, secret)

    def page(self, project: str, repository: str = REPOSITORY) -> Mapping[str, str]:
        """The sha256 of each file that is listed."""
        answer = self.server.ask(f"/simple/{project}/", (repository, READ), headers=ACCEPT_JSON)
        return listed(answer.body) if answer.status == 200 else {}

    def finding(self, works: bool, ran: Ran, more: str = "") -> Finding:
        return Finding(works, steady_text(ran.output, self.folder), f"exit status {ran.status}; {more}\n{ran.output}")


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """:param folder: empty."""
    public, root = folder / "public", folder / "root"
    make_wheel(public / "publicthing", "publicthing", "3.0")
    root.mkdir()
    (root / "config.toml").write_text(_CONFIGURATION)
    with static_index(public) as extra:
        # Another host than the server's: a netrc file knows no ports.
        url = extra.url.replace("127.0.0.1", "localhost")
        with running_server(root, "--extra_index_url", url) as server:
            library = _publish_what_is_installed(server, folder / "published")
            (folder / "desks").mkdir()
            yield Bench(server, extra, folder / "desks", library)


def _publish_what_is_installed(server: RunningServer, folder: Path) -> str:
    library = make_wheel(folder, "acme-library", "1.0")
    wheels = [
        library,
        make_wheel(folder, "acme-app", "1.0"),
        make_wheel(folder, "acme-app", "2.0", requires_dist=["acme-library >= 1", "publicthing"]),
        make_wheel(folder, "acme-python", "1.0", requires_python=">=3.6"),
        make_wheel(folder, "acme-python", "2.0", requires_python=_NO_PYTHON),
        make_wheel(folder, "acme-yanked", "1.0"),
        make_wheel(folder, "acme-yanked", "1.1"),
    ]
    for wheel in wheels:
        body = encode(form_of(wheel))
        answer = server.ask("/simple/", (REPOSITORY, WRITE), method="POST", body=body, headers=form_headers())
        assert answer.status == 200, answer.text
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    path = "/manage/acme-yanked/1.1/yank"
    answer = server.ask(path, (REPOSITORY, WRITE), method="POST", body=b"reason=Loses+data", headers=form)
    assert answer.status < 400, answer.text
    page = server.ask("/simple/acme-yanked/", (REPOSITORY, READ), headers=ACCEPT_JSON)
    assert [file["yanked"] for file in json.loads(page.body)["files"]] == [False, "Loses data"]
    return hashlib.sha256(library.read_bytes()).hexdigest()
