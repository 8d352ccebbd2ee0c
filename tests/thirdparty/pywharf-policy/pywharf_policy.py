"""Rules for uploads to a pywharf server, and word of what was published and removed.

The environment says which: see the README.
"""

from __future__ import annotations

import json
import os
import urllib.request
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path

from pywharf_core import CoreMetadata, DistributionFile, hookimpl, to_record

PROJECTS = os.environ.get("PYWHARF_POLICY_PROJECTS", "").replace(",", " ").split()
LICENCE = os.environ.get("PYWHARF_POLICY_LICENCE", "free")
NOTIFY = os.environ.get("PYWHARF_POLICY_NOTIFY", "")

# Said when the plugin is loaded: pywharf names the plugin as broken, and repositories that require it are not served.
if LICENCE not in ("free", "required"):
    raise ValueError(f'PYWHARF_POLICY_LICENCE is "{LICENCE}"; it should be "free" or "required"')
if NOTIFY and not NOTIFY.startswith(("http://", "https://")):
    raise ValueError("PYWHARF_POLICY_NOTIFY should be an http or https URL")


@hookimpl
def pywharf_refuse_upload(file: DistributionFile, metadata: CoreMetadata, path: Path) -> str | None:
    if PROJECTS and not any(fnmatchcase(file.project, glob) for glob in PROJECTS):
        return f"{file.project} is no name for a project here; names are like {' or '.join(PROJECTS)}."
    if LICENCE == "required" and file.packagetype == "bdist_wheel":
        if not metadata.get("license_expression"):
            return f'{file.filename} tells no licence; set `license = "..."` in [project] of its pyproject.toml.'
        with zipfile.ZipFile(path) as wheel:
            if not any(".dist-info/licenses/" in name for name in wheel.namelist()):
                return f"{file.filename} has no text of its licence; set `license-files` in [project] of its pyproject.toml."
    return None


@hookimpl
def pywharf_file_published(repository: str, file: DistributionFile) -> None:
    _notify("published", repository, file)


@hookimpl
def pywharf_file_removed(repository: str, file: DistributionFile) -> None:
    _notify("removed", repository, file)


def _notify(event: str, repository: str, file: DistributionFile) -> None:
    if NOTIFY:
        body = json.dumps({"event": event, "repository": repository, "file": to_record(file)}).encode()
        request = urllib.request.Request(NOTIFY, body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()
