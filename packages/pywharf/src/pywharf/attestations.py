"""Attestations of an upload (PEP 740): verified without the network, then kept beside the file as its provenance.

Needs the extra ``pywharf[attestations]``; without it the field is refused, for what is not verified is not served.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pywharf.attestations_identity import (
    Claims,
    described,
    publisher_document,
    publishers_of,
    why_not,
)
from pywharf.attestations_statement import (
    check_distinct,
    check_subject,
    provenance_document,
    read_attestations,
    read_statement,
)
from pywharf_core.config import RepositoryConfiguration
from pywharf_core.config.trusted_publishers import TrustedPublisher
from pywharf_core.errors import InvalidUpload
from pywharf_core.model import AttachmentKind, DistributionFile, StagedFile

if TYPE_CHECKING:
    from pywharf.attestations_sigstore import Verifier

_NOT_INSTALLED = (
    "This server cannot verify attestations; upload without them (uv: --no-attestations), or ask its operator for "
    "pip install pywharf[attestations]."
)


def attested(
    file: DistributionFile, staged: StagedFile, field: str, configuration: RepositoryConfiguration
) -> tuple[DistributionFile, StagedFile]:
    """An upload with the provenance that its attestations make. Blocks; touches no network.

    :param field: the form's ``attestations``, a JSON array.
    :raises InvalidUpload: they cannot be verified here, or one of them is not a trusted publisher's word on this file.
    :raises PluginError: the trust root cannot be used.
    """
    verifier, predicate_types = _verifier(configuration)
    publishers = publishers_of(configuration.trusted_publishers, file.project)
    if not publishers:
        raise InvalidUpload(
            f"The repository {configuration.name} trusts no publisher of {file.project}, so its attestations cannot be "
            "judged; upload without them, or have the publisher added to the configuration's trusted_publishers."
        )
    bundles: list[tuple[dict[str, object], list[dict[str, object]]]] = []
    statements = []
    for attestation in read_attestations(field):
        verified = verifier.verified(attestation)
        statement = read_statement(verified.statement)
        check_subject(statement, file, predicate_types)
        statements.append(statement)
        check_distinct(statements)
        publisher = _publisher(publishers, verified.claims, file, configuration.name)
        document = publisher_document(publisher, verified.claims)
        same = next((kept for known, kept in bundles if known == document), None)
        if same is None:
            bundles.append((document, [verified.document]))
        else:
            same.append(verified.document)
    provenance = provenance_document(bundles)
    attachments = {**staged.attachments, AttachmentKind.PROVENANCE: provenance}
    return (
        replace(file, provenance_sha256=hashlib.sha256(provenance).hexdigest()),
        replace(staged, attachments=attachments),
    )


def _verifier(configuration: RepositoryConfiguration) -> tuple[Verifier, Sequence[str]]:
    try:
        # An extra, and slow to import: only where somebody sends attestations.
        from pywharf.attestations_sigstore import PREDICATE_TYPES, verifier_of
    except ImportError as error:
        raise InvalidUpload(_NOT_INSTALLED) from error
    return verifier_of(configuration.trust_root), PREDICATE_TYPES


def _publisher(
    publishers: Sequence[TrustedPublisher], claims: Claims, file: DistributionFile, repository: str
) -> TrustedPublisher:
    reasons = {publisher: why_not(publisher, claims) for publisher in publishers}
    for publisher, reason in reasons.items():
        if reason is None:
            return publisher
    # With one candidate the reason helps; with several, what the certificate says does.
    reason = next(iter(reasons.values())) if len(reasons) == 1 else "its certificate names none of them"
    raise InvalidUpload(
        f"An attestation was made by {described(claims)}, which is no trusted publisher of {file.project} in the "
        f"repository {repository}: {reason}."
    )
