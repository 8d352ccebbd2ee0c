"""All repositories of one configuration, open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from pywharf_core.auth import Auth, Verdict
from pywharf_core.config import RepositoryConfiguration
from pywharf_core.index.local import LocalIndex
from pywharf_core.repository import Repository
from pywharf_core.root import Root
from pywharf_core.secret import Secret
from pywharf_core.storage import Storage
from pywharf_core.verdicts import Verdicts


class StorageAuth(Auth):
    """``auth = "storage"``: the storage says what a secret may do."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def access(self, username: str, secret: Secret) -> Verdict:
        del username
        return self._storage.acting_as(secret).access()


class Wharf:
    """Opened by ``open``; closing it closes every repository."""

    def __init__(self, repositories: Mapping[str, Repository]) -> None:
        self.repositories = repositories

    @classmethod
    def open(
        cls,
        configurations: Mapping[str, RepositoryConfiguration],
        root: Root,
        *,
        extra_index_url: str = "",
        private: Sequence[str] = (),
        read_expires: float = 3600,
        write_expires: float = 300,
    ) -> Wharf:
        """Open every repository; cheap, no network: a backend that is down does not keep the others closed.

        :param extra_index_url: the server's, for repositories without one of their own.
        :param private: globs of names that never fall through, in all repositories.
        :param read_expires: seconds for which a right to read is believed at most; ``write_expires``: to write.
        :raises WharfError: a repository cannot be opened; those opened before are closed again.
        """
        root.make()
        with ExitStack() as undo:
            repositories = {}
            for name, configuration in configurations.items():
                expires = (read_expires, write_expires)
                repository = _open(configuration, root, extra_index_url, private, expires)
                undo.callback(repository.close)
                repositories[name] = repository
            undo.pop_all()
        return cls(repositories)

    def close(self) -> None:
        with ExitStack() as each:
            for repository in self.repositories.values():
                each.callback(repository.close)

    def __enter__(self) -> Wharf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(
    configuration: RepositoryConfiguration,
    root: Root,
    extra_index_url: str,
    private: Sequence[str],
    expires: tuple[float, float],
) -> Repository:
    name = configuration.name
    with ExitStack() as undo:
        storage = configuration.storage_type.open(name, configuration.storage_options, root.work(name))
        undo.callback(storage.close)
        auth: Auth = (
            StorageAuth(storage)
            if configuration.auth_type is None
            else configuration.auth_type.open(name, configuration.auth_options)
        )
        undo.callback(auth.close)
        index = LocalIndex(root.index_database(name), root.lock(f"index-{name}"))
        undo.pop_all()
    return Repository(
        configuration,
        storage=storage,
        auth=auth,
        index=index,
        verdicts=Verdicts(read_expires=expires[0], write_expires=expires[1], cheap=auth.cheap),
        staging_folder=root.staging(name),
        private=private,
        extra_index_url=extra_index_url,
    )
