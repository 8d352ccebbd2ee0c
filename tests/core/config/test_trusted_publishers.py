"""``trusted_publishers`` and ``trust_root``."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.sample_plugins import sample_plugins
from pywharf_core.config import RepositoryConfiguration, load_configuration
from pywharf_core.config.trusted_publishers import TrustedPublisher
from pywharf_core.errors import ConfigurationError

_LOCAL = '[local]\ntype = "file_system"\nread_secret = "foo"\n'


def loaded(line: str) -> RepositoryConfiguration:
    return load_configuration(_LOCAL + line, None, sample_plugins())["local"]


def problems(line: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(line)
    return list(caught.value.problems)


def test_nobody_is_trusted_unless_it_is_said() -> None:
    assert loaded("").trusted_publishers == ()
    assert loaded("").trust_root is None
    assert loaded("trusted_publishers = []").trusted_publishers == ()


@pytest.mark.parametrize(
    "written",
    [
        'trusted_publishers = [{ kind = "github", repository = "acme/holygrail", workflow = "release.yml" }]',
        '[[local.trusted_publishers]]\nkind = "github"\nrepository = "acme/holygrail"\nworkflow = "release.yml"',
    ],
)
def test_publishers_are_tables_in_line_or_below(written: str) -> None:
    (publisher,) = loaded(written).trusted_publishers
    assert publisher == TrustedPublisher(kind="github", repository="acme/holygrail", workflow="release.yml")
    assert (publisher.environment, publisher.projects) == (None, ("*",))
    assert publisher.issuer_url == "https://token.actions.githubusercontent.com"


def test_every_key_of_a_publisher_is_read() -> None:
    (publisher,) = loaded(
        'trusted_publishers = [{ kind = "gitlab", repository = "acme/tools/grail", workflow = "ci/a.yaml", '
        'environment = "pypi", repository_id = "12", projects = ["acme-*"], server = "https://git.acme.example", '
        'issuer = "https://login.acme.example" }]'
    ).trusted_publishers
    assert publisher == TrustedPublisher(
        kind="gitlab",
        repository="acme/tools/grail",
        workflow="ci/a.yaml",
        environment="pypi",
        repository_id="12",
        projects=("acme-*",),
        server="https://git.acme.example",
        issuer="https://login.acme.example",
    )
    assert publisher.issuer_url == "https://login.acme.example"


_GOOD = 'kind = "github", repository = "a/b", workflow = "c.yml"'


@pytest.mark.parametrize(
    ("publishers", "expected"),
    [
        ('"acme"', 'trusted_publishers = "acme": expected a list of tables, such as [{ kind = "github"'),
        ("{ kind = 'github' }", "trusted_publishers = a table: expected a list of tables"),
        ("[1]", "trusted_publishers = [1]: expected a list of tables"),
        (
            "[{ kind = 'githup', repository = 'a/b', workflow = 'c.yml' }]",
            'trusted_publishers, number 1: kind = "githup": expected one of "github", "gitlab"; did you mean github?',
        ),
        ("[{ kind = 'github', workflow = 'c.yml' }]", "number 1: repository: missing; expected owner and name"),
        (
            f"[{{ {_GOOD} }}, {{ {_GOOD}, enviroment = 'x' }}]",
            "number 2: enviroment: unknown key; did you mean environment?",
        ),
        (
            f"[{{ {_GOOD.replace('a/b', 'https://github.com/a/b')} }}]",
            'repository = "https://github.com/a/b": expected',
        ),
        (f"[{{ {_GOOD.replace('a/b', 'a/b/c')} }}]", 'repository = "a/b/c": expected owner/name'),
        (
            f"[{{ {_GOOD.replace('c.yml', '.github/workflows/c.yml')} }}]",
            "expected the name of a file in .github/workflows",
        ),
        (f"[{{ {_GOOD.replace('c.yml', '../c')} }}]", 'workflow = "../c": expected the file of a workflow'),
        (f"[{{ {_GOOD}, environment = '' }}]", 'environment = "": expected the name of an environment'),
        (f"[{{ {_GOOD}, repository_id = 12 }}]", "repository_id = 12: expected digits in quotes"),
        (f"[{{ {_GOOD}, projects = [] }}]", "projects = []: expected a list of project names"),
        (f"[{{ {_GOOD}, server = 'http://git.acme.example' }}]", "expected an https URL"),
        (f"[{{ {_GOOD}, issuer = 'https://a:b@git.acme.example' }}]", "expected an https URL"),
    ],
)
def test_a_problem_names_the_publisher_the_key_and_what_is_right(publishers: str, expected: str) -> None:
    (problem,) = problems(f"trusted_publishers = {publishers}")
    assert problem.startswith("config.toml: [local] trusted_publishers")
    assert expected in problem


def test_a_near_name_of_the_key_itself_is_told() -> None:
    assert problems("trusted_publisher = []") == [
        "config.toml: [local] trusted_publisher: unknown key; did you mean trusted_publishers?"
    ]


def test_a_trust_root_must_look_like_one(tmp_path: Path) -> None:
    path = tmp_path / "root.json"
    for text in (None, "", "[]", "{}", '{"mediaType": 1}'):
        if text is not None:
            path.write_text(text)
        (problem,) = problems(f'trust_root = "{path}"')
        assert "expected the path of a sigstore trusted root in JSON" in problem
    path.write_text('{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}')
    assert loaded(f'trust_root = "{path}"').trust_root == path
