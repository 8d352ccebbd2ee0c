"""The assets of a release: which of them is the file, and whether GitHub has it whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

#: A release, or an asset, as GitHub's API describes it.
Json = Mapping[str, Any]

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def is_sha256(text: str) -> bool:
    return _SHA256.match(text) is not None


def digest_of(asset: Json) -> str | None:
    """The asset's SHA-256 as GitHub computed it; None: it was uploaded before GitHub did, or to an old server."""
    algorithm, _, value = str(asset.get("digest") or "").partition(":")
    return value if algorithm == "sha256" and is_sha256(value) else None


def is_uploaded(asset: Json) -> bool:
    return str(asset.get("state", "uploaded")) == "uploaded"


def is_whole(asset: Json, *, size: int, sha256: str) -> bool:
    """Whether the asset is completely uploaded and, as far as GitHub tells, the expected file."""
    return is_uploaded(asset) and asset.get("size") == size and digest_of(asset) in (None, sha256)


def name_on_github(filename: str) -> str:
    """The name that GitHub gives an asset of this filename; only a hint, as its rule is written down nowhere."""
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._+-]", ".", filename)).strip(".")


def asset_of(filename: str, assets: Sequence[Json], *, sha256: str | None) -> Json | None:
    """Which asset is the file: by its hash, then by the name that it should have, then because there is no other."""
    for asset in assets:
        if sha256 is not None and digest_of(asset) == sha256:
            return asset
    for name in (filename, name_on_github(filename)):
        for asset in assets:
            if asset.get("name") == name:
                return asset
    return assets[0] if len(assets) == 1 else None
