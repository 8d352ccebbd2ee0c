"""The address at which a page announces a file's provenance: absolute, and of secure origin (PEP 740)."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from starlette.types import Scope

from pywharf.own_address import base_url
from pywharf_core.model import DistributionFile
from pywharf_core.simple.links import ProvenanceUrl


def secure_base(scope: Scope) -> str | None:
    """What stands in front of our paths for this client; None: no https, so nothing can be announced to it.

    A page that may announce something depends on it.
    """
    return base_url(scope) if scope.get("scheme") == "https" else None


def provenance_url(base: str | None) -> ProvenanceUrl | None:
    """What the pages of the Simple API are given.

    :param base: from ``secure_base``.
    """
    return None if base is None else partial(_url, base)


def _url(base: str, file: DistributionFile) -> str:
    version, filename = quote(file.version, safe=""), quote(file.filename, safe="")
    return f"{base}/integrity/{quote(file.project)}/{version}/{filename}/provenance"
