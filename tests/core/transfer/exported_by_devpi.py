"""A folder as ``devpi-export`` of devpi-server 6.20 writes it; ``tests/clients`` compares with a real one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.transfer.desk import sha256
from pywharf_core.filenames import parse_filename

UPLOADED = datetime(2024, 2, 29, 12, 30, 45)
PUSHED = datetime(2025, 1, 1)


class DevpiExport:
    """:ivar folder: of the export; ``write`` completes it.
    :ivar indexes: as they will be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.indexes: dict[str, Any] = {}

    def index(self, name: str, *, mirror: bool = False) -> None:
        config = {"type": "mirror" if mirror else "stage", "volatile": True}
        self.indexes[name] = {"indexconfig": config, "projects": {}, "files": []}

    def file(
        self,
        index: str,
        made: Path,
        *,
        hashes: Mapping[str, object] | None = None,
        log: Sequence[Mapping[str, object]] | None = None,
        yanked: object = None,
    ) -> str:
        """Add a copy of ``made``, and tell where it lies.

        :param hashes: what ``entrymapping`` says of them; None: as devpi writes it now.
        :param log: None: it was uploaded at ``UPLOADED`` and pushed here at ``PUSHED``.
        """
        parsed = parse_filename(made.name)
        version = str(parsed.version)
        relative = f"{index}/{parsed.project}/{version}/{made.name}"
        (self.folder / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, self.folder / relative)
        digest = sha256(made)
        said = {"hash_spec": f"sha256={digest}", "hashes": {"sha256": digest}} if hashes is None else dict(hashes)
        uploaded = [
            {"what": "overwrite", "who": None, "when": when(PUSHED), "count": 1},
            {"what": "upload", "who": "alice", "when": when(UPLOADED), "dst": "alice/dev"},
            {"what": "push", "who": "alice", "when": when(PUSHED), "src": "alice/dev", "dst": index},
        ]
        mapping = {"last_modified": "Wed, 01 Jan 2025 00:00:00 GMT", "project": parsed.project, "version": version}
        self.entry(
            index,
            {
                "version": version,
                "entrymapping": {**mapping, **said},
                "log": uploaded if log is None else list(log),
                "type": "releasefile",
                "projectname": parsed.project,
                "relpath": relative,
            },
        )
        versions = self.indexes[index]["projects"].setdefault(parsed.project, {})
        versions[version] = {"name": parsed.project, "version": version, "summary": "as the client said"}
        if yanked is not None:
            versions[version]["yanked"] = yanked
        return relative

    def entry(self, index: str, entry: Mapping[str, object]) -> None:
        self.indexes[index]["files"].append(dict(entry))

    def write(self, **changed: object) -> Path:
        document = {"users": {"alice": {}}, "indexes": self.indexes, "dumpversion": "2", "devpi_server": "6.20.3"}
        (self.folder / "dataindex.json").write_text(json.dumps(document | changed))
        return self.folder


def when(moment: datetime) -> list[int]:
    """As devpi writes it, in UTC."""
    return list(moment.timetuple()[:6])
