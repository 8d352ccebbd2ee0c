"""``pywharf why``: which rule answers for a project's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.two_servers import Uploads
from pywharf_core import changes, shared_secrets
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.configuration_in_force import ConfigurationInForce, NameRules
from pywharf_core.errors import StorageUnavailable
from pywharf_core.filenames import normalise
from pywharf_core.plugins import Plugins
from pywharf_core.root import Root
from pywharf_core.wharf import Wharf
from pywharf_filesystem import plugin as file_system

CONFIG = """
[local]
type = "file_system"
write_secret = "bar"
private = ["acme-*"]
path = "{store}"
"""
EXTRA = "https://wharfinger:sesame@extra.test:8443/simple/"
PLUGINS = Plugins.of(file_system, shared_secrets)


def run(*arguments: object, **environment: str) -> Result:
    env = {"PYWHARF_ROOT": None, **environment}
    return CliRunner(env=env).invoke(make_root(PLUGINS), [str(argument) for argument in arguments])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """As a server leaves it that was started with an extra index and ``--private 'corp-*'``.

    ``holygrail`` is published, ``swallow`` was.
    """
    root = Root(tmp_path / "root")
    root.make()
    root.config_file.write_text(CONFIG.format(store=tmp_path / "store"))
    ConfigurationInForce(root).put_name_rules(NameRules(EXTRA, ("corp-*",)))
    uploads = Uploads(tmp_path / "uploads")
    with Wharf.open(load_configuration(root.config_file.read_text(), None, PLUGINS), root) as wharf:
        repository = wharf.repositories["local"]
        repository.synchronise()
        for project in ("holygrail", "swallow"):
            uploads.publish(repository, project)
        changes.delete(repository, normalise("swallow"), version="1.0")
    return root.path


@pytest.mark.parametrize(
    ("project", "answer", "because", "sentence"),
    [
        ("HolyGrail", "here", "", "holygrail: it is published here.\n"),
        ("swallow", "reserved", "", "swallow: it was published here once, so its name stays reserved: "
         "nobody else answers for it.\n"),
        ("Acme.Tools", "private", "acme-*", "acme-tools: the glob acme-* declares it private: nobody else answers for it.\n"),
        ("corp_x", "private", "corp-*", "corp-x: the glob corp-* declares it private: nobody else answers for it.\n"),
        ("numpy", "extra index", "https://extra.test:8443/simple/numpy/",
         "numpy: nothing here claims it: clients are sent to https://extra.test:8443/simple/numpy/.\n"),
    ],
)  # fmt: skip
def test_each_rule_is_told_in_a_sentence_and_as_json(
    root: Path, project: str, answer: str, because: str, sentence: str
) -> None:
    result = run("why", "local", project, "--root", root)
    assert (result.exit_code, result.stdout, result.stderr) == (0, sentence, "")
    document = json.loads(run("why", "local", project, "--json", PYWHARF_ROOT=str(root)).stdout)
    assert document == {"project": normalise(project), "answer": answer, "because": because}


def test_the_credentials_of_the_extra_index_are_never_shown(root: Path) -> None:
    for arguments in ([], ["--json"]):
        result = run("why", "local", "numpy", *arguments, "--root", root)
        assert "extra.test" in result.output
        assert "sesame" not in result.output
        assert "wharfinger" not in result.output


def test_the_table_of_a_repository_names_an_extra_index_of_its_own(root: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(store=tmp_path / "store") + 'extra_index_url = "https://own.test/simple"\n')
    result = run("why", "local", "numpy", "--config", config)
    assert result.stdout == "numpy: nothing here claims it: clients are sent to https://own.test/simple/numpy/.\n"


@pytest.mark.parametrize("way", ["by configuration alone", "by a ROOT that no server was started on"])
def test_where_the_servers_flags_are_unknown_its_default_is_assumed(root: Path, tmp_path: Path, way: str) -> None:
    source: list[object] = ["--config", root / "config.toml"]
    if way != "by configuration alone":
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "config.toml").write_text((root / "config.toml").read_text())
        source = ["--root", tmp_path / "new"]
    whose = "the server's extra index, which is PyPI unless its --extra_index_url says otherwise"
    assert run("why", "local", "numpy", *source).stdout == (
        f"numpy: nothing here claims it: clients are sent to {whose}.\n"
    )
    document = json.loads(run("why", "local", "numpy", "--json", *source).stdout)
    assert document == {"project": "numpy", "answer": "extra index", "because": whose}
    assert run("why", "local", "swallow", *source).stdout.startswith("swallow: it was published here once")
    assert run("why", "local", "acme-x", *source).stdout.startswith("acme-x: the glob acme-* declares it private")


def test_an_extra_index_that_is_off_is_nobody(root: Path, tmp_path: Path) -> None:
    ConfigurationInForce(Root(root)).put_name_rules(NameRules(""))
    nobody = "numpy: nothing here claims it, and there is no extra index: it is not found.\n"
    assert run("why", "local", "numpy", "--root", root).stdout == nobody
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(store=tmp_path / "store") + 'extra_index_url = ""\n')
    assert run("why", "local", "numpy", "--config", config).stdout == nobody


@pytest.mark.parametrize(
    ("project", "status", "sentence"),
    [
        (
            "holygrail",
            "quarantined",
            "it is quarantined here: its page offers no files, and nobody else answers for it",
        ),
        ("holygrail", "archived", "it is published here, with the status archived"),
        ("swallow", "archived", "it has no files here, but the status archived: nobody else answers for it"),
    ],
)
def test_a_status_is_told(root: Path, project: str, status: str, sentence: str) -> None:
    assert run("set_status", "local", project, status, "--root", root).exit_code == 0
    assert run("why", "local", project, "--root", root).stdout == f"{project}: {sentence}.\n"
    document = json.loads(run("why", "local", project, "--json", "--root", root).stdout)
    assert document == {"project": project, "answer": "here", "because": "", "status": status}


def test_a_store_that_cannot_be_read_leaves_every_unknown_name_unanswered(root: Path, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "away")
    assert run("why", "local", "numpy", "--root", root).stdout.startswith("numpy: nothing here claims it"), (
        "the index is as it was when the store was last read"
    )
    configurations = load_configuration((root / "config.toml").read_text(), None, PLUGINS)
    with Wharf.open(configurations, Root(root)) as wharf, pytest.raises(StorageUnavailable, match="mounted"):
        wharf.repositories["local"].synchronise()
    result = run("why", "local", "numpy", "--root", root)
    assert result.exit_code == 0
    assert result.stdout == (
        "numpy: The storage of the repository local cannot be read now, so nobody knows whether this project is in it; "
        "try again later.\n"
    )
    assert run("why", "local", "holygrail", "--root", root).stdout == "holygrail: it is published here.\n"


def test_a_store_that_was_never_read_and_cannot_be_is_a_failure(root: Path, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "away")
    (tmp_path / "store").mkdir()  # without its marker: not mounted
    for index in (root / "index").glob("local.sqlite3*"):
        index.unlink()
    result = run("why", "local", "numpy", "--root", root)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["zzz", "numpy"], "There is no repository 'zzz'. Configured: local."),
        (["locl", "numpy"], "There is no repository 'locl'; did you mean local? Configured: local."),
        (["local", "num py"], "'num py' is not a valid project name: it may hold"),
    ],
)
def test_a_wrong_name_is_one_sentence(root: Path, arguments: list[str], sentence: str) -> None:
    result = run("why", *arguments, "--root", root)
    assert result.exit_code == 2
    assert sentence in result.stderr
