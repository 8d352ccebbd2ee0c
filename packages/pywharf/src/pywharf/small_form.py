"""Small forms, urlencoded or multipart, read into memory; uploads have ``upload_stream``."""

from __future__ import annotations

from collections.abc import Collection

import anyio
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from pywharf_core.errors import InvalidRequest

_MOST_BYTES = 1024 * 1024  # of the whole body
_WITHIN = 30.0  # seconds for all of it: a body that never ends keeps a connection, and what it was sent to, for good
_LONGEST_TYPE = 1000  # characters
_CHARSETS = ("utf-8", "utf8", "us-ascii")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def read_small_form(
    scope: Scope,
    receive: Receive,
    fields: Collection[str],
    *,
    of_every_form: Collection[str] = (),
    most_bytes: int = _MOST_BYTES,
    within: float = _WITHIN,
) -> dict[str, str]:
    """The fields of the request's form, each sent as a field or as a file of UTF-8 text.

    :param fields: those that may be there.
    :param of_every_form: those that may be there too, and of which nobody need be told.
    :param most_bytes: of the whole body. It is read on the event loop, so what strangers may send should be little.
    :param within: seconds in which all of it has to come.
    :raises InvalidRequest: another field, one of them twice, more than ``most_bytes``, not in UTF-8, not in time, or no
        such form.
    """
    values: dict[str, str] = {}
    request = Request(scope, _Bounded(receive, most_bytes, within))
    length = request.headers.get("content-length", "")
    _check_size(int(length) if length.isdecimal() else 0, most_bytes)
    content_type = request.headers.get("content-type", "")
    _check_charset(content_type)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _FORMS:
        # Starlette takes anything else for a form without fields: JSON that names one file would delete all of them.
        if await request.body():
            raise InvalidRequest(f"The body is no form; send it as {' or '.join(_FORMS)}.")
        return values
    try:
        most = len(fields) + len(of_every_form)
        async with request.form(max_files=most, max_fields=most + 1, max_part_size=_MOST_BYTES) as form:
            for name, value in form.multi_items():
                if name not in fields and name not in of_every_form:
                    allowed = f"allowed are {', '.join(fields)}" if fields else "none is allowed"
                    raise InvalidRequest(f"The form has the unknown field {name[:50]!r}; {allowed}.")
                if name in values:
                    raise InvalidRequest(f"The form has the field {name} twice.")
                data = await value.read() if isinstance(value, UploadFile) else value
                values[name] = data.decode() if isinstance(data, bytes) else data
    except HTTPException as error:
        raise InvalidRequest(f"The form cannot be read: {error.detail}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("The form's fields are text in UTF-8; this is not.") from error
    return values


class _Bounded:
    """ASGI ``receive`` that gives no more than ``most`` bytes, and waits no longer than ``within`` seconds in all."""

    def __init__(self, receive: Receive, most: int, within: float) -> None:
        self._receive = receive
        self._most = most
        self._within = within
        self._ends = anyio.current_time() + within
        self._taken = 0

    async def __call__(self) -> Message:
        try:
            with anyio.fail_after(self._ends - anyio.current_time()):
                message = await self._receive()
        except TimeoutError:
            raise InvalidRequest(
                f"The form did not come whole within {self._within:g} seconds; send it again."
            ) from None
        self._taken += len(message.get("body", b""))
        _check_size(self._taken, self._most)
        return message


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise InvalidRequest(f"The form is too large; at most {most} bytes are taken.")


def _check_charset(content_type: str) -> None:
    """Starlette would look for any charset that a client names among Python's codecs: some of them take minutes for a
    megabyte, and each name that is none is remembered for good."""
    if len(content_type) > _LONGEST_TYPE:
        raise InvalidRequest(f"The Content-Type has {len(content_type)} characters; at most {_LONGEST_TYPE} are read.")
    charset = parse_options_header(content_type)[1].get(b"charset", b"utf-8").decode("latin-1").lower()
    if charset not in _CHARSETS:
        raise InvalidRequest(f"The form is in the charset {charset[:50]!r}; send it in UTF-8.")
