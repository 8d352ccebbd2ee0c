"""Whose attestation it is: what a signing certificate says of a workflow, against what the operator trusts.

The claims are X.509 extensions of sigstore's certificate authority, all of them DER UTF8Strings:
https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from packaging.utils import NormalizedName

from pywharf_core.config.trusted_publishers import TrustedPublisher
from pywharf_core.names import PrivateNames

_ARC = "1.3.6.1.4.1.57264.1."


class Claim(StrEnum):
    """By object identifier; all except the first may be missing."""

    ISSUER = f"{_ARC}8"
    REPOSITORY_URI = f"{_ARC}12"
    COMMIT = f"{_ARC}13"
    REF = f"{_ARC}14"
    REPOSITORY_ID = f"{_ARC}15"
    WORKFLOW_URI = f"{_ARC}18"  # of the outermost workflow, with its ref or commit behind an @
    TRIGGER = f"{_ARC}20"
    ENVIRONMENT = f"{_ARC}23"


Claims = Mapping[Claim, str]

_KINDS = {"github": "GitHub", "gitlab": "GitLab"}

#: Runs with the right of the target repository on what a stranger proposes.
_STRANGERS_TRIGGER = "pull_request_target"


def claims_of(extensions: Iterable[tuple[str, bytes]]) -> Claims:
    """What the extensions of a certificate say.

    :param extensions: dotted object identifier and content of each.
    :raises ValueError: one of the known ones is not a DER UTF8String.
    """
    known = {claim.value: claim for claim in Claim}
    return {known[oid]: _utf8_string(content) for oid, content in extensions if oid in known}


def publishers_of(publishers: Iterable[TrustedPublisher], project: NormalizedName) -> Sequence[TrustedPublisher]:
    """Those that may publish this project."""
    return [publisher for publisher in publishers if PrivateNames(publisher.projects).match(project) is not None]


def why_not(publisher: TrustedPublisher, claims: Claims) -> str | None:
    """Why a certificate is not the publisher's; None: it is."""
    if claims.get(Claim.ISSUER) != publisher.issuer_url:
        return f"the certificate's identity should be issued by {publisher.issuer_url}"
    uri = claims.get(Claim.REPOSITORY_URI, "")
    if uri.casefold() != f"{publisher.server_url}/{publisher.repository}".casefold():
        return f"the source repository should be {publisher.repository}"
    if publisher.repository_id not in (None, claims.get(Claim.REPOSITORY_ID)):
        return f"the source repository should be the one with the id {publisher.repository_id}"
    if claims.get(Claim.WORKFLOW_URI) not in _workflow_uris(publisher, uri, claims):
        return f"the workflow should be {publisher.workflow}"
    if claims.get(Claim.TRIGGER) == _STRANGERS_TRIGGER:
        return f"a run triggered by {_STRANGERS_TRIGGER} is never trusted"
    environment = claims.get(Claim.ENVIRONMENT)
    if publisher.environment is not None and (environment or "").casefold() != publisher.environment.casefold():
        return f"the environment should be {publisher.environment}"
    return None


def described(claims: Claims) -> str:
    """Who a certificate names, for a sentence."""
    workflow = claims.get(Claim.WORKFLOW_URI) or claims.get(Claim.REPOSITORY_URI)
    if workflow is None:
        return "somebody who is no workflow"
    environment = claims.get(Claim.ENVIRONMENT)
    return workflow if environment is None else f"{workflow} in the environment {environment}"


def publisher_document(publisher: TrustedPublisher, claims: Claims) -> dict[str, object]:
    """The publisher as a provenance object names it, with the keys that the public index uses."""
    document: dict[str, object] = {
        "kind": _KINDS[publisher.kind],
        "claims": {key: claims[claim] for key, claim in (("ref", Claim.REF), ("sha", Claim.COMMIT)) if claim in claims},
        "repository": publisher.repository,
        ("workflow" if publisher.kind == "github" else "workflow_filepath"): publisher.workflow,
        "environment": publisher.environment,
    }
    if publisher.server is not None:
        document["server"] = publisher.server
    return document


def _workflow_uris(publisher: TrustedPublisher, repository_uri: str, claims: Claims) -> set[str]:
    """As the certificate should name the workflow: at the ref that ran, or at its commit."""
    place = f"/.github/workflows/{publisher.workflow}" if publisher.kind == "github" else f"//{publisher.workflow}"
    at = {claims[claim] for claim in (Claim.REF, Claim.COMMIT) if claim in claims}
    return {f"{repository_uri}{place}@{suffix}" for suffix in at}


def _utf8_string(content: bytes) -> str:
    """X.690, sections 8.1.3 and 8.23: tag 12, length in the short or the long form, text."""
    if len(content) < 2 or content[0] != 0x0C:
        raise ValueError("a claim in the certificate is no UTF8String")
    begin, length = 2, content[1]
    if length >= 0x80:
        begin += length & 0x7F
        length = int.from_bytes(content[2:begin])
    if len(content) != begin + length:
        raise ValueError("a claim in the certificate is cut off")
    return content[begin:].decode()
