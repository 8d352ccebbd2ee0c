"""Bytes of files and of what belongs to them: by a signed address, through the disk cache, or as a stream."""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, cast

from pywharf_core import (
    AttachmentKind,
    DistributionFile,
    FileNotFound,
    OpenedFile,
    RedirectTo,
    StorageUnavailable,
)
from pywharf_github import releases
from pywharf_github.client import Client
from pywharf_github.disk_cache import DiskCache
from pywharf_github.finding import Finder, changed, gone
from pywharf_github.received import read_small
from pywharf_github.releases import Published
from pywharf_github.remote_file import BUFFER, RemoteFile
from pywharf_github.signed_urls import SignedUrls

if TYPE_CHECKING:
    import requests


class Serving:
    """Serves one caller.

    :param urls: shared by all callers.
    :param downloads: where files are kept that go through this server; None: clients are sent to GitHub for them.
    """

    def __init__(self, client: Client, finder: Finder, urls: SignedUrls, downloads: DiskCache | None) -> None:
        self._client = client
        self._finder = finder
        self._urls = urls
        self._downloads = downloads

    def open(self, file: DistributionFile) -> BinaryIO:
        """As ``Storage.open_file``."""
        asset_id = self._asset_of(file)
        first: list[requests.Response] = []
        self._address(file, asset_id, first)

        def begin(start: int, expired: bool) -> requests.Response:
            if expired:
                self._urls.forget(asset_id)
            whole: list[requests.Response] = []
            url = self._address(file, asset_id, whole)
            return whole[0] if url is None else self._client.open_storage(url, start)

        return cast(BinaryIO, io.BufferedReader(RemoteFile(file, begin, first[0] if first else None), BUFFER))

    def at_hand(self, file: DistributionFile) -> OpenedFile | RedirectTo | None:
        """As ``Storage.file_at_hand``."""
        if self._downloads is not None:
            stream = self._downloads.at_hand(file.sha256, file.size)
            return None if stream is None else OpenedFile(stream)
        asset_id = _known_asset(file)
        url = None if asset_id is None else self._urls.known(asset_id)
        return None if url is None else RedirectTo(url)

    def locate(self, file: DistributionFile) -> OpenedFile | RedirectTo | None:
        """As ``Storage.locate_file``."""
        if self._downloads is not None:
            return OpenedFile(self._downloads.open(file.sha256, file.size, lambda: self.open(file)))
        asset_id = self._asset_of(file)
        answers: list[requests.Response] = []
        url = self._address(file, asset_id, answers)
        for response in answers:  # a server that gives the bytes themselves
            response.close()
        return None if url is None else RedirectTo(url)

    def attachment(self, published: Published, kind: AttachmentKind) -> bytes | None:
        """What the release has of it; None: nothing."""
        if kind in published.attachments:
            return published.attachments[kind]
        if kind in published.attachment_assets:
            return self._small_asset(published.file, published.attachment_assets[kind][0])
        return None

    def complete(self, published: Published) -> Published:
        """With the core metadata that did not fit into the body.

        :raises FileNotFound: it is damaged, or gone.
        """
        if published.fields_asset is None:
            return published
        try:
            return releases.with_fields(published, self._small_asset(published.file, published.fields_asset))
        except (ValueError, KeyError, AttributeError) as error:
            raise FileNotFound(f"The metadata of {published.file.filename} is damaged.") from error

    def _asset_of(self, file: DistributionFile) -> int:
        """The asset that holds the file's bytes, without a request if what is known of it fits together.

        :raises FileNotFound: there is none.
        :raises FileChanged: it is not the listed file.
        """
        asset_id = _known_asset(file)
        if asset_id is not None:
            return asset_id
        found = self._finder.current(file)
        if found.file.fingerprint != file.fingerprint:
            raise changed(file)
        return found.asset_id

    def _address(self, file: DistributionFile, asset_id: int, answers: list[requests.Response]) -> str | None:
        """The asset's signed address; None: the server gave the bytes themselves, and ``answers`` has the answer."""

        def ask() -> str | None:
            found = self._client.open_asset(asset_id)
            if isinstance(found, str):
                return found
            answers.append(found)
            return None

        try:
            return self._urls.get(asset_id, ask)
        except FileNotFoundError:
            self._client.check_visible()
            raise gone(file) from None

    def _small_asset(self, file: DistributionFile, asset_id: int) -> bytes:
        """Another asset of the file's release."""
        answers: list[requests.Response] = []
        url = self._address(file, asset_id, answers)
        response = answers[0] if url is None else self._client.open_storage(url, 0)
        with response:
            if response.status_code != HTTPStatus.OK:
                self._urls.forget(asset_id)
                raise StorageUnavailable(f"GitHub's storage does not give {file.filename}'s metadata right now.")
            return read_small(response)


def _known_asset(file: DistributionFile) -> int | None:
    """The asset that holds the file's bytes, if what is known of it fits together; None: GitHub has to be asked."""
    ids = releases.ids_of(file)
    fits = ids is not None and (not file.fingerprint or file.fingerprint.startswith(f"{ids[0]}-"))
    return ids[1] if ids is not None and fits else None
