"""Receiving the legacy upload API's form: its file goes to disk as it arrives, its fields to memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from pywharf.form_parts import Field, FileBegins, FileBytes, FormEvent, FormLimits, FormParts
from pywharf.spool import Spool
from pywharf.threads import StorageThreads
from pywharf_core.errors import FileTooLarge, InvalidRequest, InvalidUpload
from pywharf_core.upload.staging import StagingFile

CONTENT = "content"
IGNORED_FILES = frozenset({"gpg_signature"})  # no index keeps these any more; old clients send them

_DIGESTS = {"md5_digest": "md5", "blake2_256_digest": "blake2b_256"}  # sha256 is always computed
# A client that sends less than this in this time is taken for dead: 1 KiB/s keeps the worst of lines.
_LEAST_BYTES = 64 * 1024
_LEAST_WITHIN = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """A form that came whole.

    :ivar fields: names and values of the parts that are no file, in their order, repeated ones included.
    :ivar filename: of the part ``content``, as sent; None: there was none, or it had no filename.
    :ivar staging: its bytes; whoever has it discards it.
    """

    fields: list[tuple[str, str]]
    filename: str | None
    staging: StagingFile | None


async def receive_upload(
    headers: Mapping[str, str],
    receive: Receive,
    open_staging: Callable[[], StagingFile],
    threads: StorageThreads,
    *,
    max_file_bytes: int,
    limits: FormLimits = FormLimits(),  # noqa: B008 - immutable
    least_within: float = _LEAST_WITHIN,
) -> ReceivedForm:
    """Receive the body of an upload; about 1 MiB of it is in memory at any time, besides the fields.

    When this raises, nothing is left on disk; the end of the body may not have been taken from ``receive``.

    :param headers: the request's, by lower-case name.
    :param open_staging: called in a thread, when the file's first byte is due.
    :param max_file_bytes: a form that must hold more by its Content-Length is refused before it is read; the staging
        file counts for itself.
    :param least_within: seconds within which the next 64 KiB, or the end, has to come.
    :raises InvalidRequest: no such form, or too large a one, or it is truncated, or comes too slowly.
    :raises InvalidUpload: it holds other files than an upload's.
    :raises FileTooLarge: the file is too large.
    :raises StorageUnavailable: the disk is full.
    :raises ClientDisconnect: nobody is there to be answered.
    """
    _refuse_by_length(headers, max_file_bytes + limits.text_bytes)
    reception = _Reception(FormParts(headers.get("content-type"), limits), open_staging, threads)
    failure: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            try:
                await reception.take(receive, least_within, tasks)
            except Exception as error:  # not to be wrapped into a group: routes look for our own errors
                failure = error
                tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
    except BaseException:
        await reception.discard()
        raise
    return ReceivedForm(reception.fields, reception.filename, reception.staging)


class _Reception:
    def __init__(self, parts: FormParts, open_staging: Callable[[], StagingFile], threads: StorageThreads) -> None:
        self.fields: list[tuple[str, str]] = []
        self.filename: str | None = None
        self.staging: StagingFile | None = None
        self._parts = parts
        self._open_staging = open_staging
        self._threads = threads
        self._spool: Spool | None = None

    async def take(self, receive: Receive, least_within: float, tasks: TaskGroup) -> None:
        more = True
        incoming = _Incoming(receive, least_within)
        try:
            while more:
                body, more = await incoming.next()
                for event in self._parts.feed(body):
                    await self._take(event, tasks)
            self._parts.finish()
        finally:
            if self._spool is not None:
                self._spool.abandon()

    async def _take(self, event: FormEvent, tasks: TaskGroup) -> None:
        if isinstance(event, FileBytes):
            if self._spool is not None:
                await self._spool.put(event.data)
        elif isinstance(event, Field):
            self.fields.append((event.name, event.value))
        elif isinstance(event, FileBegins):
            await self._begin(event, tasks)
        elif self._spool is not None:
            await self._spool.close()
            self._spool = None

    async def discard(self) -> None:
        if self.staging is not None:
            with anyio.CancelScope(shield=True):
                await self._threads.run(self.staging.discard)

    async def _begin(self, part: FileBegins, tasks: TaskGroup) -> None:
        if part.name in IGNORED_FILES:
            return
        if part.name != CONTENT:
            raise InvalidUpload(f"The form's part {part.name[:100]!r} is sent as a file; only content should be one.")
        if self.staging is not None:
            raise InvalidUpload("The form holds two files; an upload is one wheel or sdist, as its part content.")
        self.filename = part.filename
        self.staging = await self._threads.run(self._open_staging)
        self.staging.also_digest(*(_DIGESTS[name] for name, value in self.fields if name in _DIGESTS and value))
        self._spool = Spool(self.staging, self._threads, tasks)


def _refuse_by_length(headers: Mapping[str, str], most: int) -> None:
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise FileTooLarge(f"The upload is {int(length)} bytes long, more than this repository takes ({most} bytes).")


class _Incoming:
    """The body's pieces from a client that keeps a least pace. Time that our own disk takes is not counted."""

    def __init__(self, receive: Receive, least_within: float) -> None:
        self._receive = receive
        self._least_within = least_within
        self._waited = 0.0  # seconds, since the count of bytes began
        self._bytes = 0

    async def next(self) -> tuple[bytes, bool]:
        """A piece, and whether more will come."""
        began = anyio.current_time()
        try:
            with anyio.fail_after(self._least_within - self._waited):
                message = await self._receive()
        except TimeoutError:
            raise InvalidRequest(
                f"The upload stopped: fewer than {_LEAST_BYTES // 1024} KiB came within {self._least_within:g} seconds; "
                "send it again."
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body: bytes = message.get("body", b"")
        self._waited += anyio.current_time() - began
        self._bytes += len(body)
        if self._bytes >= _LEAST_BYTES:
            self._waited, self._bytes = 0.0, 0
        return body, message.get("more_body", False)
