"""Receiving the upload form: what is kept, what is refused, and that a refusal leaves nothing on disk."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import anyio
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from pywharf.form_parts import FormLimits
from pywharf.threads import StorageThreads
from pywharf.upload_stream import ReceivedForm, receive_upload
from pywharf_core.errors import FileTooLarge, InvalidRequest, InvalidUpload, StorageUnavailable
from pywharf_core.upload.staging import StagingArea, StagingFile
from server.running_toy import read_response, running_toy

BOUNDARY = "fence"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
MEBIBYTE = 1024 * 1024


def field(name: str, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + data + b"\r\n"


def file(data: bytes, name: str = "content", filename: str = "holygrail-1.0.tar.gz") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    return f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: application/gzip\r\n\r\n".encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def in_pieces(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def messages(pieces: Iterable[bytes], *, then_gone: bool = False) -> Receive:
    left: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    left.append({"type": "http.disconnect"} if then_gone else {"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        await anyio.lowlevel.checkpoint()
        return left.pop(0)

    return receive


def new_file(folder: Path) -> tuple[Path, int]:
    """A path and a descriptor of it, as staging files are made of."""
    folder.mkdir(exist_ok=True)
    path = folder / "staged"
    return path, os.open(path, os.O_WRONLY | os.O_CREAT)


class Upload:
    """Receives into ``folder`` and keeps the staged bytes of what came whole."""

    def __init__(
        self, folder: Path, *, max_file_bytes: int = MEBIBYTE, content_type: str | None = CONTENT_TYPE
    ) -> None:
        self.folder = folder
        self.max_file_bytes = max_file_bytes
        self.headers = {} if content_type is None else {"content-type": content_type}

    def receive(
        self,
        receive: Receive,
        *,
        create: Callable[[], StagingFile] | None = None,
        limits: FormLimits = FormLimits(),  # noqa: B008 - immutable
        least_within: float = 60,
    ) -> ReceivedForm:
        area = StagingArea(self.folder)

        async def main() -> ReceivedForm:
            return await receive_upload(
                self.headers,
                receive,
                create or (lambda: area.create(self.max_file_bytes)),
                StorageThreads(2),
                max_file_bytes=self.max_file_bytes,
                limits=limits,
                least_within=least_within,
            )

        return anyio.run(main)

    def left_on_disk(self) -> list[str]:
        return [path.name for path in self.folder.iterdir()] if self.folder.exists() else []


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    return Upload(tmp_path / "staging")


def staged(received: ReceivedForm) -> bytes:
    assert received.staging is not None
    data = received.staging.path.read_bytes()
    received.staging.discard()
    return data


@pytest.mark.parametrize("size", [1, 2, 7, 100, 65536])
def test_a_form_is_the_same_however_its_bytes_arrive(upload: Upload, size: int) -> None:
    data = b"\r\n--fenc\r\n--fence-" + bytes(range(256)) * 3 + b"\r\n--"
    body = form(field("name", "holygrail"), field("classifiers", "A"), field("classifiers", "B"), file(data))
    received = upload.receive(messages(in_pieces(body, size)))
    assert received.fields == [("name", "holygrail"), ("classifiers", "A"), ("classifiers", "B")]
    assert received.filename == "holygrail-1.0.tar.gz"
    assert staged(received) == data


def test_fields_may_come_after_the_file(upload: Upload) -> None:
    received = upload.receive(messages([form(file(b"data"), field("attestations", "[]"))]))
    assert received.fields == [("attestations", "[]")]
    assert staged(received) == b"data"


def test_stated_digests_are_computed_on_the_way(upload: Upload) -> None:
    data = bytes(1000)
    body = form(field("md5_digest", "x"), field("blake2_256_digest", "y"), field("sha256_digest", "z"), file(data))
    received = upload.receive(messages([body]))
    assert received.staging is not None
    assert received.staging.hashes() == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "md5": hashlib.md5(data).hexdigest(),
        "blake2b_256": hashlib.blake2b(data, digest_size=32).hexdigest(),
    }
    received.staging.discard()


def test_an_empty_field_is_no_stated_digest(upload: Upload) -> None:
    received = upload.receive(messages([form(field("md5_digest", ""), file(b"x"))]))
    assert received.staging is not None
    assert received.staging.hashes().keys() == {"sha256"}
    received.staging.discard()


def test_a_large_file_is_written_in_order(upload: Upload) -> None:
    upload.max_file_bytes = 20 * MEBIBYTE
    data = b"".join(number.to_bytes(4) for number in range(2 * MEBIBYTE))
    received = upload.receive(messages(in_pieces(form(file(data)), 50_000)))
    assert staged(received) == data


def test_an_empty_file_is_received(upload: Upload) -> None:
    assert staged(upload.receive(messages([form(file(b""))]))) == b""


def test_a_signature_is_passed_over(upload: Upload) -> None:
    received = upload.receive(messages([form(file(b"sig", "gpg_signature", "a.asc"), file(b"data"))]))
    assert (staged(received), received.fields) == (b"data", [])


def test_a_form_without_a_file_opens_none(upload: Upload) -> None:
    received = upload.receive(messages([form(field("name", "holygrail"))]))
    assert (received.filename, received.staging) == (None, None)
    assert upload.left_on_disk() == []


def test_names_are_utf_8(upload: Upload) -> None:
    received = upload.receive(messages([form(field("author", "Zoë"), file(b"", filename="zoë-1.0.tar.gz"))]))
    assert received.fields == [("author", "Zoë")]
    assert received.filename == "zoë-1.0.tar.gz"
    staged(received)


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        (None, b"", "It has no Content-Type"),
        ("application/json", b"{}", "Its Content-Type is 'application/json'; it should be multipart/form-data"),
        ("multipart/form-data", form(field("name", "x")), "has no boundary"),
        (f"multipart/form-data; boundary={'x' * 300}", b"", "boundary is not valid"),
        (CONTENT_TYPE, b"", "The request has no body"),
        (CONTENT_TYPE, b"no form at all", "not valid multipart/form-data"),
        (CONTENT_TYPE, form(file(b"data"))[:-10], "truncated"),
        (CONTENT_TYPE, form(file(b"data" * 1000))[:600], "truncated"),
        (CONTENT_TYPE, form(field("author", b"\xff")), "'author' is not UTF-8"),
        (CONTENT_TYPE, form(file(b"x"), b"--fence\r\nContent-Type: text/plain\r\n\r\nx\r\n"), "has no name"),
    ],
)
def test_what_is_no_form_is_refused_with_a_sentence(
    upload: Upload, content_type: str | None, body: bytes, said: str
) -> None:
    upload.headers = {} if content_type is None else {"content-type": content_type}
    with pytest.raises(InvalidRequest) as refusal:
        upload.receive(messages([body] if body else []))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert upload.left_on_disk() == []


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([file(b"a"), file(b"b")], "two files"),
        ([file(b"a"), file(b"b", "summary", "b.txt")], "'summary' is sent as a file"),
    ],
)
def test_other_files_than_the_upload_are_refused(upload: Upload, parts: Sequence[bytes], said: str) -> None:
    with pytest.raises(InvalidUpload, match=said):
        upload.receive(messages([form(*parts)]))
    assert upload.left_on_disk() == []


@pytest.mark.parametrize(
    ("limits", "said"),
    [(FormLimits(parts=3), "more than 3 parts"), (FormLimits(text_bytes=10), "more than 10 bytes")],
)
def test_a_form_cannot_fill_the_memory(upload: Upload, limits: FormLimits, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        upload.receive(messages([form(file(b"a"), *[field("classifiers", "1234")] * 4)]), limits=limits)
    assert upload.left_on_disk() == []


def test_a_file_beyond_the_limit_is_refused_while_it_arrives(upload: Upload) -> None:
    with pytest.raises(FileTooLarge):
        upload.receive(messages(in_pieces(form(file(bytes(3 * MEBIBYTE))), 65536)))
    assert upload.left_on_disk() == []


def test_a_body_that_must_be_too_large_is_refused_unread(upload: Upload) -> None:
    upload.headers["content-length"] = str(100 * MEBIBYTE)

    async def receive() -> Message:
        raise AssertionError("nothing is to be read")

    with pytest.raises(FileTooLarge):
        upload.receive(receive)


def test_a_client_that_goes_away_leaves_nothing(upload: Upload) -> None:
    body = form(file(bytes(MEBIBYTE - 1)))
    with pytest.raises(ClientDisconnect):
        upload.receive(messages(in_pieces(body, 65536)[:10], then_gone=True))
    assert upload.left_on_disk() == []


def test_a_client_that_stalls_is_given_up(upload: Upload) -> None:
    first: list[Message] = [{"type": "http.request", "body": form(file(b"data"))[:150], "more_body": True}]

    async def receive() -> Message:
        if not first:
            await anyio.sleep_forever()
        return first.pop()

    with pytest.raises(InvalidRequest, match="fewer than 64 KiB came within 0.01 seconds"):
        upload.receive(receive, least_within=0.01)
    assert upload.left_on_disk() == []


def test_a_client_that_sends_byte_by_byte_is_given_up(upload: Upload) -> None:
    whole = iter(in_pieces(form(file(bytes(65536))), 1))

    async def receive() -> Message:
        await anyio.sleep(0.001)
        return {"type": "http.request", "body": next(whole), "more_body": True}

    with pytest.raises(InvalidRequest, match="fewer than 64 KiB"):
        upload.receive(receive, least_within=0.1)
    assert upload.left_on_disk() == []


def test_a_full_disk_is_said_to_the_client(upload: Upload) -> None:
    class FullDisk(StagingFile):
        def write(self, data: bytes) -> None:
            raise StorageUnavailable("The server has no disk space for this upload now; try again later.")

    def create() -> StagingFile:
        return FullDisk(*new_file(upload.folder), MEBIBYTE)

    with pytest.raises(StorageUnavailable):
        upload.receive(messages(in_pieces(form(file(bytes(3 * MEBIBYTE))), 65536)), create=create)
    assert upload.left_on_disk() == []


def test_a_cancelled_upload_leaves_nothing(upload: Upload) -> None:
    async def main() -> None:
        with anyio.move_on_after(10) as scope:
            pieces = iter(in_pieces(form(file(bytes(MEBIBYTE - 1))), 65536))

            async def receive() -> Message:
                piece = next(pieces)
                if piece.startswith(b"\0") and upload.left_on_disk():
                    scope.cancel()
                await anyio.lowlevel.checkpoint()
                return {"type": "http.request", "body": piece, "more_body": True}

            area = StagingArea(upload.folder)
            await receive_upload(
                upload.headers, receive, lambda: area.create(MEBIBYTE), StorageThreads(2), max_file_bytes=MEBIBYTE
            )
        assert scope.cancelled_caught

    anyio.run(main)
    assert upload.left_on_disk() == []


def test_the_network_waits_for_a_slow_disk(upload: Upload) -> None:
    released = threading.Event()
    taken = 0

    class SlowDisk(StagingFile):
        def write(self, data: bytes) -> None:
            assert released.wait(20)
            super().write(data)

    def create() -> StagingFile:
        return SlowDisk(*new_file(upload.folder), 8 * MEBIBYTE)

    upload.max_file_bytes = 8 * MEBIBYTE
    pieces = in_pieces(form(file(bytes(8 * MEBIBYTE))), 65536)
    all_messages = messages(pieces)

    async def receive() -> Message:
        nonlocal taken
        message = await all_messages()
        taken += len(message["body"])
        return message

    async def main() -> None:
        async with anyio.create_task_group() as tasks:

            async def release_when_nothing_moves() -> None:
                before = -1
                while before != taken or taken == 0:
                    before = taken
                    await anyio.sleep(0.1)
                assert MEBIBYTE // 2 < taken < 2 * MEBIBYTE
                released.set()

            tasks.start_soon(release_when_nothing_moves)
            received = await receive_upload(
                upload.headers, receive, create, StorageThreads(2), max_file_bytes=8 * MEBIBYTE
            )
            assert received.staging is not None
            assert received.staging.size == 8 * MEBIBYTE
            received.staging.discard()

    anyio.run(main)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    piece = bytes(MEBIBYTE)
    count = 256
    head, tail = form(file(b"|")).split(b"|")
    length = len(head) + count * len(piece) + len(tail)
    with running_toy(tmp_path) as toy, toy.connect() as connection:
        before = int(toy.get("/peak"))
        start = (
            f"POST /upload HTTP/1.1\r\nHost: toy\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n\r\n"
        )
        connection.sendall(start.encode() + head)
        for _ in range(count):
            connection.sendall(piece)
        connection.sendall(tail)
        status, _, body = read_response(connection)
        assert (status, str(count * MEBIBYTE).encode() in body) == (200, True)
        assert int(toy.get("/peak")) - before < 16 * MEBIBYTE
    assert list((tmp_path / "staging").iterdir()) == []
