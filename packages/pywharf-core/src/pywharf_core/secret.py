"""A secret that cannot be printed by accident, and its hashed form."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

_SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # OWASP's floor with 16 MiB; a hit costs about 50 ms, then verdicts remember it
_SCRYPT_MEMORY = 64 * 1024 * 1024  # bytes
_PREFIX = "scrypt"


class Secret:
    """Text that compares in constant time and shows itself only when asked by ``reveal()``."""

    __slots__ = ("_hash", "_value")

    def __init__(self, value: str) -> None:
        self._value: str | None = value
        self._hash: tuple[dict[str, int], bytes, bytes] | None = None

    @classmethod
    def from_hash(cls, text: str) -> Secret:
        """A secret of which only ``hashed()`` is known.

        :raises ValueError: ``text`` was not made by ``hashed()``.
        """
        secret = cls("")
        secret._value = None
        secret._hash = _parse_hash(text)
        return secret

    def reveal(self) -> str:
        """The text itself.

        :raises ValueError: only the hash is known.
        """
        if self._value is None:
            raise ValueError("only the hash of this secret is known")
        return self._value

    @property
    def is_hashed(self) -> bool:
        """Whether only the hash is known, so that each comparison takes its time."""
        return self._hash is not None

    def matches(self, other: Secret) -> bool:
        """Whether ``other``, whose text must be known, is this secret. Takes about 50 ms if this one is hashed."""
        if self._hash is None:
            return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())
        cost, salt, digest = self._hash
        return hmac.compare_digest(_scrypt(other.reveal(), salt, cost), digest)

    def hashed(self) -> str:
        """A text from which the secret cannot be read: ``scrypt$n=16384,r=8,p=1$<salt>$<digest>`` (RFC 7914)."""
        salt = os.urandom(16)
        cost = ",".join(f"{name}={value}" for name, value in _SCRYPT.items())
        return "$".join([_PREFIX, cost, _encode(salt), _encode(_scrypt(self.reveal(), salt, _SCRYPT))])

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret) or (self._value is None) != (other._value is None):
            return False
        return self._hash == other._hash if self._value is None else self.matches(other)

    __hash__ = None  # type: ignore[assignment]  # a secret is no key: caches hold keyed hashes

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def _scrypt(text: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return hashlib.scrypt(
        text.encode(), salt=salt, n=cost["n"], r=cost["r"], p=cost["p"], maxmem=_SCRYPT_MEMORY, dklen=32
    )


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _parse_hash(text: str) -> tuple[dict[str, int], bytes, bytes]:
    try:
        prefix, cost_text, salt, digest = text.split("$")
        cost = {name: int(value) for name, value in (item.split("=") for item in cost_text.split(","))}
        parsed = cost, base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError("not a hashed secret") from error
    affordable = 128 * cost.get("r", 0) * cost.get("n", 0) < _SCRYPT_MEMORY
    if prefix != _PREFIX or cost.keys() != _SCRYPT.keys() or not affordable or len(parsed[2]) != 32:
        raise ValueError("not a hashed secret")
    return parsed
