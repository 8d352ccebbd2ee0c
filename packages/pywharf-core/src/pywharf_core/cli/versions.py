"""What ``pywharf --version`` says."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distributions

from packaging.utils import canonicalize_name

from pywharf_core.plugins import Plugins


def version_lines(plugins: Plugins) -> Iterator[str]:
    """Installed pywharf distributions, the shortest name first, then plugins."""
    versions: dict[str, str] = {}
    for distribution in distributions():
        name: str = canonicalize_name(distribution.name or "")
        if name == "pywharf" or name.startswith("pywharf-"):
            versions.setdefault(name, distribution.version)  # the first on the path is the one that is imported
    for name in sorted(versions):
        yield f"{name} {versions[name]}"
    for plugin in plugins.installed:
        yield f"plugin {plugin.name} of {plugin.distribution} {plugin.version}".rstrip()
    for broken in plugins.broken.values():
        yield f"plugin {broken.name} of {broken.distribution} {broken.version}".rstrip() + ": broken"
