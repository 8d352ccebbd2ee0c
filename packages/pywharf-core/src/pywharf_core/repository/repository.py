"""One repository: a storage, the local index of it, and who is let in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from pywharf_core.auth import Auth
from pywharf_core.config import RepositoryConfiguration
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.sync import SyncReport
from pywharf_core.names import PrivateNames
from pywharf_core.repository.files import RepositoryFiles
from pywharf_core.repository.pages import RepositoryPages
from pywharf_core.repository.staging import RepositoryStaging
from pywharf_core.secret import Secret
from pywharf_core.simple.namespaces import declared_namespaces
from pywharf_core.storage import Storage
from pywharf_core.synchronisation import RepositoryStatus, Synchronisation
from pywharf_core.verdicts import Verdicts


class Repository(RepositoryPages, RepositoryFiles, RepositoryStaging):
    """Answers readers; blocks on SQLite for microseconds, on the storage only where a docstring says so.

    :param staging_folder: for uploads, where the storage has no place of its own for them.
    :param extra_index_url: base of the index that answers for unknown names; "": none does.
    :ivar namespaces: that belong to the repository (PEP 752); None: it says nothing of namespaces.
    """

    def __init__(
        self,
        configuration: RepositoryConfiguration,
        *,
        storage: Storage,
        auth: Auth,
        index: LocalIndex,
        verdicts: Verdicts,
        staging_folder: Path,
        private: Sequence[str] = (),
        extra_index_url: str = "",
    ) -> None:
        self.name = configuration.name
        self.configuration = configuration
        self.storage = storage
        self.auth = auth
        self.index = index
        self.verdicts = verdicts
        globs = [*configuration.private, *private]
        self.namespaces = declared_namespaces(globs) if configuration.namespaces else None
        # A namespace owns the project of its own name too, which the glob that declares it does not cover.
        self.private = PrivateNames([*globs, *(self.namespaces or ())])
        own = configuration.extra_index_url
        self.extra_index_url = extra_index_url if own is None else own
        self._staging_folder = staging_folder
        self.synchronisation = Synchronisation(configuration, index)
        self.store = self.synchronisation.store

    def synchronise(self, secret: Secret | None = None, *, sparing: bool = False) -> SyncReport:
        """Bring the index in line with the storage. Asks the storage; may take minutes the first time.

        :param secret: a reader's, where the server has none of its own.
        :param sparing: see ``Synchronisation.run``.
        :raises StorageUnavailable: the index stays as it was.
        """
        return self.synchronisation.run(self.view(secret), sparing=sparing)

    def status(self) -> RepositoryStatus:
        return self.synchronisation.status()

    def synchronised_at(self) -> float:
        """Unix seconds of the last whole synchronisation.

        :raises NotSynchronised: there was none yet.
        """
        with self.index.reading() as snapshot:
            return self.synchronisation.demanded(snapshot)

    def close(self) -> None:
        with closing(self.storage), closing(self.auth), closing(self.index):
            pass
