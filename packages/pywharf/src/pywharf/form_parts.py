"""A form of ``multipart/form-data`` (RFC 7578), read as its bytes arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pywharf_core.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What a form may ask of our memory; its files are not kept there."""

    parts: int = 4096
    text_bytes: int = 8 * 1024 * 1024  # of all fields together; descriptions are long


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileBegins:
    name: str
    filename: str


@dataclass(frozen=True, slots=True)
class FileBytes:
    data: bytes


@dataclass(frozen=True, slots=True)
class FileEnds:
    pass


FormEvent = Field | FileBegins | FileBytes | FileEnds


class FormParts:
    """Turns pieces of the body into events, in the order of the form.

    :param content_type: the request's header; its boundary separates the parts.
    :raises InvalidRequest: this is no ``multipart/form-data``, or it lacks its boundary.
    """

    def __init__(self, content_type: str | None, limits: FormLimits) -> None:
        self._limits = limits
        self._events: list[FormEvent] = []
        self._parts = 0
        self._text_bytes = 0
        self._header_name = b""
        self._header_value = b""
        self._disposition: bytes | None = None
        self._name = ""
        self._is_file = False
        self._text: list[bytes] = []
        self._begun = False
        self._ended = False
        try:
            self._parser = MultipartParser(
                _boundary(content_type),
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value_piece,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_ends,
                    "on_end": self._form_ends,
                },
            )
        except FormParserError as error:
            raise InvalidRequest(f"The form's boundary is not valid: {error}.") from error

    def feed(self, data: bytes) -> Sequence[FormEvent]:
        """What the next piece of the body brings.

        :raises InvalidRequest: the bytes are not such a form, or it is larger than the limits.
        """
        self._begun = self._begun or bool(data)
        self._events = []
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise InvalidRequest(f"The body is not valid multipart/form-data: {error}.") from error
        return self._events

    def finish(self) -> None:
        """To be said at the end of the body.

        :raises InvalidRequest: the form had not come to its end.
        """
        if not self._begun:
            raise InvalidRequest("The request has no body; it should be a form (multipart/form-data).")
        if not self._ended:
            raise InvalidRequest(
                "The form is truncated: the body ends before the form's closing boundary; send it again."
            )

    # What the parser calls.

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise InvalidRequest(f"The form has more than {self._limits.parts} parts, the most that a form may have.")
        self._disposition = None
        self._text = []

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_piece(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _headers_end(self) -> None:
        kind, parameters = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in parameters:
            raise InvalidRequest(
                "A part of the form has no name; each should have Content-Disposition: form-data; name=…."
            )
        self._name = _decoded(parameters[b"name"], "The name of a part")
        self._is_file = b"filename" in parameters
        if self._is_file:
            filename = _decoded(parameters[b"filename"], f"The filename of the part {self._name[:100]!r}")
            self._events.append(FileBegins(self._name, filename))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._events.append(FileBytes(data[start:end]))
            return
        self._text_bytes += end - start
        if self._text_bytes > self._limits.text_bytes:
            most = self._limits.text_bytes
            raise InvalidRequest(
                f"The form's fields hold more than {most} bytes, the most that they may without the file."
            )
        self._text.append(data[start:end])

    def _part_ends(self) -> None:
        if self._is_file:
            self._events.append(FileEnds())
        else:
            value = _decoded(b"".join(self._text), f"The field {self._name[:100]!r}")
            self._events.append(Field(self._name, value))

    def _form_ends(self) -> None:
        self._ended = True


def _boundary(content_type: str | None) -> bytes:
    kind, parameters = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        found = f"Its Content-Type is {content_type[:100]!r}" if content_type else "It has no Content-Type"
        raise InvalidRequest(f"The request is not a form. {found}; it should be multipart/form-data.")
    if not parameters.get(b"boundary"):
        raise InvalidRequest("The form's Content-Type has no boundary; it should be multipart/form-data; boundary=….")
    return parameters[b"boundary"]


def _decoded(text: bytes, what: str) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest(f"{what} is not UTF-8; forms are sent in UTF-8.") from None
