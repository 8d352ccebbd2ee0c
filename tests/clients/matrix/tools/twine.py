"""twine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from clients.matrix.client import Access, Publisher, Way, never_by
from clients.matrix.desk import Desk
from clients.matrix.publishing import SKIPPING_OTHER, SKIPPING_SAME
from clients.matrix.release import Release
from support.clients import Ran

_NO_NETRC = never_by(Way.NETRC, "it reads no netrc file when it publishes")


class Twine(Publisher):
    key = "twine"
    cannot_publish: ClassVar[Mapping[str, str]] = {
        **_NO_NETRC,
        **dict.fromkeys(
            (SKIPPING_SAME, SKIPPING_OTHER),
            "since 6.2 it refuses `--skip-existing` for every index but PyPI; it is not needed for the same files",
        ),
    }

    def publish(self, desk: Desk, access: Access, release: Release, *, skip: bool = False) -> Ran:
        access.leave_credentials(desk, access.bare_url)
        # A username in the URL needs the password there, too.
        url = access.url if access.way is Way.URL else access.bare_url
        flags = ["--repository-url", url, "--disable-progress-bar"]
        if access.way in (Way.OPTIONS, Way.KEYRING):
            flags += ["--username", access.username]
        if access.way is Way.OPTIONS:
            flags += ["--password", access.secret]
        if skip:
            flags += ["--skip-existing"]
        return desk.run("twine", "--no-color", "upload", *flags, *release.files)


class OldTwine(Twine):
    key = "old_twine"
    cannot_publish = _NO_NETRC
