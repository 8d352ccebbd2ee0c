"""A form is the same however the network cuts it, and whatever is wrong with it is refused however it is cut."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from pywharf.form_parts import Field, FileBegins, FileBytes, FileEnds, FormEvent, FormLimits, FormParts
from pywharf_core.errors import InvalidRequest

BOUNDARY = b"fence"
CONTENT_TYPE = "multipart/form-data; boundary=fence"
LIMITS = FormLimits(parts=6, text_bytes=60)

#: Bytes among which boundaries are easily overlooked, or seen where there is none.
DATA = (
    st.lists(
        st.sampled_from(
            [b"\r", b"\n", b"\r\n", b"-", b"--", b"fence", b"\r\n--fenc", b"--fence", b"\r\n\r\n", b"x", b"\0\xff"]
        )
    )
    .map(b"".join)
    .filter(lambda data: b"\r\n--fence" not in b"\r\n" + data)
)
NAMES = st.text(st.characters(exclude_characters='"\\\r\n\0', exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)


def part(name: str, filename: str | None, data: bytes, more: bytes) -> bytes:
    disposition = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    return b"--fence\r\nContent-Disposition: " + disposition.encode() + b"\r\n" + more + b"\r\n" + data + b"\r\n"


PARTS = st.lists(
    st.one_of(
        st.tuples(NAMES, st.none(), st.text(max_size=20).map(str.encode).filter(lambda data: b"--fence" not in data)),
        st.tuples(NAMES, NAMES, DATA),
    ),
    min_size=1,
    max_size=5,
)
MORE = st.sampled_from([b"", b"Content-Type: application/octet-stream\r\n", b"X-Other:\r\n", b"content-length: 3\r\n"])
CUTS = st.lists(st.integers(0, 2000), max_size=12) | st.just(list(range(2000)))


def pieces(body: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = sorted({cut % (len(body) + 1) for cut in cuts} | {0, len(body)})
    return [body[start:end] for start, end in zip(ends, ends[1:], strict=False)] or [body]


def read(body: bytes, cuts: Sequence[int]) -> list[FormEvent] | None:
    """What the form brought, the bytes of each file in one; None: it was refused."""
    parts = FormParts(CONTENT_TYPE, LIMITS)
    events: list[FormEvent] = []
    try:
        for piece in pieces(body, cuts):
            for event in parts.feed(piece):
                if isinstance(event, FileBytes) and isinstance(events[-1], FileBytes):
                    events[-1] = FileBytes(events[-1].data + event.data)
                elif event != FileBytes(b""):
                    events.append(event)
        parts.finish()
    except InvalidRequest as error:
        refusal = str(error)
    else:
        return events
    assert refusal.endswith(".")
    assert "\n" not in refusal
    return None


@given(PARTS, MORE, CUTS)
def test_a_form_is_read_as_it_was_written_however_it_is_cut(
    parts: list[tuple[str, str | None, bytes]], more: bytes, cuts: list[int]
) -> None:
    expected: list[FormEvent] = []
    for name, filename, data in parts:
        if filename is None:
            expected.append(Field(name, data.decode()))
            continue
        expected.append(FileBegins(name, filename))
        expected += [FileBytes(data)] if data else []
        expected.append(FileEnds())
    text_bytes = sum(len(data) for _, filename, data in parts if filename is None)
    body = b"".join(part(*each, more) for each in parts) + b"--fence--\r\n"
    assert read(body, cuts) == (expected if text_bytes <= LIMITS.text_bytes else None)


SOUND = (
    part("name", None, b"holygrail", b"") + part("content", "a.whl", b"\r\n--fenc\r\n", b"X: y\r\n") + b"--fence--\r\n"
)
CHANGES = st.lists(
    st.tuples(st.integers(0, len(SOUND)), st.integers(0, 6), st.binary(max_size=4) | st.sampled_from([b"\r\n", b"--"])),
    max_size=4,
)


@given(CHANGES, CUTS)
@example([], [])
def test_a_damaged_form_is_read_or_refused_the_same_however_it_is_cut(
    changes: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    body = SOUND
    for start, length, data in changes:
        body = body[:start] + data + body[start + length :]
    assert read(body, cuts) == read(body, [])


PIECES = [b"--fence", b"\r\n", b"--", b"Content-Disposition: form-data", b'; name="a"', b'; filename="b"', b"; name=a"]
PIECES += [b"; name*=utf-8''%C4%80", b"; filename*=utf-8''%ff", b";", b"=", b'"', b"\\", b"x", b":", b"\xc4\x80"]


@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES)).map(b"".join), CUTS)
@example(b"--fence\r\nContent-Disposition: form-data; name*=utf-8''%C4%80\r\n\r\nx\r\n--fence--\r\n", [])
@example(b"--fence\r\nContent-Disposition: form-data; name=a; filename*=x''%ff\r\n\r\nx\r\n--fence--\r\n", [])
def test_any_bytes_are_read_or_refused_the_same_however_they_are_cut(body: bytes, cuts: list[int]) -> None:
    assert read(body, cuts) == read(body, [])


PARAMETERS = [
    "multipart/form-data",
    "; boundary=",
    "; boundary*=utf-8''%C4%80",
    "; boundary*=x''%ff",
    "fence",
    '"',
    "\\",
]


@given(
    st.text(st.characters(max_codepoint=255), max_size=80)  # a header's bytes come as Latin-1
    | st.lists(st.sampled_from([*PARAMETERS, "=", ";", "%", "*", "'", " ", "\xff"])).map("".join)
)
@example("multipart/form-data; boundary*=utf-8''%C4%80")
@example("multipart/form-data; boundary*=x''%ff")
def test_any_content_type_makes_a_form_or_is_refused(content_type: str) -> None:
    sentence = ""
    try:
        FormParts(content_type, LIMITS)
    except InvalidRequest as error:
        sentence = str(error)
    assert "\n" not in sentence
