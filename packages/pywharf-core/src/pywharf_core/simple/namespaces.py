"""Namespaces (PEP 752, Simple API 1.5): prefixes of names that belong to this repository. JSON only.

A namespace ``acme`` is the project ``acme`` and all that begin with ``acme-``. Whoever may upload here belongs to the
one owner that all namespaces of a repository have, so every project in a namespace is ``owned``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from packaging.utils import NormalizedName

from pywharf_core.filenames import is_project_name, normalise

API_VERSION = "1.5"


def declared_namespaces(globs: Iterable[str]) -> Sequence[NormalizedName]:
    """The namespaces that globs of private names declare, sorted.

    ``acme-*`` declares ``acme``, and so does ``acme*``: it covers all of the namespace, and more. A glob that is no
    prefix declares none, nor does a single name: what begins with it may be anybody's.
    """
    names = set()
    for glob in globs:
        prefix = glob.removesuffix("*").rstrip("-_.")
        if glob.endswith("*") and is_project_name(prefix):
            names.add(normalise(prefix))
    return sorted(names)


def namespaces_of(project: NormalizedName, namespaces: Iterable[NormalizedName]) -> list[NormalizedName]:
    """Those of ``namespaces`` that the project is in."""
    return [namespace for namespace in namespaces if f"{project}-".startswith(f"{namespace}-")]


def namespace_list(namespaces: Iterable[NormalizedName]) -> str:
    """All of them, as compact JSON. An array: here PEP 752 leaves PEP 691's rule that every answer is an object."""
    return _text([{"name": namespace} for namespace in namespaces])


def namespace_detail(namespace: NormalizedName, namespaces: Sequence[NormalizedName]) -> str:
    """One of ``namespaces``, as compact JSON: its parent has one component less, its children one more."""
    parent = _parent(namespace)
    return _text(
        {
            "name": namespace,
            "parent": parent if parent in namespaces else None,
            "children": [other for other in namespaces if _parent(other) == namespace],
        }
    )


def _parent(namespace: str) -> str:
    return namespace.rpartition("-")[0]


def _text(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))
