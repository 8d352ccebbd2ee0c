"""What a pywharf plugin may implement, in the order in which pywharf asks.

Hooks register; ordinary typed classes behave. A plugin is a module or object named by an entry point of the group
``pywharf``, with functions marked ``@pywharf_core.hookimpl``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from pywharf_core.auth import AuthType
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
