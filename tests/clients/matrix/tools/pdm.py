"""PDM: both ends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from clients.matrix.client import Access, Installer, Publisher, Way, never_by
from clients.matrix.desk import Desk
from clients.matrix.release import Release
from support.clients import Ran


class Pdm(Installer, Publisher):
    key = "pdm"
    cannot_publish = never_by(Way.NETRC, "it reads no netrc file when it publishes")
    tells_our_sentence = False  # its HTTP cache drops the reason phrase, and the body is in its log only

    def publish(self, desk: Desk, access: Access, release: Release, *, skip: bool = False) -> Ran:
        access.leave_credentials(desk, access.bare_url)
        url = access.url if access.way is Way.URL else access.bare_url
        flags = ["--repository", url]
        if access.way in (Way.OPTIONS, Way.KEYRING):
            flags += ["--username", access.username]
        if access.way is Way.OPTIONS:
            flags += ["--password", access.secret]
        if skip:
            flags += ["--skip-existing"]
        return self._pdm(desk, "publish", "--project", str(release.folder), "--no-build", *flags)

    def install(self, desk: Desk, access: Access, requirements: Sequence[str]) -> Ran:
        self._write_project(desk, access, requirements)
        return self._pdm(desk, "install", "--no-self", env=self._credentials(desk, access))

    def install_locked(self, desk: Desk, access: Access, requirement: str, sha256: str) -> Ran:
        self._write_project(desk, access, [requirement])
        env = self._credentials(desk, access)
        locked = self._pdm(desk, "lock", env=env)
        if locked.status != 0:
            return locked
        lock = desk.work / "pdm.lock"
        lock.write_text(re.sub(r'(?<= hash = ")sha256:[0-9a-f]{64}', f"sha256:{sha256}", lock.read_text()))
        return self._pdm(desk, "sync", "--no-self", env=env)

    def _pdm(self, desk: Desk, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        # An active environment is the one that PDM installs into.
        quiet = {"PDM_CHECK_UPDATE": "0", "PDM_NON_INTERACTIVE": "1", "PDM_IGNORE_SAVED_PYTHON": "1"}
        return desk.run("pdm", *arguments, env={**quiet, "VIRTUAL_ENV": str(desk.python.parents[1]), **(env or {})})

    def _write_project(self, desk: Desk, access: Access, requirements: Sequence[str]) -> None:
        (desk.work / "pyproject.toml").write_text(
            f'[project]\nname = "consumer"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
            f"dependencies = {list(requirements)}\n\n[tool.pdm]\ndistribution = false\n\n"
            f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{access.url}"\nverify_ssl = true\n'
        )

    def _credentials(self, desk: Desk, access: Access) -> Mapping[str, str]:
        access.leave_credentials(desk, access.netloc)
        if access.way is Way.OPTIONS:
            return {"PDM_PYPI_USERNAME": access.username, "PDM_PYPI_PASSWORD": access.secret}
        return {}
