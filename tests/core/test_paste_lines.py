from __future__ import annotations

import shlex

import pytest

from pywharf_core.paste_lines import paste_lines


def test_without_secrets_placeholders_stand_for_them() -> None:
    assert list(paste_lines("local", "http://localhost:8888", None, None)) == [
        "pip install --index-url 'http://local:<read secret>@localhost:8888/simple/' PACKAGE",
        "uv pip install --index-url 'http://local:<read secret>@localhost:8888/simple/' PACKAGE",
        "uv publish --publish-url http://localhost:8888/simple/ --username local --password '<write secret>' dist/*",
        "twine upload --repository-url http://localhost:8888/simple/ --username local --password '<write secret>' "
        "dist/*",
    ]


@pytest.mark.parametrize("secret", ["plain", "a b'c", "@:/?#%", "é"])
def test_secrets_are_quoted_for_url_and_shell(secret: str) -> None:
    lines = paste_lines("local", "https://localhost/wharf/", secret, secret)
    index = shlex.split(lines[0])[3]
    assert index.startswith("https://local:")
    assert index.endswith("@localhost/wharf/simple/")
    assert index.count("@") == 1
    assert secret in shlex.split(lines[3])


def test_plain_http_from_another_machine_is_allowed_in_words() -> None:
    lines = paste_lines("local", "http://wharf.invalid:8888", "r", "w")
    assert "--trusted-host wharf.invalid" in lines[0]
    assert "--allow-insecure-host wharf.invalid" in lines[1]


def test_a_release_is_quoted_and_anybody_needs_no_secret() -> None:
    lines = paste_lines("local", "https://wharf.test", None, None, package="grail==1!2.0", anonymous=True)
    assert lines.pip == "pip install --index-url https://wharf.test/simple/ 'grail==1!2.0'"
    assert lines.uv == "uv pip install --index-url https://wharf.test/simple/ 'grail==1!2.0'"
    assert "--password '<write secret>'" in lines.twine


def test_other_placeholders_stand_where_the_storage_knows_who_reads() -> None:
    lines = paste_lines("acme", "https://wharf.test", None, None, placeholders=("<token>", "<token>"))
    assert "https://acme:<token>@wharf.test/simple/" in lines.pip
    assert "--password '<token>'" in lines.uv_publish
