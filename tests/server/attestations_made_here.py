"""A sigstore instance of our own, small and without a network: signs attestations that sigstore's verifier accepts.

A certificate authority with its log of certificates (RFC 6962), and a log of signatures (Rekor) of one entry each.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from pypi_attestations import AttestationType

PUBLISH: str = AttestationType.PYPI_PUBLISH_V1.value
SLSA = "https://slsa.dev/provenance/v1"

_ARC = "1.3.6.1.4.1.57264.1."
_SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MINUTE = datetime.timedelta(minutes=1)


def github_claims(
    repository: str = "acme/holygrail", workflow: str = "release.yml", **changed: str | None
) -> dict[str, str]:
    """What a certificate says of a workflow's run, by the last number of the claim's object identifier.

    ``changed`` replaces claims by ``_<number>``; None leaves one out.
    """
    claims: dict[str, str | None] = {
        "8": "https://token.actions.githubusercontent.com",
        "12": f"https://github.com/{repository}",
        "13": "c0ffee" * 6 + "c0ff",
        "14": "refs/tags/v1.0",
        "15": "1234",
        "18": f"https://github.com/{repository}/.github/workflows/{workflow}@refs/tags/v1.0",
        "20": "release",
        "23": "pypi",
    }
    claims |= {number.removeprefix("_"): value for number, value in changed.items()}
    return {number: value for number, value in claims.items() if value is not None}


@dataclass
class Sigstore:
    """:ivar at: when everything happens; certificates live ten minutes around it."""

    at: datetime.datetime = field(
        default_factory=lambda: datetime.datetime.now(datetime.UTC).replace(microsecond=0) - 60 * _MINUTE
    )

    def __post_init__(self) -> None:
        self._authority, self._certificates, self._log = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self._root = self._root_certificate()

    def trusted_root(self) -> str:
        """JSON, as the configuration's ``trust_root`` names it."""
        start = {"start": _time(self.at - 1000 * _MINUTE)}

        def log(key: ec.EllipticCurvePrivateKey, url: str) -> dict[str, Any]:
            public = {
                "rawBytes": _base64(_public(key)),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": start,
            }
            number = {"keyId": _base64(_key_id(key))}
            return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": number}

        authority = {
            "subject": {"organization": "acme", "commonName": "acme"},
            "uri": "https://authority.invalid",
            "certChain": {"certificates": [{"rawBytes": _base64(self._root.public_bytes(Encoding.DER))}]},
            "validFor": start,
        }
        document = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self._log, "https://log.invalid")],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self._certificates, "https://certificates.invalid")],
            "timestampAuthorities": [],
        }
        return json.dumps(document)

    def attestation(
        self,
        name: str,
        sha256: str,
        *,
        claims: Mapping[str, str] | None = None,
        predicate_type: str = PUBLISH,
        logged_after: datetime.timedelta = _MINUTE,
        statement: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """An attestation of PEP 740 for a file.

        :param claims: of the certificate; None: ``github_claims()``.
        :param logged_after: the time from issuing the certificate to logging the signature.
        :param statement: replaces keys of the statement.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(key, github_claims() if claims is None else claims)
        document = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {"sha256": sha256}}],
            "predicateType": predicate_type,
            "predicate": None,
            **(statement or {}),
        }
        payload = json.dumps(document).encode()
        signature = _sign(
            key, b"DSSEv1 %d %s %d " % (len(_PAYLOAD_TYPE), _PAYLOAD_TYPE.encode(), len(payload)) + payload
        )
        return {
            "version": 1,
            "verification_material": {
                "certificate": _base64(certificate.public_bytes(Encoding.DER)),
                "transparency_entries": [self._entry(certificate, payload, signature, self.at + logged_after)],
            },
            "envelope": {"statement": _base64(payload), "signature": _base64(signature)},
        }

    def _root_certificate(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme")])
        public = self._authority.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .serial_number(1)
            .not_valid_before(self.at - 1000 * _MINUTE)
            .not_valid_after(self.at + 1000 * _MINUTE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(key_cert_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._authority, hashes.SHA256())
        )

    def _certificate(self, key: ec.EllipticCurvePrivateKey, claims: Mapping[str, str]) -> x509.Certificate:
        """Signed twice: without its timestamp, which the log of certificates then signs, and with it."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.at)
            .not_valid_after(self.at + 10 * _MINUTE)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._authority.public_key()), critical=False
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier("https://workflow.invalid")]), critical=True
            )
        )
        for number, value in claims.items():
            content = x509.UnrecognizedExtension(ObjectIdentifier(_ARC + number), _der(0x0C, value.encode()))
            builder = builder.add_extension(content, critical=False)
        to_be_logged = builder.sign(self._authority, hashes.SHA256()).tbs_certificate_bytes
        timestamps = x509.UnrecognizedExtension(_SCT_LIST, _der(0x04, self._timestamps(to_be_logged)))
        return builder.add_extension(timestamps, critical=False).sign(self._authority, hashes.SHA256())

    def _timestamps(self, to_be_logged: bytes) -> bytes:
        """A list of one signed certificate timestamp (RFC 6962, sections 3.2 and 3.3)."""
        milliseconds = int(self.at.timestamp() * 1000)
        entry = _key_id(self._authority) + len(to_be_logged).to_bytes(3) + to_be_logged
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + b"\0\0"
        signature = _sign(self._certificates, signed)
        timestamp = b"\0" + _key_id(self._certificates) + milliseconds.to_bytes(8) + b"\0\0"
        timestamp += b"\x04\x03" + len(signature).to_bytes(2) + signature  # SHA-256, ECDSA
        listed = len(timestamp).to_bytes(2) + timestamp
        return len(listed).to_bytes(2) + listed

    def _entry(
        self, certificate: x509.Certificate, payload: bytes, signature: bytes, at: datetime.datetime
    ) -> dict[str, Any]:
        """The entry of a signature in a log that has no other."""
        verifier = _base64(certificate.public_bytes(Encoding.PEM))
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},  # of a form that nobody can rebuild
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": _base64(signature), "verifier": verifier}],
        }
        body = _canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        root_hash = _base64(hashlib.sha256(b"\0" + body).digest())
        note = f"log.invalid - 1\n1\n{root_hash}\n"
        signed_note = _base64(_key_id(self._log)[:4] + _sign(self._log, note.encode()))
        seconds = int(at.timestamp())
        promised = {
            "body": _base64(body),
            "integratedTime": seconds,
            "logID": _key_id(self._log).hex(),
            "logIndex": 0,
        }
        return {
            "logIndex": "0",
            "logId": {"keyId": _base64(_key_id(self._log))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": _base64(_sign(self._log, _canonical(promised)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": root_hash,
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\N{EM DASH} log.invalid {signed_note}\n"},
            },
            "canonicalizedBody": _base64(body),
        }


def _key_usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size) + content


def _sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_public(key)).digest()


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _time(at: datetime.datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
