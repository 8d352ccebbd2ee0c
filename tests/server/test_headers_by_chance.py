"""Headers that any client may send, against what RFC 7617 and 9110 say of them, written down a second time."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import anyio.from_thread
import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from starlette.types import Message, Scope

from pywharf.basic_authentication import basic_credentials
from pywharf.conditional import entity_tag, matches
from pywharf.exchange import Exchange, attach
from pywharf.file_response import FileAnswer
from pywharf.page_cache import CachedPage, Variant, send_page
from pywharf.threads import StorageThreads
from pywharf_core.errors import NotAuthenticated
from pywharf_core.model import DistributionFile

CONTENT = bytes(range(100))
TAG = entity_tag("local", "a" * 64)
FILE = DistributionFile(
    filename="foo-1.0.tar.gz",
    project=canonicalize_name("foo"),
    version="1.0",
    packagetype="sdist",
    size=len(CONTENT),
    hashes={"sha256": "a" * 64},
    upload_time=datetime(2026, 11, 22, tzinfo=UTC),
)

SPACES = st.sampled_from([b"", b"", b" ", b"\t", b"  "])
HEADER = st.binary(max_size=60).map(lambda data: bytes(byte for byte in data if byte not in b"\0\r\n"))


async def _receive() -> Message:
    raise AssertionError("nothing is to be read")


def scope_of(headers: dict[bytes, bytes], method: str = "GET") -> Scope:
    scope: dict[str, Any] = {"type": "http", "method": method, "path": "/", "headers": list(headers.items())}
    attach(scope, Exchange(scope, None, "", _receive))
    return scope


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with anyio.from_thread.start_blocking_portal() as portal:
        yield portal


# --- Range and If-Range -------------------------------------------------------------------------------------


def sent(
    portal: BlockingPortal, headers: dict[bytes, bytes], method: str = "GET"
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of the answer about ``FILE``."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def answer() -> None:
        scope, stream = scope_of(headers, method), io.BytesIO(CONTENT)
        answer = FileAnswer.to(scope, FILE, repository="local", immutable=False)
        if answer.span is None:
            await answer.send(send)
        else:
            await answer.send_bytes(scope, send, StorageThreads(1), stream)
            assert stream.closed

    portal.call(answer)
    start, *bodies = messages
    assert [message.get("more_body", False) for message in bodies] == [True] * (len(bodies) - 1) + [False]
    return start["status"], dict(start["headers"]), b"".join(message["body"] for message in bodies)


NUMBERS = st.none() | st.integers(0, 110) | st.sampled_from([10**17, 10**30])
CONDITIONS = st.sampled_from(
    [None, None, TAG, b" " + TAG + b" ", b"W/" + TAG, b'"other"', TAG.strip(b'"'), b"Sat, 01 Jan 2000 00:00:00 GMT"]
)


@given(NUMBERS, NUMBERS, SPACES, SPACES, st.sampled_from([b"bytes", b"Bytes", b"lines"]), CONDITIONS)
def test_a_single_range_is_answered_as_the_specification_says(
    portal: BlockingPortal,
    first: int | None,
    last: int | None,
    before: bytes,
    behind: bytes,
    unit: bytes,
    condition: bytes | None,
) -> None:
    ends = [b"" if end is None else str(end).encode() for end in (first, last)]
    headers = {b"range": unit + b"=" + before + b"-".join(ends) + behind}
    if condition is not None:
        headers[b"if-range"] = condition
    status, told, body = sent(portal, headers)
    valid = (
        unit.lower() == b"bytes"
        and (first, last) != (None, None)
        and not (first is not None and last is not None and last < first)
    )
    if not valid or (condition is not None and condition.strip() != TAG):
        assert (status, body) == (200, CONTENT)
        return
    if first is None:
        assert last is not None
        expected, start = (CONTENT[-last:] if last else b""), max(0, len(CONTENT) - last)
    else:
        expected, start = CONTENT[first : None if last is None else last + 1], first
    if 10**30 in (first, last) and status == 200:
        assert body == CONTENT  # numbers that nobody means may be ignored, as all ranges may
    elif expected:
        assert (status, body) == (206, expected)
        assert told[b"content-range"] == b"bytes %d-%d/100" % (start, start + len(expected) - 1)
        assert told[b"content-length"] == b"%d" % len(expected)
    else:
        assert (status, body, told[b"content-range"]) == (416, b"", b"bytes */100")


RANGES = st.text('bytes=0123456789-, \tW/"*', max_size=40).map(str.encode) | HEADER


@given(RANGES, st.none() | RANGES, st.none() | RANGES, st.sampled_from(["GET", "HEAD"]))
@example(b"bytes=0-0,-1", None, None, "GET")
def test_whatever_is_asked_the_answer_is_the_file_a_part_of_it_or_none(
    portal: BlockingPortal, asked: bytes, condition: bytes | None, known: bytes | None, method: str
) -> None:
    headers = {b"range": asked, b"if-range": condition, b"if-none-match": known}
    status, told, body = sent(portal, {name: value for name, value in headers.items() if value is not None}, method)
    assert told[b"etag"] == TAG
    if status == 206:
        match = re.fullmatch(rb"bytes (\d+)-(\d+)/100", told[b"content-range"])
        assert match is not None
        first, last = int(match[1]), int(match[2])
        assert 0 <= first <= last < 100
        assert (method, body) == ("GET", CONTENT[first : last + 1])
    elif status == 200:
        assert body == (b"" if method == "HEAD" else CONTENT)
        assert told[b"content-length"] == b"100"
    else:
        assert (status in (304, 416), body) == (True, b"")


# --- If-None-Match ------------------------------------------------------------------------------------------

OPAQUE = st.text("".join(map(chr, [0x21, *range(0x23, 0x7F), *range(0x80, 0x100)])), max_size=8)
TAGS = st.builds(lambda weak, text: weak + f'"{text}"', st.sampled_from(["", "W/"]), OPAQUE).map(
    lambda tag: tag.encode("latin-1")
)


@given(st.lists(TAGS | st.sampled_from([TAG, b"W/" + TAG]), min_size=1), st.lists(SPACES, min_size=2, max_size=2))
def test_a_list_of_tags_matches_if_ours_is_in_it(tags: list[bytes], spaces: list[bytes]) -> None:
    header = (spaces[0] + b"," + spaces[1]).join(tags)
    assert matches({b"if-none-match": header}, TAG) == any(tag.removeprefix(b"W/") == TAG for tag in tags)


@given(HEADER)
def test_whatever_is_sent_as_tags_nothing_but_ours_or_a_star_matches(header: bytes) -> None:
    assert matches({b"if-none-match": header}, TAG) == (header.strip() == b"*")


# --- Accept-Encoding ----------------------------------------------------------------------------------------


def _variant(body: bytes) -> Variant:
    tag = entity_tag("local", body)
    return Variant(body, tag, [(b"etag", tag)], [(b"etag", tag)])


PAGE = CachedPage(1, 1, _variant(b"plain"), _variant(b"compressed"))


def page_sent(accepted: bytes) -> bytes:
    bodies: list[bytes] = []

    async def send(message: Message) -> None:
        bodies.append(message.get("body", b""))

    coroutine = send_page("GET", {b"accept-encoding": accepted}, send, PAGE)
    with pytest.raises(StopIteration):  # it waits for nothing
        coroutine.send(None)
    return b"".join(bodies)


CODINGS = st.sampled_from(["gzip", "GZIP", "x-gzip", "*", "identity", "deflate", "br", "zstd", "gzipped", "xgzip"])
QUALITIES = st.sampled_from(["", "1", "1.0", "1.000", "0", "0.", "0.0", "0.000", "0.5", "0.001"])


@given(
    st.lists(
        st.tuples(CODINGS, QUALITIES),
        unique_by=lambda item: "gzip" if item[0].lower() == "x-gzip" else item[0].lower(),
        max_size=5,
    ),
    SPACES,
    SPACES,
)
@example([("gzip", "0"), ("*", "")], b"", b" ")
@example([("*", "0"), ("gzip", "")], b"", b" ")
def test_a_page_is_compressed_for_those_and_only_those_who_take_it(
    accepted: list[tuple[str, str]], before: bytes, behind: bytes
) -> None:
    semicolon = before + b";" + behind
    items = [
        coding.encode() + (semicolon + b"q=" + quality.encode() if quality else b"") for coding, quality in accepted
    ]
    header = (before + b"," + behind).join(items)
    by_name = {"gzip" if coding.lower() == "x-gzip" else coding.lower(): quality for coding, quality in accepted}
    quality = by_name.get("gzip", by_name.get("*", "0"))
    assert page_sent(header) == (b"compressed" if quality == "" or float(quality) > 0 else b"plain")


@given(HEADER | st.text("gzip*;q=01., ").map(str.encode))
def test_whatever_encodings_are_asked_for_the_page_is_sent(header: bytes) -> None:
    assert page_sent(header) in (b"plain", b"compressed")


# --- Authorization ------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"]))


@given(WORDS.filter(lambda text: ":" not in text), WORDS, st.sampled_from(["Basic ", "basic ", "BASIC  "]))
def test_credentials_are_read_as_they_were_sent(username: str, password: str, scheme: str) -> None:
    header = scheme.encode() + base64.b64encode(f"{username}:{password}".encode())
    found = basic_credentials(scope_of({b"authorization": header}))
    assert found is not None
    assert (found[0], found[1].reveal()) == (username, password)


@given(
    HEADER
    | HEADER.map(lambda data: b"Basic " + data)
    | st.binary().map(lambda data: b"Basic " + base64.b64encode(data))
)
def test_any_other_credentials_are_refused_or_read(header: bytes) -> None:
    try:
        found = basic_credentials(scope_of({b"authorization": header}))
    except NotAuthenticated:
        return
    assert found is not None
    assert header.lower().startswith(b"basic ")
    again = f"{found[0]}:{found[1].reveal()}"
    decoded = base64.b64decode(header[6:])
    assert decoded in (again.encode(), again.encode("latin-1", "replace"))
