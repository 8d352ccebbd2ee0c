"""The application: plain ASGI, for any server."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from pywharf.exchange import exchange_of
from pywharf.forwarded import Forwarded
from pywharf.front import Front
from pywharf.logs import AccessLog
from pywharf.measurements import Measurements
from pywharf.readme.descriptions import Descriptions
from pywharf.routes import confirm, files, health, integrity, json_api, login, manage, namespaces, simple
from pywharf.routes.catalogue import search
from pywharf.routes.home import home
from pywharf.routes.initialize import Initialize
from pywharf.routes.metrics import Metrics
from pywharf.routes.projects import ProjectPage
from pywharf.routes.setup import setup
from pywharf.routes.static import static_file
from pywharf.routes.upload import upload
from pywharf.routes.webhook import webhook
from pywharf.sessions import Sessions
from pywharf.settings import ServerSettings
from pywharf.wharf_in_force import WharfInForce
from pywharf_core.errors import ConfigurationError
from pywharf_core.plugins import Plugins, load_plugins
from pywharf_core.root import Root


def create_app(settings: ServerSettings | None = None, *, plugins: Plugins | None = None) -> ASGIApp:
    """The ASGI application of one ROOT; several processes may serve the same one.

    :param settings: None: from the environment, ``PYWHARF_SETTINGS`` (JSON of ``ServerSettings``) or else
        ``PYWHARF_ROOT`` (the folder alone). The configuration is the one in force in ROOT.
    :param plugins: None: those that are installed.
    :raises ConfigurationError: neither variable is set, or ROOT cannot be used.
    """
    settings = settings or _settings_of_environment()
    root = Root(Path(settings.root))
    root.make()
    measurements = Measurements(root)
    in_force = WharfInForce(settings, root, plugins or load_plugins(), measurements)
    descriptions = Descriptions()
    access_log = AccessLog(root.log, on_terminal=settings.debug or sys.stderr.isatty())

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        try:
            await in_force.current()  # opens, and begins to synchronise, before anybody asks
            in_force.start()
            measurements.start()
            yield
        finally:
            await in_force.close()
            await measurements.close()
            await descriptions.close()
            access_log.close()

    sessions = Sessions(root)
    project_page = ProjectPage(descriptions)
    routes = _routes(Initialize(settings, in_force), Metrics(settings, measurements), sessions, project_page)
    measurements.know_routes(routes)
    router = Router(routes, redirect_slashes=False, lifespan=lifespan)
    front = Front(router, in_force, access_log, measurements, sessions)
    if settings.trusted_proxies or settings.path_prefix:
        return Forwarded(front, settings.trusted_proxies, settings.path_prefix)
    return front


class _Endpoint:
    """A plain ASGI function as a route's endpoint; Starlette would hand a function a ``Request``."""

    def __init__(self, call: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._call(scope, receive, send)


def _get(path: str, call: Callable[[Scope, Receive, Send], Awaitable[None]]) -> Route:
    """Takes HEAD too."""
    return Route(path, _Endpoint(call), methods=["GET"])


def _post(path: str, call: Callable[[Scope, Receive, Send], Awaitable[None]]) -> Route:
    return Route(path, _Endpoint(call), methods=["POST"])


class _Page(_Endpoint):
    """An endpoint that people look at, and no package tool: without a login a browser is sent to get one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange_of(scope).for_people = True
        await super().__call__(scope, receive, send)


def _page(path: str, call: Callable[[Scope, Receive, Send], Awaitable[None]]) -> Route:
    return Route(path, _Page(call), methods=["GET"])


def _routes(initialize: Initialize, metrics: Metrics, sessions: Sessions, project_page: ProjectPage) -> list[BaseRoute]:
    """Tried in this order, so what package tools ask most comes first."""
    routes: list[BaseRoute] = [
        _get("/simple/{project}/", simple.project_page),
        _get("/simple/namespace/{namespace}", namespaces.one_namespace),
        _get("/simple/{project}/{filename}", files.distribution_file),
        _get("/simple/", simple.project_list),
        _get("/simple/namespaces", namespaces.list_of_namespaces),
        _get("/simple/{project}", simple.project_without_slash),
        _get("/simple", simple.list_without_slash),
        _get("/integrity/{project}/{version}/{filename}/provenance", integrity.provenance),
        _get("/healthz", health.healthz),
        _get("/readyz", health.readyz),
        _get("/metrics", metrics),
        _get("/", home),
    ]
    for path in ("/simple/", "/simple", "/", "/legacy/", "/legacy"):
        routes.append(_post(path, upload))
        # hatch asks there what is published already
        routes.append(_get(f"{path.rstrip('/')}/+simple/{{project}}/", simple.project_page))
    release = "/manage/{project}/{version}"
    routes += [
        _post(f"{release}/yank", manage.yank),
        _post(f"{release}/unyank", manage.unyank),
        _post(f"{release}/delete", manage.delete),
        _post("/manage/{project}/status", manage.set_status),
        _page(f"{release}/yank", confirm.yank),
        _page(f"{release}/unyank", confirm.unyank),
        _page(f"{release}/delete", confirm.delete),
        _page("/manage/{project}/status", confirm.status),
    ]
    routes.append(_get("/static/{digest}/{name}", static_file))
    for slash in ("", "/"):
        routes.append(_page(f"/project/{{project}}{slash}", project_page))
        routes.append(_page(f"/project/{{project}}/{{version}}{slash}", project_page))
        routes.append(_page(f"/search{slash}", search))
        routes.append(_page(f"/upload{slash}", setup))
        routes.append(_get(f"/pypi/{{project}}/json{slash}", json_api.project_document))
        routes.append(_get(f"/pypi/{{project}}/{{version}}/json{slash}", json_api.release_document_of))
        routes.append(_get(f"/index_mtime{slash}", health.index_mtime))
        routes.append(Route(f"/initialize{slash}", initialize, methods=["POST"]))
        routes.append(_page(f"/login{slash}", login.login_form))
        routes.append(_post(f"/login{slash}", login.LogIn(sessions)))
        routes.append(_page(f"/logout{slash}", login.logout_form))
        routes.append(_post(f"/logout{slash}", login.LogOut(sessions)))
        routes.append(_post(f"/webhook/{{repository}}{slash}", webhook))
    return routes


def _settings_of_environment() -> ServerSettings:
    if text := os.environ.get("PYWHARF_SETTINGS"):
        try:
            return ServerSettings.from_json(text)
        except ValueError as error:
            raise ConfigurationError([f"PYWHARF_SETTINGS: {error}"]) from error
    if path := os.environ.get("PYWHARF_ROOT"):
        return ServerSettings(root=path)
    raise ConfigurationError(["PYWHARF_ROOT is not set; it should name the folder ROOT that the server uses."])
