"""The documents of PEP 740, apart from their cryptography: the upload's field, the statement, the provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from pywharf_core.errors import InvalidUpload
from pywharf_core.model import DistributionFile
from pywharf_core.upload.quoted import quoted

_MOST = 2  # attestations of a file: one for each predicate type
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_LONGEST_FIELD = 1024 * 1024  # characters; usual ones have about ten thousand


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto statement with its only subject."""

    subject: str
    sha256: str
    predicate_type: str


def read_attestations(field: str) -> Sequence[Mapping[str, Any]]:
    """The one or two attestations of an upload's field, not looked into.

    :raises InvalidUpload: it is no such array.
    """
    if len(field) > _LONGEST_FIELD:
        raise InvalidUpload(f"The attestations are {len(field)} characters long; at most {_LONGEST_FIELD} are taken.")
    try:
        items = json.loads(field)
    except (ValueError, RecursionError):
        raise InvalidUpload("The attestations are not JSON; they should be a JSON array of attestations.") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidUpload("The attestations are not a JSON array of objects; they should be one or two of them.")
    if not items:
        raise InvalidUpload("The list of attestations is empty; it should hold one or two, or not be sent.")
    if len(items) > _MOST:
        raise InvalidUpload(f"There are {len(items)} attestations; there should be one or two.")
    return items


def read_statement(payload: bytes) -> Statement:
    """
    :raises InvalidUpload: it is no in-toto statement of version 1 about one file.
    """
    try:
        document = json.loads(payload)
        kind, subjects, predicate_type = document["_type"], document["subject"], document["predicateType"]
        named = [(subject["name"], subject["digest"]["sha256"]) for subject in subjects]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise InvalidUpload("An attestation's statement is malformed; it should be an in-toto statement.") from None
    if kind != _STATEMENT_TYPE:
        raise InvalidUpload(f"An attestation's statement is of the wrong type; it should be {_STATEMENT_TYPE}.")
    if len(named) != 1 or not all(isinstance(text, str) for text in (*named[0], predicate_type)):
        raise InvalidUpload("An attestation should be about exactly one file, by its name and its sha256.")
    return Statement(*named[0], predicate_type)


def check_subject(statement: Statement, file: DistributionFile, predicate_types: Sequence[str]) -> None:
    """
    :param predicate_types: those that an index serves.
    :raises InvalidUpload: the statement is about another file, or says what no index serves.
    """
    if _parsed(statement.subject) != _parsed(file.filename):
        raise InvalidUpload(
            f"An attestation is about the file {quoted(statement.subject)}; it should be about {quoted(file.filename)}."
        )
    if statement.sha256 != file.sha256:
        raise InvalidUpload(
            f"An attestation is about a file with the sha256 {quoted(statement.sha256)}; {quoted(file.filename)} has "
            f"{file.sha256}."
        )
    if statement.predicate_type not in predicate_types:
        raise InvalidUpload(
            f"An attestation's predicate type {quoted(statement.predicate_type)} is not known; it should be "
            f"{' or '.join(predicate_types)}."
        )


def check_distinct(statements: Sequence[Statement]) -> None:
    """
    :raises InvalidUpload: two statements have one predicate type.
    """
    types = [statement.predicate_type for statement in statements]
    for predicate_type in types:
        if types.count(predicate_type) > 1:
            raise InvalidUpload(
                f"Two attestations have the predicate type {predicate_type}; there should be one of each."
            )


def provenance_document(bundles: Sequence[tuple[Mapping[str, object], Sequence[Mapping[str, object]]]]) -> bytes:
    """The provenance object, as it is stored and served.

    :param bundles: each publisher with its attestations.
    """
    document = {
        "version": 1,
        "attestation_bundles": [
            {"publisher": publisher, "attestations": list(attestations)} for publisher, attestations in bundles
        ],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _parsed(filename: str) -> tuple[object, ...]:
    """What a filename says; the specification compares that, not its spelling."""
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)
        return parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return (filename,)
