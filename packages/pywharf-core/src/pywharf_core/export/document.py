"""What a project's folder of an export says of its files: the project's page of the Simple API as JSON, and what that
cannot say under keys of our own, which begin with ``_`` as PEP 691 reserves it.

::

    "_pywharf": {"format": 1, "reserved": …, "deleted": [{"filename": …, "sha256": …}, …]}    of the project
    "_pywharf": the record of the file, see model.to_record                                      of each of its files

All files are there, those of a quarantined project too, and their addresses are their names beside the document.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from pywharf_core.export.folder import FORMAT
from pywharf_core.model import DistributionFile, ProjectPage, ProjectState, Record, to_record
from pywharf_core.simple import json as simple_json
from pywharf_core.simple.links import encodable
from pywharf_core.storage_answers import Deleted

OWN_KEY = "_pywharf"


def project_document(state: ProjectState, files: Sequence[DistributionFile], deleted: Sequence[Deleted]) -> bytes:
    """
    :param files: those that are in the folder.
    :param deleted: files that were deleted on purpose, and whose names keep their meaning.
    """
    # Rendered as active: the page of a quarantined project lists nothing.
    document = json.loads(simple_json.project_page(ProjectPage(project=state.name, files=files)))
    status = {"status": state.status.value}
    if state.reason is not None:
        status["reason"] = encodable(state.reason)
    document["project-status"] = status
    records = {file.filename: _record(file) for file in files}
    for entry in document["files"]:
        entry[OWN_KEY] = records[entry["filename"]]
    document[OWN_KEY] = {
        "format": FORMAT,
        "reserved": state.reserved,
        "deleted": [
            {"filename": it.filename, "sha256": it.sha256} for it in sorted(deleted, key=lambda it: it.filename)
        ],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _record(file: DistributionFile) -> Record:
    """Without what means something in one storage only."""
    record = to_record(replace(file, storage_id=""))
    del record["counter"]
    return record
