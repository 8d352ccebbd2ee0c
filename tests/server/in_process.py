"""The application in this process, on the real file-system storage, asked as by a client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from httpx2 import Request, Response
from starlette.testclient import TestClient

from pywharf.app import create_app
from pywharf.forwarded import read_prefix
from pywharf.settings import ServerSettings
from pywharf_core.configuration_in_force import ConfigurationInForce
from pywharf_core.plugins import Plugins
from pywharf_core.root import Root
from support.access_log import line_of_request
from support.listing import ACCEPT_JSON, listed, listed_projects
from support.openapi import openapi
from support.running_server import wait_until
from support.uploads import Part, basic, encode, form_headers, form_of

CONFIG = """
[local]
type = "file_system"
read_secret = "reads"
write_secret = "writes"
private = ["acme-*"]

[other]
type = "file_system"
read_secret = "reads-other"
write_secret = "writes-other"
extra_index_url = ""
"""
ADMIN_SECRET = """
[local]
type = "file_system"
raw = "administers"
"""

READER = ("local", "reads")
WRITER = ("local", "writes")
ADMINISTRATOR = ("local", "administers")
OTHER_READER = ("other", "reads-other")
OTHER_WRITER = ("other", "writes-other")
EXTRA = "http://extra.test/simple"


class Application:
    """Redirects are not followed; credentials are a repository's name and a secret."""

    def __init__(self, client: TestClient, root: Root) -> None:
        self.client = client
        self.root = root

    def get(
        self,
        path: str,
        credentials: tuple[str, str] | None = READER,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        sent = {**(basic(*credentials) if credentials else {}), **(headers or {})}
        return self.client.request(method, path, headers=sent)

    def upload(
        self, path: Path, credentials: tuple[str, str] | None = WRITER, *, to: str = "/simple/", **changed: str | None
    ) -> Response:
        """What ``form_of`` makes of the file."""
        return self.send_form(form_of(path, **changed), credentials, to=to)

    def send_form(
        self, parts: list[Part], credentials: tuple[str, str] | None = WRITER, *, to: str = "/simple/"
    ) -> Response:
        return self.client.post(to, content=encode(parts), headers=form_headers(credentials))

    def listed(self, project: str, credentials: tuple[str, str] = READER) -> Mapping[str, str]:
        """sha256 by filename; empty: no such project."""
        answer = self.get(f"/simple/{project}/", credentials, headers=ACCEPT_JSON)
        return listed(answer.text) if answer.status_code == 200 else {}

    def projects(self, credentials: tuple[str, str] = READER) -> list[str]:
        return listed_projects(self.get("/simple/", credentials, headers=ACCEPT_JSON).text)

    def store(self, repository: str = "local") -> Path:
        return self.root.work(repository) / "storage"

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.client.get("/readyz").status_code == 200, "ready")

    def logged(self, answer: Response) -> dict[str, Any]:
        """The access log's line of the request with this answer, which must have an id."""
        return line_of_request(self.root.path, answer.headers["x-request-id"])


class _Client(TestClient):
    """Holds every answer to the OpenAPI document.

    :ivar prefix: under which the application is shown.
    """

    prefix = ""

    def send(self, request: Request, **options: Any) -> Response:
        answer = super().send(request, **options)
        path = request.url.raw_path.decode("ascii").partition("?")[0].removeprefix(self.prefix)
        if "x-forwarded-prefix" not in request.headers:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            openapi().check(request.method, path, answer.status_code, headers, answer.content)
        return answer


@contextmanager
def application(
    folder: Path,
    config: str | None = CONFIG,
    admin_secret: str | None = ADMIN_SECRET,
    *,
    client_address: str = "192.0.2.1",
    ready: bool = True,
    plugins: Plugins | None = None,
    **settings: Any,
) -> Iterator[Application]:
    """:param config: put in force before the start; None: as ROOT is.
    :param plugins: None: those that are installed.
    :param settings: of ``ServerSettings``.
    """
    root = Root(folder)
    root.make()
    if config is not None:
        ConfigurationInForce(root).start_with(config, admin_secret)
    app = create_app(ServerSettings(root=str(folder), **{"extra_index_url": EXTRA, **settings}), plugins=plugins)
    with _Client(app, follow_redirects=False, client=(client_address, 50000)) as client:
        client.prefix = read_prefix(settings.get("path_prefix", ""))
        asked = Application(client, root)
        if ready:
            asked.wait_until_ready()
        yield asked
