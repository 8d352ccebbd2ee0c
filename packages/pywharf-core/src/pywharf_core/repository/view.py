"""A repository's storage as somebody sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pywharf_core.config import RepositoryConfiguration
from pywharf_core.errors import NotAuthenticated, NotPermitted, StorageUnavailable
from pywharf_core.secret import Secret
from pywharf_core.storage import Storage


class RepositoryView:
    """With whose secret the storage is asked."""

    name: str
    configuration: RepositoryConfiguration
    storage: Storage

    def view(self, secret: Secret | None) -> Storage:
        """The storage as the caller sees it, where the storage decides; else as the server itself does."""
        by_storage = self.configuration.auth_type is None
        return self.storage.acting_as(secret if by_storage and secret else self.configuration.admin_secret)

    @contextmanager
    def _acting(self, secret: Secret | None) -> Iterator[Storage]:
        """``view``; what the storage says against the server's own secret is nothing that a caller can mend."""
        try:
            yield self.view(secret)
        except (NotAuthenticated, NotPermitted) as error:
            if secret is not None and self.configuration.auth_type is None:
                raise
            raise StorageUnavailable(
                f"The storage of the repository {self.name} does not let this server in; its operator should look at the "
                "admin secret."
            ) from error
