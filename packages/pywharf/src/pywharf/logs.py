"""Logs: JSON lines under ROOT/log, lines for people on the terminal.

Workers append whole lines and notice when a file was moved away; only the parent moves them (``rotate``).
Lines never hold a query string, a header or a body: there are secrets in those.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import secrets
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path

ACCESS_FILE = "access.jsonl"
ERROR_FILE = "error.jsonl"

ROTATE_AT = 50 * 1024 * 1024  # bytes
ROTATED_FILES = 5  # kept beside the one that is written

_GATHER = 0.1  # seconds for which lines of the access log are gathered
_FILE_MODE = 0o600  # names of private projects are in there

#: The id of the request that is being answered; "-" outside of one.
request_id: ContextVar[str] = ContextVar("request_id", default="-")

#: ``extra`` of a record that is not for the terminal.
IN_FILE_ONLY = {"in_file_only": True}

_text = json.encoder.encode_basestring_ascii

_PLAIN_RECORD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", *IN_FILE_ONLY}


def new_request_id() -> str:
    """16 hexadecimal digits, unlike any other's of this process, and hardly any other process's."""
    return f"{_PROCESS}{next(_numbers):08x}"


_PROCESS = secrets.token_hex(4)
_numbers = itertools.count(secrets.randbelow(2**24))


class AccessLog:
    """One line of JSON per answered request; used on one event loop.

    Lines are gathered for a moment and appended whole by one ``write``, so those of many workers do not mix and the
    loop is not held up by each. A worker that is killed loses the lines of that moment.
    """

    def __init__(self, folder: Path, *, on_terminal: bool = False) -> None:
        self._path = folder / ACCESS_FILE
        self._on_terminal = on_terminal
        self._file = -1
        self._identity: tuple[int, int] | None = None
        self._lines: list[str] = []
        self._complained = False
        self._second = -1
        self._second_text = ""

    def write(
        self,
        *,
        method: str,
        path: str,
        status: int,
        size: int,
        seconds: float,
        repository: str | None = None,
        client: str | None = None,
    ) -> None:
        """Append a line; ``path`` is without the query, ``size`` is the bytes of the answer's body.

        A log that cannot be written (a full disk) fails no request: it is said once in the error log.
        """
        now = time.time()
        if self._second != (second := int(now)):
            self._second, self._second_text = second, _timestamp(second)[:-4]
        number = request_id.get()
        if not self._lines:
            asyncio.get_running_loop().call_later(_GATHER, self.flush)
        # By hand, as this is done for every request; _text escapes whatever a client can choose.
        self._lines.append(
            f'{{"time": "{self._second_text}{int(now % 1 * 1000):03d}Z", "request": "{number}", "method": {_text(method)}, '
            f'"path": {_text(path)}, "status": {status}, "bytes": {size}, "seconds": {seconds:.6f}, '
            f'"repository": {_text(repository) if repository else "null"}, "client": {_text(client) if client else "null"}}}\n'
        )
        if self._on_terminal:
            size_and_time = f"{size} B {seconds * 1000:.1f} ms"
            print(f"{client or '-'} {method} {path!r} {status} {size_and_time} [{number}]", file=sys.stderr)

    def flush(self) -> None:
        """Write what was gathered."""
        if not self._lines:
            return
        data = "".join(self._lines).encode()
        self._lines.clear()
        try:
            self._reopen_if_moved()
            os.write(self._file, data)
        except OSError as error:
            self._complain(error)

    def close(self) -> None:
        self.flush()
        self._close_file()

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _reopen_if_moved(self) -> None:
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            found = None
        if found is None or self._identity != (found.st_dev, found.st_ino) or self._file < 0:
            self._close_file()
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
            opened = os.fstat(self._file)
            self._identity = (opened.st_dev, opened.st_ino)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            logging.getLogger(__name__).error("the access log cannot be written", extra={"error": str(error)})


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, request and the record's extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": request_id.get(),
            "process": record.process,
        }
        line.update(_fields(record))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class HumanLines(logging.Formatter):
    """A record as a line for a person; the traceback of an error is in the file, and here only with ``debug``."""

    def __init__(self, *, debug: bool) -> None:
        super().__init__()
        self._debug = debug

    def format(self, record: logging.LogRecord) -> str:
        words = [datetime.fromtimestamp(record.created).strftime("%H:%M:%S"), f"{record.levelname:<7}"]
        words.append(record.getMessage())
        words += [f"{name}={value}" for name, value in _fields(record).items()]
        if request_id.get() != "-":
            words.append(f"[{request_id.get()}]")
        if record.exc_info and record.exc_info[1] is not None:
            words.append(f"({type(record.exc_info[1]).__name__}: {record.exc_info[1]})")
        # Some of it was written by strangers, and a terminal obeys what it does not show.
        line = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode()
            for character in " ".join(words)
        )
        if record.exc_info and self._debug:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure_logging(folder: Path, *, debug: bool) -> None:
    """Send every record to ``folder``/error.jsonl and to standard error: from INFO on, with ``debug`` from DEBUG on."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    in_file = _PrivateFileHandler(folder / ERROR_FILE, encoding="utf-8", delay=True)
    in_file.setFormatter(JsonLines())
    on_terminal = logging.StreamHandler(sys.stderr)
    on_terminal.setFormatter(HumanLines(debug=debug))
    on_terminal.addFilter(lambda record: not hasattr(record, "in_file_only"))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(in_file)
    root.addHandler(on_terminal)
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    logging.captureWarnings(True)
    # What they have to say is about a client's malformed bytes, said again by our answer, or about every frame.
    for chatty in ("python_multipart", "hpack", "h2", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.ERROR if chatty == "python_multipart" else logging.WARNING)


def rotate(folder: Path, *, at: int = ROTATE_AT, keep: int = ROTATED_FILES) -> None:
    """Move each log of ``at`` bytes or more away: ``access.jsonl.1`` is the newest of at most ``keep``.

    Only the parent calls this. A worker goes on in the moved file until it notices, so no line is lost.
    """
    for name in (ACCESS_FILE, ERROR_FILE):
        path = folder / name
        try:
            if path.stat().st_size < at:
                continue
        except FileNotFoundError:
            continue
        for number in range(keep - 1, 0, -1):
            older = folder / f"{name}.{number}"
            if older.exists():
                older.replace(folder / f"{name}.{number + 1}")
        path.replace(folder / f"{name}.1")


class _PrivateFileHandler(WatchedFileHandler):
    """A log that cannot be written (its folder is gone, the disk is full) fails nobody who logs: the terminal has it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """No traceback of the logging itself for each line."""

    def _open(self):  # type: ignore[no-untyped-def]  # the type is a private protocol of the standard library's stubs
        Path(self.baseFilename).parent.mkdir(mode=0o700, exist_ok=True)
        stream = super()._open()
        os.fchmod(stream.fileno(), _FILE_MODE)
        return stream


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _PLAIN_RECORD}


def _timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
