"""How pywharf finds the storage type, and what its tables may say."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from pywharf_core.config import load_configuration
from pywharf_core.errors import ConfigurationError
from pywharf_core.plugins import Plugins
from pywharf_github import plugin
from pywharf_github.options import GitHubOptions, doubt_about
from pywharf_github.storage import GitHubStorageType


def configured(lines: str) -> GitHubOptions:
    text = f'[acme]\ntype = "github"\nowner = "acme"\nrepo = "packages"\n{lines}\n'
    options = load_configuration(text, None, Plugins.of(plugin))["acme"].storage_options
    assert isinstance(options, GitHubOptions)
    return options


def test_the_storage_type_is_registered() -> None:
    (entry_point,) = entry_points(group="pywharf", name="github")
    assert entry_point.load().pywharf_storage_types() == [GitHubStorageType]


def test_the_storage_type_says_what_the_configuration_may_hold() -> None:
    assert GitHubStorageType.name == "github"
    assert GitHubStorageType.auth == "storage"
    assert GitHubStorageType.max_file_bytes == 2_147_483_647
    assert configured("") == GitHubOptions(owner="acme", repo="packages")


def test_every_key_is_taken() -> None:
    lines = """
        branch = "release/wheels"
        index_filename = "meta/index.toml"
        api_url = "https://github.example.com/api/v3"
        downloads = "stream"
    """
    assert configured(lines).branch == "release/wheels"
    assert configured(lines).downloads == "stream"


@pytest.mark.parametrize(
    "line",
    [
        'branch = "a..b"',
        'branch = "/a"',
        'branch = ""',
        'index_filename = "../index.toml"',
        'index_filename = "/index.toml"',
        'api_url = "ftp://example.com"',
        'api_url = "https://user:word@example.com"',
        'api_url = "https://example.com:port"',
        'downloads = "proxy"',
    ],
)
def test_what_cannot_be_right_is_refused(line: str) -> None:
    with pytest.raises(ConfigurationError, match=line.partition(" ")[0]):
        configured(line)


@pytest.mark.parametrize(
    ("api_url", "reason"),
    [
        ("http://[::1]:8080/api/v3", "an IPv6 address cannot be used here"),
        ("https://github.com", "this is GitHub's site, not its API; leave api_url out"),
        ("https://www.github.com/api/v3", "this is GitHub's site, not its API"),
        ("https://acme.ghe.com/api/v3", "which is https://api.acme.ghe.com"),
    ],
)
def test_an_address_at_which_no_api_is_says_what_would_be_right(api_url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        configured(f'api_url = "{api_url}"')
    [problem] = told.value.problems
    assert problem.startswith(f'config.toml: [acme] api_url = "{api_url}": ')
    assert reason in problem


@pytest.mark.parametrize(
    "api_url", ["https://api.github.com", "https://api.acme.ghe.com", "https://github.example.com/api/v3/"]
)
def test_of_an_address_that_is_like_github_s_there_is_no_doubt(api_url: str) -> None:
    assert configured(f'api_url = "{api_url}"').api_url == api_url
    assert not doubt_about(api_url)
    assert doubt_about("https://github.example.com/api")


def test_the_plugin_loads_without_pygithub_and_requests() -> None:
    """They take a quarter of a second that `pywharf --help` should not wait for."""
    program = (
        "import sys, pywharf_github.plugin\n"
        "print([name for name in ('github', 'requests', 'urllib3') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
