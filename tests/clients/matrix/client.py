"""The words of the client matrix: where a client finds a repository, and what a client can be asked to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar
from urllib.parse import urlsplit

from clients.matrix.desk import Desk
from clients.matrix.environments import Tool
from clients.matrix.release import Release
from support.clients import Ran


class Address(StrEnum):
    """The two addresses of a repository; the values are how the page writes them."""

    SHARED = "/simple/"
    OWN = "/r/<repository>/simple/"


class Way(StrEnum):
    """Where a client has username and secret from; the values are how the page writes them."""

    OPTIONS = "options or environment"
    URL = "URL"
    NETRC = "netrc"
    KEYRING = "keyring"


@dataclass(frozen=True)
class Access:
    """One user's way into one repository.

    :ivar origin: ``http://host:port``.
    """

    origin: str
    repository: str
    secret: str
    address: Address = Address.SHARED
    way: Way = Way.OPTIONS

    @property
    def username(self) -> str:
        return self.repository if self.address is Address.SHARED else "__token__"

    @property
    def bare_url(self) -> str:
        return self.origin + self.address.replace("<repository>", self.repository)

    @property
    def url(self) -> str:
        """With username and secret if that is the way, with the username alone if a keyring has the secret."""
        match self.way:
            case Way.URL:
                return self._with(f"{self.username}:{self.secret}@")
            case Way.KEYRING:
                return self._with(f"{self.username}@")
            case _:
                return self.bare_url

    @property
    def host(self) -> str:
        """Without the port, as a netrc file has it."""
        return self.netloc.partition(":")[0]

    @property
    def netloc(self) -> str:
        return urlsplit(self.origin).netloc

    def by(self, address: Address, way: Way) -> Access:
        return replace(self, address=address, way=way)

    def leave_credentials(self, desk: Desk, service: str) -> None:
        """Put the secret where ``way`` says, if that is outside of the client's command line.

        :param service: what this client calls the repository when it asks a keyring.
        """
        if self.way is Way.NETRC:
            desk.write_netrc(self.host, self.username, self.secret)
        if self.way is Way.KEYRING:
            desk.fill_keyring(service, self.username, self.secret)

    def _with(self, userinfo: str) -> str:
        return self.bare_url.replace("://", f"://{userinfo}")


def way_key(address: Address, way: Way) -> str:
    """The key of the scenario in which a client gets to a repository so."""
    return f"{address} by {way}"


def never_by(way: Way, why: str) -> Mapping[str, str]:
    """What a client cannot do that knows no such way, whatever the address."""
    return {way_key(address, way): why for address in Address}


class Client(ABC):
    """:cvar key: its name in ``clients.toml``.
    :cvar newest_python: that it runs on; None: on all of ours.
    """

    key: ClassVar[str]
    newest_python: ClassVar[tuple[int, int] | None] = None

    def __init__(self, tool: Tool) -> None:
        self.tool = tool


class Publisher(Client):
    """:cvar cannot_publish: keys of scenarios that do not work with this client, and why; the fault is not ours.
    :cvar tells_our_sentence: whether a refused upload shows the user our sentence, and not the status alone.
    :cvar skipping: how it is told to pass over what is there already, for the page; None: it cannot be.
    """

    cannot_publish: ClassVar[Mapping[str, str]] = {}
    tells_our_sentence: ClassVar[bool] = True
    skipping: ClassVar[str | None] = "`--skip-existing`"

    @abstractmethod
    def publish(self, desk: Desk, access: Access, release: Release, *, skip: bool = False) -> Ran:
        """Publish the wheel and the sdist of ``release``.

        :param skip: passing over what is there already, if the client can.
        """


class Installer(Client):
    """Installs into ``desk.python``.

    :cvar cannot_install: keys of scenarios that do not work with this client, and why; the fault is not ours.
    """

    cannot_install: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def install(self, desk: Desk, access: Access, requirements: Sequence[str]) -> Ran:
        """Install what satisfies all of ``requirements``."""

    @abstractmethod
    def install_locked(self, desk: Desk, access: Access, requirement: str, sha256: str) -> Ran:
        """Install the one file of a requirement ``name==version``, which must have this hash."""
