"""The auth type ``secrets``: one secret that reads and one that writes, shared by all who may; works on any storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pywharf_core.auth import Access, Auth, AuthType, Verdict
from pywharf_core.hookspecs import hookimpl
from pywharf_core.options import option
from pywharf_core.secret import Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedSecretOptions:
    """One of the two may be absent; equal ones mean that whoever reads may write."""

    read_secret: Secret | None = option("The secret that reads", default=None)
    write_secret: Secret | None = option("The secret that reads and writes", default=None)

    def problems(self) -> Sequence[str]:
        if self.read_secret is None and self.write_secret is None:
            return ['read_secret, write_secret: at least one is needed with auth = "secrets"']
        return []


class SharedSecrets(Auth):
    """Compares with both secrets every time, so that the time taken tells nothing of which one was near."""

    def __init__(self, options: SharedSecretOptions) -> None:
        self._read = options.read_secret
        self._write = options.write_secret
        self.cheap = not any(secret is not None and secret.is_hashed for secret in (self._read, self._write))

    def access(self, username: str, secret: Secret) -> Verdict:
        del username  # a shared secret has no owner
        writes = self._write is not None and self._write.matches(secret)
        reads = self._read is not None and self._read.matches(secret)
        return Verdict(Access.WRITE if writes else Access.READ if reads else Access.UNKNOWN)

    def pretend(self, secret: Secret) -> None:
        self.access("", secret)


class SharedSecretsType(AuthType):
    name: ClassVar[str] = "secrets"
    options: ClassVar[type] = SharedSecretOptions

    def open(self, repository: str, options: SharedSecretOptions) -> SharedSecrets:
        del repository
        return SharedSecrets(options)


@hookimpl
def pywharf_auth_types() -> Sequence[type[AuthType]]:
    return [SharedSecretsType]
