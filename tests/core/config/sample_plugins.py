"""Two types of storage for tests of configuration and command line: one like a file system, one like a forge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal

from pywharf_core import (
    Access,
    DistributionFile,
    FileNotFound,
    ScanResult,
    Secret,
    StagedFile,
    Storage,
    StorageType,
    StorageUnavailable,
    Verdict,
    hookimpl,
    option,
    shared_secrets,
)
from pywharf_core.plugins import Plugins


class EmptyStorage(Storage):
    """Holds nothing. A forge knows one secret; ``reachable``: whether it answers at all."""

    def __init__(self, *, reachable: bool = True, knows: Secret | None = None) -> None:
        self._reachable = reachable
        self._knows = knows
        self._secret: Secret | None = None

    def acting_as(self, secret: Secret | None) -> Storage:
        view = EmptyStorage(reachable=self._reachable, knows=self._knows)
        view._secret = secret
        return view

    def access(self) -> Verdict:
        if self._knows is None:
            return super().access()
        return Verdict(Access.WRITE if self._secret == self._knows else Access.UNKNOWN)

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        if not self._reachable:
            raise StorageUnavailable("The forge does not answer; try again later.")
        yield from ()

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        raise StorageUnavailable("This storage is full; remove something.")

    def open_file(self, file: DistributionFile) -> BinaryIO:
        raise FileNotFound("Nothing is here.")


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderOptions:
    path: Path | None = option("Where the files are", default=None, under_root=True)


class FolderType(StorageType):
    name: ClassVar[str] = "file_system"
    options: ClassVar[type] = FolderOptions
    auth: ClassVar[str] = "secrets"
    max_file_bytes: ClassVar[int] = 5 * 1024**3

    def open(self, repository: str, options: FolderOptions, work: Path) -> Storage:
        return EmptyStorage()


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgeOptions:
    owner: str = option("Who owns it", example='"acme"')
    downloads: Literal["redirect", "stream"] = option("How files are sent", default="redirect")
    retries: int = option("How often to try again", default=3, minimum=0)
    ratio: float = option("A ratio", default=0.5)
    topics: tuple[str, ...] = option("Topics", default=())
    reachable: bool = option("Whether it answers", default=True)
    known_secret: str = option("The secret that it knows", default="known")

    def problems(self) -> Sequence[str]:
        return ["owner, retries: a nobody is tried once at most"] if self.owner == "nobody" and self.retries else []


class ForgeType(StorageType):
    name: ClassVar[str] = "forge"
    options: ClassVar[type] = ForgeOptions
    needs_secret: ClassVar[bool] = True

    def open(self, repository: str, options: ForgeOptions, work: Path) -> Storage:
        return EmptyStorage(reachable=options.reachable, knows=Secret(options.known_secret))


class SamplePlugin:
    """An object with hooks, as an entry point may name."""

    @staticmethod
    @hookimpl
    def pywharf_storage_types() -> Sequence[type[Any]]:
        return [FolderType, ForgeType]


def sample_plugins() -> Plugins:
    return Plugins.of(SamplePlugin(), shared_secrets)
