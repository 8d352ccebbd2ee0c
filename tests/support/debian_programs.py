"""Programs out of Debian packages that some tests need: a browser, proxies, tools that check configuration.

A machine without one skips its tests and says so; where ``PYWHARF_TESTS_SKIP_NOTHING`` is set, as in CI, they fail.
"""

from __future__ import annotations

import os
import shutil

import pytest

#: The package by the program's name. `.ci/run` installs all of them.
PACKAGES = {
    "caddy": "caddy",
    "chromium": "chromium",
    "mmdebstrap": "mmdebstrap",
    "nginx": "nginx",
    "podman": "podman",
    "promtool": "prometheus",
    "rsync": "rsync",
    "runc": "runc",
    "systemd-analyze": "systemd",
}


def debian_program(name: str) -> str:
    """Where the program is."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is not None:
        return found
    reason = f"{name} is not installed; apt-get install {PACKAGES[name]}"
    if os.environ.get("PYWHARF_TESTS_SKIP_NOTHING"):
        pytest.fail(reason)
    pytest.skip(reason)
