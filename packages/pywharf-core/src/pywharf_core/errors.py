"""Every error that pywharf raises on purpose.

::

    WharfError
    ├── ConfigurationError        what the operator wrote; carries every problem found
    ├── ConfigurationConflict     somebody else put another configuration in force first
    ├── PluginError               what is installed does not fit together
    ├── InvalidRequest            what a client asked is not a question we know
    │   └── NotAcceptable         no representation that the client takes
    ├── InvalidUpload             the file or its form
    │   ├── FileTooLarge
    │   └── UploadRefused         by a rule of this server, which a plugin brings
    ├── NotAuthenticated          no secret, or an unknown one
    ├── TooManyAttempts           too many wrong secrets (retry_after)
    ├── NotPermitted              a known secret without the right
    ├── NotFound
    │   ├── ProjectNotFound
    │   └── FileNotFound
    ├── FileAlreadyExists         same filename, other content
    ├── FileChanged               a stored file is no longer the one that was listed
    ├── IndexConflict             somebody else wrote the remote index first
    ├── NotSupported              the storage declares that it cannot do this
    ├── SourceUnusable            what packages should be taken from is not what was said
    └── StorageUnavailable        worth another try later (retry_after)
        ├── NotSynchronised       nobody knows now what is in this repository
        └── SourceUnavailable     another index, from which packages are taken, did not answer

The message of each is one sentence for the person at the other end: what is wrong, and what would be right.
"""

from __future__ import annotations

from collections.abc import Sequence


class WharfError(Exception):
    """Base of all; ``str(error)`` is a sentence that may be shown to whoever asked."""


class ConfigurationError(WharfError):
    """A configuration that cannot be used.

    :ivar problems: one sentence each, naming file, table and key; at least one.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ConfigurationConflict(WharfError):
    """The configuration in force is no longer the one that was to be replaced."""


class PluginError(WharfError):
    """Installed plugins contradict each other, or one that is needed is broken."""


class InvalidRequest(WharfError):
    """The request is malformed."""


class NotAcceptable(InvalidRequest):
    """The client accepts none of the representations that exist."""


class InvalidUpload(WharfError):
    """The form or the file breaks a rule of the packaging specifications."""


class FileTooLarge(InvalidUpload):
    """The file exceeds ``max_file_bytes``."""


class UploadRefused(InvalidUpload):
    """A plugin's rule keeps the file out; the message is the plugin's."""


class NotAuthenticated(WharfError):
    """No credentials where some are needed, or wrong ones."""


class TooManyAttempts(WharfError):
    """So many wrong secrets came from one place that new ones are not looked at for a while.

    :ivar retry_after: seconds.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotPermitted(WharfError):
    """The secret is known, and may not do this."""


class NotFound(WharfError):
    """What was asked for does not exist here."""


class ProjectNotFound(NotFound):
    """No file of this project is here."""


class FileNotFound(NotFound):
    """The project has no such file, or the storage no longer does."""


class FileAlreadyExists(WharfError):
    """A file of this name with other content is published; a published file is never replaced."""


class FileChanged(WharfError):
    """The stored bytes are not the ones that were listed."""


class IndexConflict(WharfError):
    """The remote index is no longer at the revision that was to be replaced."""


class NotSupported(WharfError):
    """The storage declares that it cannot do this."""


class StorageUnavailable(WharfError):
    """The storage did not answer as it should; another try may succeed.

    :ivar retry_after: seconds after which another try makes sense, or None if the storage did not say.
    """

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotSynchronised(StorageUnavailable):
    """What is in the repository is not known now: its storage was never read completely, or cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=2)


class SourceUnusable(WharfError):
    """Where packages should come from is nothing that they can be read from."""


class SourceUnavailable(StorageUnavailable):
    """The index from which packages are taken did not answer as it should."""
