"""Pages, rendered and compressed once, kept until their revision changes."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from starlette.types import Send

from pywharf.conditional import VARY, entity_tag, matches, send_unchanged
from pywharf.shared_task import begin_shared
from pywharf.threads import StorageThreads
from pywharf_core.repository import Repository

_MOST_BYTES = 64 * 1024 * 1024  # of pages, plain and compressed
_BESIDES = 4096  # bytes that a page takes beside its bodies: headers, key, objects
_WORTH_COMPRESSING = 1024  # bytes
_GZIP_LEVEL = 6
_NOT_ZERO = re.compile(rb"(?!0*\.?0*\Z)[\d.]++\Z")

RawHeaders = list[tuple[bytes, bytes]]
_Place = tuple[str, str, str]  # repository, key, media type


@dataclass(slots=True)
class Variant:
    """One encoding of a page, with its headers ready to send."""

    body: bytes
    tag: bytes
    headers: RawHeaders
    unchanged: RawHeaders


@dataclass(slots=True)
class CachedPage:
    """:ivar version: of the index when ``revision`` was last seen to be the page's."""

    revision: int
    version: int
    plain: Variant
    compressed: Variant | None
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = _BESIDES + len(self.plain.body) + (len(self.compressed.body) if self.compressed else 0)


@dataclass(frozen=True, slots=True)
class PageSource:
    """Where a page comes from; both calls block.

    :ivar key: tells it from the repository's other pages of the same media type.
    :ivar revision: the revision that the page would have now.
    :ivar render: the page's text and the revision it is of, read in one transaction.
    """

    key: str
    revision: Callable[[], int]
    render: Callable[[], tuple[str, int]]


class PageCache:
    """For one configuration in one process; used on the event loop, renders in threads. Bounded by its pages' bytes."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pages: OrderedDict[_Place, CachedPage] = OrderedDict()
        # By the version of the index too: whoever came after a change joins nobody who began before it.
        self._builds: dict[tuple[_Place, int], asyncio.Task[CachedPage]] = {}

    def fresh(self, repository: Repository, key: str, media_type: str) -> CachedPage | None:
        """The page, if it is here and nobody changed the index since: the whole path of most requests."""
        place = (repository.name, key, media_type)
        page = self._pages.get(place)
        if page is None or page.version != repository.index.version():
            return None
        self._pages.move_to_end(place)
        return page

    async def page(
        self, threads: StorageThreads, repository: Repository, source: PageSource, media_type: str
    ) -> CachedPage:
        """The page as it is now, made once for all who ask at the same time.

        :raises WharfError: what ``source`` raises; nothing is kept then.
        """
        if (page := self.fresh(repository, source.key, media_type)) is not None:
            return page
        place = (repository.name, source.key, media_type)
        # Before the rows are read: what changes in between shows as another version next time.
        version = repository.index.version()
        build = self._builds.get((place, version))
        if build is None:
            build = self._builds[place, version] = begin_shared(self._made(threads, place, source, version))
        return await asyncio.shield(build)  # who goes away takes nobody's page along

    async def _made(self, threads: StorageThreads, place: _Place, source: PageSource, version: int) -> CachedPage:
        try:
            page = self._pages.get(place)
            if page is not None and await threads.run(source.revision) == page.revision:
                page.version = version
                return page
            repository, _, media_type = place
            page = await threads.run(_build, repository, source, media_type, version)
            self._keep(place, page)
            return page
        finally:
            del self._builds[place, version]

    def _keep(self, place: _Place, page: CachedPage) -> None:
        if (old := self._pages.pop(place, None)) is not None:
            self._bytes -= old.size
        self._pages[place] = page
        self._bytes += page.size
        while self._bytes > self._most_bytes and len(self._pages) > 1:
            self._bytes -= self._pages.popitem(last=False)[1].size


async def send_page(method: str, headers: Mapping[bytes, bytes], send: Send, page: CachedPage) -> None:
    """Answer with the page, or with 304 if the client has it.

    :param headers: the request's, as ``Exchange`` has them.
    """
    variant = page.plain
    if page.compressed is not None and takes_gzip(headers.get(b"accept-encoding", b"")):
        variant = page.compressed
    if matches(headers, variant.tag):
        await send_unchanged(send, variant.unchanged)
        return
    await send({"type": "http.response.start", "status": 200, "headers": variant.headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else variant.body})


@lru_cache(maxsize=256)
def takes_gzip(accepted: bytes) -> bool:
    """By ``Accept-Encoding``. What is named counts, whatever is said of ``*`` (RFC 9110, section 12.5.3)."""
    taken: dict[bytes, bool] = {}
    for item in accepted.lower().split(b","):
        coding, semicolon, parameter = item.partition(b";")
        name, _, weight = parameter.partition(b"=")
        wanted = name.strip() == b"q" and _NOT_ZERO.match(weight.strip()) is not None
        taken[coding.strip()] = wanted or not semicolon
    named = [taken[coding] for coding in (b"gzip", b"x-gzip") if coding in taken]
    return any(named) if named else taken.get(b"*", False)


def _build(repository: str, source: PageSource, media_type: str, version: int) -> CachedPage:
    text, revision = source.render()
    body = text.encode("utf-8", "replace")
    plain = _variant(repository, media_type, body, b"")
    compressed = None
    if len(body) >= _WORTH_COMPRESSING:
        compressed = _variant(repository, media_type, gzip.compress(body, _GZIP_LEVEL, mtime=0), b"gzip")
    return CachedPage(revision, version, plain, compressed)


def _variant(repository: str, media_type: str, body: bytes, encoding: bytes) -> Variant:
    tag = entity_tag(repository, media_type, encoding, body)
    unchanged = [(b"etag", tag), (b"cache-control", b"private, no-cache"), (b"vary", VARY)]
    headers = [
        (b"content-type", _content_type(media_type)),
        (b"content-length", str(len(body)).encode()),
        *unchanged,
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    ]
    if encoding:
        headers.append((b"content-encoding", encoding))
    return Variant(body, tag, headers, unchanged)


def _content_type(media_type: str) -> bytes:
    charset = "; charset=utf-8" if media_type.endswith("html") else ""  # JSON is UTF-8 without a word (RFC 8259)
    return f"{media_type}{charset}".encode()
