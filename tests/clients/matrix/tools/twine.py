"""twine."""

from __future__ import annotations

from clients.matrix.client import Access, Publisher, Way
from clients.matrix.desk import Desk
from clients.matrix.release import Release
from support.clients import Ran


class Twine(Publisher):
    key = "twine"

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
