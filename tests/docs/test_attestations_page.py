"""The configuration in the page on attestations is one."""

from __future__ import annotations

from docs.code_blocks import titled_blocks
from pywharf_core.config import load_configuration
from pywharf_core.plugins import load_plugins


def test_the_configuration_of_the_page_can_be_loaded() -> None:
    text = titled_blocks("attestations.md")["config.toml"]
    publishers = load_configuration(text, None, load_plugins())["local"].trusted_publishers
    assert [publisher.kind for publisher in publishers] == ["github", "gitlab"]
