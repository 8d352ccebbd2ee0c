"""Which function answers which operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from github_fake.exchange import Answer, Refusal, Request, not_found
from github_fake.render import Renderer
from github_fake.rights import Rights
from github_fake.storage import Storage
from github_fake.world import Release, Repository, World


@dataclass(frozen=True)
class Exchange:
    """One request, with all that answering it may need. The world is locked meanwhile."""

    request: Request
    world: World
    render: Renderer
    storage: Storage
    notify: Callable[
        [Repository, str, str, Release], None
    ]  # of a release's event: its repository, the action, who did it

    def repository(self) -> tuple[Repository, Rights]:
        """That of the path.

        :raises Refusal: 404, when the caller may not know of it.
        """
        found = self.world.repository(f"{self.request.parameters['owner']}/{self.request.parameters['repo']}")
        if found is None:
            raise not_found()
        rights = Rights(self.world, found, self.request.token)
        if not rights.sees:
            raise not_found()
        return found, rights

    @property
    def login(self) -> str:
        """Whose work it is."""
        assert self.request.token is not None, "nobody writes without a token"
        return self.request.token.login

    def page_asked(self) -> tuple[int, int]:
        """How many items on a page, and which page, from 1."""
        size = max(1, min(100, _number(self.request.query.get("per_page"), 30)))
        return size, max(1, _number(self.request.query.get("page"), 1))

    def page(self, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        """The part that was asked for, and the header `Link` that tells of the others."""
        size, number = self.page_asked()
        last = max(1, -(-len(items) // size))
        base = f"{self.render.urls.api}{self._path_by_number()}"

        def link(page: int, name: str) -> str:
            return f'<{base}?per_page={size}&page={page}>; rel="{name}"'

        links = []
        if number > 1:
            links.append(link(min(number - 1, last), "prev"))
        if number < last:
            links += [link(number + 1, "next"), link(last, "last")]
        if number > 1:
            links.append(link(1, "first"))
        return items[(number - 1) * size : number * size], {"link": ", ".join(links)} if links else {}

    def _path_by_number(self) -> str:
        """GitHub's links to other pages name a repository by its number."""
        parts = self.request.path.split("/")
        found = self.world.repository("/".join(parts[2:4])) if parts[1] == "repos" else None
        return self.request.path if found is None else "/".join(["", "repositories", str(found.id), *parts[4:]])


Handler = Callable[[Exchange], Answer]

HANDLERS: dict[str, Handler] = {}


def operation(operation_id: str) -> Callable[[Handler], Handler]:
    """The function answers this operation of GitHub's document."""

    def register(handler: Handler) -> Handler:
        assert operation_id not in HANDLERS, operation_id
        HANDLERS[operation_id] = handler
        return handler

    return register


def wanted(document: dict[str, Any], name: str) -> Any:
    """A field that must be there.

    :raises Refusal: 422, in GitHub's words.
    """
    if document.get(name) is None:
        raise Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
    return document[name]


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() else default
