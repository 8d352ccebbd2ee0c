"""What a pywharf plugin may implement, in the order in which pywharf asks.

Hooks register; ordinary typed classes behave. The last three are about changes: they are called while the program runs,
from many threads at once, and may block. A plugin is a module or object named by an entry point of the group
``pywharf``, with functions marked ``@pywharf_core.hookimpl``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from pywharf_core.auth import AuthType
    from pywharf_core.model import CoreMetadata, DistributionFile
    from pywharf_core.storage import StorageType

#: The name of the project in pluggy, and of the entry-point group.
GROUP = "pywharf"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def pywharf_storage_types() -> Sequence[type[StorageType]]:  # type: ignore[empty-body]  # pluggy reads the signature
    """Offer kinds of storage. Asked once, at start-up.

    Collecting: the answers of all plugins are joined. Two kinds with one ``name`` stop the program with a message
    that names both distributions.

    :returns: the classes; each ``name`` is a value of ``type`` in the configuration.
    """


@hookspec
def pywharf_auth_types() -> Sequence[type[AuthType]]:  # type: ignore[empty-body]  # pluggy reads the signature
    """Offer ways to decide access other than the storage's own ``access()``. Asked once, at start-up.

    Collecting, like ``pywharf_storage_types``.

    :returns: the classes; each ``name`` is a value of ``auth`` in the configuration.
    """


@hookspec
def pywharf_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]  # pluggy reads the signature
    """Offer commands for the command line ``pywharf``. Asked once, when the command line starts.

    Collecting: a name given twice stops the program. A backend gives one ``click.Group`` under its own name, so that
    its commands are reached as ``pywharf NAME COMMAND`` and ``pywharf NAME.COMMAND``.

    :returns: the commands; underscores and hyphens in names are the same.
    """


@hookspec(firstresult=True)
def pywharf_refuse_upload(
    repository: str, file: DistributionFile, metadata: CoreMetadata, path: Path
) -> str | None:  # pluggy reads the signature
    """Keep an upload out. Asked for each new file before anything is stored, whoever publishes it.

    The file is valid and its uploader has the right. The first refusal wins; plugins are asked in the order of their
    names. An error that leaves the function keeps the upload out too (500), and is logged with the plugin's name.

    :param repository: the package repository's name.
    :param file: as it is to be listed, without ``storage_id`` and ``fingerprint``.
    :param metadata: the file's core metadata without the description.
    :param path: the file on local disk under another name; only to be read, and only until the function returns.
    :returns: one sentence that says what is wrong and what would be right, for the uploader (400); None: no objection.
    """


@hookspec
def pywharf_file_published(repository: str, file: DistributionFile) -> None:
    """Be told of a file that was published by this process: it is durable, and listed.

    Called in a thread of its own, one change after the other; the uploader may have the answer before. At most once: who
    is killed first, or has thousands of changes waiting, loses some. Errors are logged with the plugin's name.

    :param repository: the package repository's name.
    :param file: as it is listed.
    """


@hookspec
def pywharf_file_removed(repository: str, file: DistributionFile) -> None:
    """Be told of a file that was deleted by this process; like ``pywharf_file_published``.

    :param repository: the package repository's name.
    :param file: as it was listed.
    """
