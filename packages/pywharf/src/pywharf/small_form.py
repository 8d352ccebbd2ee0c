"""Small forms, urlencoded or multipart, read into memory; uploads have ``upload_stream``."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from pywharf_core.errors import InvalidRequest

_MOST_BYTES = 1024 * 1024  # of the whole body
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def read_small_form(
    scope: Scope, receive: Receive, fields: Collection[str], *, of_every_form: Collection[str] = ()
) -> dict[str, str]:
    """The fields of the request's form, each sent as a field or as a file of UTF-8 text.

    :param fields: those that may be there.
    :param of_every_form: those that may be there too, and of which nobody need be told.
    :raises InvalidRequest: another field, one of them twice, more than 1 MiB, or no such form.
    """
    values: dict[str, str] = {}
    request = Request(scope, _Bounded(receive))
    length = request.headers.get("content-length", "")
    _check_size(int(length) if length.isdecimal() else 0)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
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
    """ASGI ``receive`` that gives no more than ``_MOST_BYTES``."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._taken = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        _check_size(self._taken)
        return message


def _check_size(size: int) -> None:
    if size > _MOST_BYTES:
        raise InvalidRequest(f"The form is too large; at most {_MOST_BYTES} bytes are taken.")
