"""The cryptography of attestations, by sigstore's own library; needs the extra ``pywharf[attestations]``.

Nothing here asks the network: the trust root is a file, of the operator or inside the library.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import sigstore.verify
from cryptography.x509 import Certificate, UnrecognizedExtension
from pypi_attestations import Attestation, AttestationType
from sigstore.errors import Error as SigstoreError
from sigstore.models import TrustedRoot

from pywharf.attestations_identity import Claims, claims_of
from pywharf_core.errors import InvalidUpload, PluginError

logger = logging.getLogger(__name__)

# Inside the library. Its own way to this file copies it into the user's home first, and then prefers an old copy.
_PUBLIC_ROOT = Path(sigstore.__file__).parent / "_store/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/trusted_root.json"

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_LONGEST_REASON = 200  # characters

#: The predicate types that PEP 740 indexes serve.
PREDICATE_TYPES = tuple(kind.value for kind in AttestationType)


@dataclass(frozen=True, slots=True)
class VerifiedAttestation:
    """
    :ivar document: the attestation as JSON can hold it, with what was verified and nothing else.
    :ivar statement: the signed bytes.
    :ivar claims: whom the certificate names; nobody looked at whether that is the right one.
    """

    document: dict[str, object]
    statement: bytes
    claims: Claims


class Verifier:
    """Verifies against one trust root; from any thread."""

    def __init__(self, trusted_root: TrustedRoot) -> None:
        self._verifier = sigstore.verify.Verifier(trusted_root=trusted_root)

    def verified(self, attestation: Mapping[str, Any]) -> VerifiedAttestation:
        """Certificate chain, certificate and signature transparency logs, times and signature hold.

        :raises InvalidUpload: one of them does not, or the attestation is malformed.
        """
        try:
            return self._verified(attestation)
        except Exception as error:
            # The libraries let many kinds of errors out for malformed material; whichever it is, nothing is verified.
            logger.info("attestation refused", exc_info=error)
            raise InvalidUpload(f"An attestation does not verify: {_in_one_line(error)}.") from error

    def _verified(self, sent: Mapping[str, Any]) -> VerifiedAttestation:
        attestation = Attestation.model_validate(sent)
        if (entries := len(attestation.verification_material.transparency_entries)) != 1:
            raise ValueError(f"it has {entries} transparency log entries; it should have one")  # only one is verified
        bundle = attestation.to_bundle()
        payload_type, statement = self._verifier.verify_dsse(bundle, _AnyIdentity())
        if payload_type != _PAYLOAD_TYPE:
            raise ValueError(f"its payload is no {_PAYLOAD_TYPE}")
        extensions = [
            (extension.oid.dotted_string, extension.value.value)
            for extension in bundle.signing_certificate.extensions
            if isinstance(extension.value, UnrecognizedExtension)
        ]
        # Made anew from what was verified, so that keys that nobody looked at are not served.
        document = Attestation.from_bundle(bundle).model_dump(mode="json")
        return VerifiedAttestation(document, statement, claims_of(extensions))


class _AnyIdentity:
    """Sigstore's verification policy that leaves the identity to whoever reads the claims afterwards."""

    def verify(self, cert: Certificate) -> None:
        del cert


def verifier_of(trust_root: Path | None) -> Verifier:
    """
    :param trust_root: None: of the public sigstore instance, as old as the installed library.
    :raises PluginError: the file is no trusted root.
    """
    path = trust_root or _PUBLIC_ROOT
    try:
        return _loaded(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, SigstoreError) as error:
        logger.error("the trust root %s cannot be used", path, exc_info=error)
        raise PluginError(
            "The trust root by which this server verifies attestations cannot be used; its log says why."
        ) from error


@lru_cache(maxsize=16)
def _loaded(path: Path, changed_at: int) -> Verifier:
    del changed_at  # a part of the key: a file that was replaced is read anew
    return Verifier(TrustedRoot.from_file(str(path)))


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
