"""Changes of what is published: another state of a file, and its end."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from pywharf_core import AttachmentKind, DistributionFile, NotSupported, StorageUnavailable
from pywharf_github import releases
from pywharf_github.finding import Finder, gone
from pywharf_github.project_states import ProjectStates
from pywharf_github.publishing import Publisher
from pywharf_github.release_body import body_of, stamp, tombstone_body, tombstone_title
from pywharf_github.release_requests import ReleaseRequests
from pywharf_github.releases import Published

_RANDOM_BITS = 10  # of a counter; with the milliseconds above them it fits into the 53 bits that JSON keeps

#: Two updates of one file at a time in this process would read the same old state. By release id, modulo.
_UPDATING = tuple(threading.Lock() for _ in range(64))


class Changer:
    """With one caller's rights.

    :param now: what time it is.
    """

    def __init__(
        self,
        requests: ReleaseRequests,
        finder: Finder,
        publisher: Publisher,
        states: ProjectStates,
        now: Callable[[], datetime],
    ) -> None:
        self._requests = requests
        self._finder = finder
        self._publisher = publisher
        self._states = states
        self._now = now

    def update(self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes]) -> DistributionFile:
        """As ``Storage.update_file``; two requests."""
        ids = releases.ids_of(file)
        with _UPDATING[(ids[0] if ids else 0) % len(_UPDATING)]:
            release, stored = self._finder.same(file)
            updated = replace(file, counter=self._next_counter(file, stored.file))
            kept = {kind: content for kind, content in stored.attachments.items() if kind not in attachments}
            kept_assets = {
                kind: name for kind, (_, name) in stored.attachment_assets.items() if kind not in attachments
            }
            drafted_at = stored.drafted_at or stamp(stored.file.upload_time)
            body = body_of(updated, {**kept, **attachments}, drafted_at=drafted_at, kept_assets=kept_assets)
            self._publisher.add_assets(release, body)
            edited = self._requests.edit(stored.release_id, {"body": body.text})
            if edited is None:
                raise gone(file)
            now = releases.read(edited)
            if not isinstance(now, Published):
                raise StorageUnavailable(
                    f"{file.filename} was changed on GitHub at the same time; look at its release."
                )
            replaced = [number for kind, (number, _) in stored.attachment_assets.items() if kind in attachments]
            in_use = {number for number, _ in now.attachment_assets.values()}
            self._requests.delete_assets_if_possible([number for number in replaced if number not in in_use])
            return replace(updated, storage_id=now.file.storage_id, fingerprint=now.file.fingerprint)

    def delete(self, file: DistributionFile) -> int:
        """As ``Storage.delete_file``.

        :returns: the id of the asset that held it.
        """
        release, stored = self._finder.same(file)
        if stored.immutable:  # GitHub frees neither its assets nor, ever, its tag
            self._states.bury(file.filename, stored.file.sha256, file.project)
            self._requests.delete(stored.release_id)
            self._requests.delete_tag(file.filename)
        else:
            body = tombstone_body(stored.file, deleted_at=self._now())
            edited = self._requests.edit(stored.release_id, {"name": tombstone_title(file.filename), "body": body})
            if edited is None:
                raise gone(file)
            assets = [int(asset["id"]) for asset in release.get("assets") or ()]
            self._requests.delete_assets_if_possible(assets)
        return stored.asset_id

    def _next_counter(self, file: DistributionFile, stored: DistributionFile) -> int:
        """Above both, and, as GitHub lets nobody swap, in the order of time among servers that do not see each other."""
        milliseconds = int(self._now().timestamp() * 1000)
        by_time = (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
        counter = max(file.counter + 1, stored.counter + 1, by_time)
        if counter >= releases.MOST_COUNTED:  # written, nobody could read it any more
            raise NotSupported(
                f"{file.filename} cannot be changed any more: somebody wrote too high a counter into its record. Delete it, "
                "and publish the same file again."
            )
        return counter
