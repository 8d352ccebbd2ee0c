"""A disk that keeps at a power loss only what fsync promised: the calls are recorded, and what may be left is laid out.

``kill -9`` keeps the page cache and so says nothing on fsync. Two kinds of disk are tried at every call. A lazy one
loses every name whose folder, and every byte whose file, was not synced. An eager one has written all names, in the
order of the calls, and still loses the bytes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

Kind = Literal["lazy", "eager"]


@dataclass(frozen=True)
class PowerLoss:
    """What is left when the power goes just before the call ``before``."""

    before: str
    kind: Kind
    folders: tuple[str, ...]
    files: tuple[tuple[str, int, bytes, int], ...]  # path below the root, inode, bytes, mtime in ns

    def lay_out(self, root: Path) -> None:
        """Build what is left under ``root``."""
        for folder in sorted(self.folders):
            (root / folder).mkdir(parents=True, exist_ok=True)
        first_names: dict[int, Path] = {}
        for name, inode, content, mtime_ns in self.files:
            path = root / name
            if inode in first_names:
                os.link(first_names[inode], path)
                continue
            path.write_bytes(content)
            os.utime(path, ns=(mtime_ns, mtime_ns))
            first_names[inode] = path


@dataclass
class LossyDisk:
    """Watches the calls of this process on everything below ``root``; what is there already is safe."""

    root: Path
    synced_bytes: dict[int, bytes] = field(default_factory=dict)
    synced_names: dict[Path, dict[str, int]] = field(default_factory=dict)
    losses: list[PowerLoss] = field(default_factory=list)

    def __post_init__(self) -> None:
        for folder, _, files in os.walk(self.root):
            self.synced_names[Path(folder)] = _names(Path(folder))
            for name in files:
                path = Path(folder, name)
                self.synced_bytes[path.stat().st_ino] = path.read_bytes()

    @contextmanager
    def watched(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Record the calls inside; afterwards ``losses`` holds what each could have left."""
        with monkeypatch.context() as patch:
            for name in ("fsync", "link", "mkdir", "rename", "unlink"):
                patch.setattr(os, name, self._watching(name, getattr(os, name)))
            yield
        self._record("the end")

    def _watching(self, name: str, call: Any) -> Any:
        def watching(*args: Any, **kwargs: Any) -> Any:
            self._record(f"{name} {' '.join(str(argument) for argument in args)}")
            result = call(*args, **kwargs)
            if name == "fsync":
                self._sync(args[0])
            return result

        return watching

    def _sync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if stat.S_ISDIR(status.st_mode):
            self.synced_names[path] = _names(path)
        else:
            self.synced_bytes[status.st_ino] = path.read_bytes()

    def _record(self, before: str) -> None:
        for kind in ("lazy", "eager"):
            folders: list[str] = []
            files: list[tuple[str, int, bytes, int]] = []
            self._left(self.root, kind, folders, files)
            self.losses.append(PowerLoss(before, kind, tuple(folders), tuple(files)))

    def _left(self, folder: Path, kind: Kind, folders: list[str], files: list[tuple[str, int, bytes, int]]) -> None:
        folders.append(str(folder.relative_to(self.root)))
        names = self.synced_names.get(folder, {}) if kind == "lazy" else _names(folder)
        for name, inode in names.items():
            path = folder / name
            if inode < 0:
                self._left(path, kind, folders, files)
                continue
            mtime_ns = self._mtimes().get(inode, 0)
            files.append((str(path.relative_to(self.root)), inode, self.synced_bytes.get(inode, b""), mtime_ns))

    def _mtimes(self) -> dict[int, int]:
        paths = [Path(folder, name) for folder, _, files in os.walk(self.root) for name in files]
        return {(status := path.stat()).st_ino: status.st_mtime_ns for path in paths}


def _names(folder: Path) -> dict[str, int]:
    """Inode by name; -1 for a folder."""
    if not folder.is_dir():
        return {}
    return {entry.name: -1 if entry.is_dir() else entry.inode() for entry in os.scandir(folder)}
