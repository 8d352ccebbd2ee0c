"""Poetry: both ends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from clients.matrix.client import Access, Installer, Publisher, Way
from clients.matrix.desk import Desk
from clients.matrix.release import Release
from support.clients import Ran

_NAME = "wharf"  # of the repository or source, in Poetry's configuration


class Poetry(Installer, Publisher):
    key = "poetry"

    def publish(self, desk: Desk, access: Access, release: Release, *, skip: bool = False) -> Ran:
        url = access.url if access.way is Way.URL else access.bare_url
        env = {"POETRY_REPOSITORIES_WHARF_URL": url, **self._credentials(desk, access)}
        skipping = ["--skip-existing"] if skip else []
        return desk.run(
            "poetry", "--directory", release.folder, "publish", "--no-interaction", "-r", _NAME, *skipping, env=env
        )

    def install(self, desk: Desk, access: Access, requirements: Sequence[str]) -> Ran:
        self._write_project(desk, access, requirements)
        return self._install(desk, access)

    def install_locked(self, desk: Desk, access: Access, requirement: str, sha256: str) -> Ran:
        self._write_project(desk, access, [requirement])
        locked = self._run(desk, access, "lock")
        if locked.status != 0:
            return locked
        lock = desk.work / "poetry.lock"
        lock.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{sha256}", lock.read_text()))
        return self._install(desk, access)

    def _install(self, desk: Desk, access: Access) -> Ran:
        return self._run(desk, access, "install", "--no-root")

    def _run(self, desk: Desk, access: Access, *arguments: str) -> Ran:
        # An active environment is the one that Poetry installs into.
        env = {"VIRTUAL_ENV": str(desk.python.parents[1]), **self._credentials(desk, access)}
        return desk.run("poetry", "--no-interaction", *arguments, env=env)

    def _write_project(self, desk: Desk, access: Access, requirements: Sequence[str]) -> None:
        url = access.url if access.way is Way.URL else access.bare_url
        (desk.work / "pyproject.toml").write_text(
            f'[project]\nname = "consumer"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
            f"dependencies = {list(requirements)}\n\n[tool.poetry]\npackage-mode = false\n\n"
            f'[[tool.poetry.source]]\nname = "{_NAME}"\nurl = "{url}"\npriority = "primary"\n'
        )

    def _credentials(self, desk: Desk, access: Access) -> Mapping[str, str]:
        """For the environment; or put where Poetry's own command puts them, if a keyring has the secret."""
        match access.way:
            case Way.OPTIONS:
                return {
                    "POETRY_HTTP_BASIC_WHARF_USERNAME": access.username,
                    "POETRY_HTTP_BASIC_WHARF_PASSWORD": access.secret,
                }
            case Way.KEYRING:
                done = desk.run("poetry", "config", f"http-basic.{_NAME}", access.username, access.secret)
                assert done.status == 0, done.output
            case Way.NETRC:
                access.leave_credentials(desk, access.bare_url)
            case Way.URL:
                pass
        return {}
