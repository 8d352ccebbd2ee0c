"""Core's own commands."""

from __future__ import annotations

import json
import re
import stat
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from core.config.sample_plugins import sample_plugins
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.configuration_in_force import ConfigurationInForce
from pywharf_core.plugins import BrokenPlugin, Plugins
from pywharf_core.root import Root
from pywharf_core.secret import Secret
from pywharf_core.secret_parameter import SECRET

LOCAL = '[local]\ntype = "file_system"\nread_secret = "foo"\n'
FORGE = '[forge]\ntype = "forge"\nowner = "acme"\n'
FORGE_ADMIN = '[forge]\ntype = "forge"\nraw = "known"\n'


def run(*arguments: object, stdin: str | None = None, plugins: Plugins | None = None, **environment: str) -> Result:
    root = make_root(plugins or sample_plugins())
    env = {"PYWHARF_ROOT": None, **environment}
    return CliRunner(env=env).invoke(root, [str(argument) for argument in arguments], input=stdin)


# --- init ----------------------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_init_makes_a_configuration_that_works_and_that_nobody_else_can_read(tmp_path: Path) -> None:
    root = Root(tmp_path / "deep" / "root")
    result = run("init", root.path)
    assert result.exit_code == 0, result.output
    assert (mode(root.path), mode(root.config_file), mode(root.admin_secret_file)) == (0o700, 0o600, 0o600)
    repositories = load_configuration(
        root.config_file.read_text(), root.admin_secret_file.read_text(), sample_plugins()
    )
    assert list(repositories) == ["local"]
    assert repositories["local"].admin_secret is not None
    assert not list(root.path.glob(".init-*"))


def test_init_prints_the_secrets_once_each_with_lines_to_paste(tmp_path: Path) -> None:
    output = run("init", tmp_path / "root").stdout
    config = tomllib.loads((tmp_path / "root" / "config.toml").read_text())["local"]
    admin = tomllib.loads((tmp_path / "root" / "admin_secret.toml").read_text())["local"]
    read, write = config["read_secret"], config["write_secret"]
    assert len({read, write, admin["raw"]}) == 3
    assert f"read secret   {read}\n" in output
    assert f"admin secret  {admin['raw']}\n" in output
    assert f"pip install --index-url http://local:{read}@localhost:8888/simple/" in output
    assert f"twine upload --repository-url http://localhost:8888/simple/ --username local --password {write}" in output


def test_each_init_has_secrets_of_its_own(tmp_path: Path) -> None:
    run("init", tmp_path / "a")
    run("init", tmp_path / "b")
    assert (tmp_path / "a" / "config.toml").read_text() != (tmp_path / "b" / "config.toml").read_text()


@pytest.mark.parametrize("name", ["config.toml", "admin_secret.toml"])
def test_init_never_overwrites(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    result = run("init", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path / name} exists already and is not overwritten; remove it, or choose another ROOT.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_init_does_not_follow_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to(tmp_path / "elsewhere")
    assert run("init", tmp_path).exit_code == 1
    assert not (tmp_path / "elsewhere").exists()


def test_init_into_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("")
    result = run("init", tmp_path / "root")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "cannot be used as ROOT" in result.stderr


def test_init_without_the_file_system_writes_nothing(tmp_path: Path) -> None:
    result = run("init", tmp_path / "root", plugins=Plugins())
    assert result.exit_code == 2
    assert "pip install pywharf-filesystem" in result.stderr
    assert not (tmp_path / "root").exists()


# --- check ---------------------------------------------------------------------------------------------------


def write(folder: Path, config: str, admin_secret: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(config)
    if admin_secret is not None:
        (folder / "admin_secret.toml").write_text(admin_secret)
    return folder


def test_check_says_how_each_repository_is_doing(tmp_path: Path) -> None:
    root = write(tmp_path, LOCAL + FORGE, FORGE_ADMIN)
    result = run("check", "--root", root)
    assert re.sub(r"\d+ seconds?", "AGE", result.stdout).splitlines() == [
        "REPOSITORY  TYPE         REACHABLE  RIGHT  FILES  REFUSED  INDEX AGE",
        "local       file_system  yes        -      0      0        AGE",
        "forge       forge        yes        write  0      0        AGE",
    ]
    assert (result.exit_code, result.stderr) == (0, "")


def test_check_tells_the_age_of_the_index_as_it_leaves_it(tmp_path: Path) -> None:
    root = write(tmp_path, LOCAL)
    (finding,) = json.loads(run("check", "--json", PYWHARF_ROOT=str(root)).stdout)
    assert 0 <= finding.pop("index_age_seconds") < 60
    assert finding == {
        "name": "local",
        "type": "file_system",
        "reachable": True,
        "right": None,
        "files": 0,
        "projects": 0,
        "refused": 0,
        "facts": {},
        "warnings": [],
        "problem": None,
    }


@pytest.mark.parametrize(
    ("config", "admin_secret", "problem"),
    [
        (FORGE + "reachable = false", FORGE_ADMIN, "forge: The forge does not answer; try again later.\n"),
        (FORGE, FORGE_ADMIN.replace("known", "other"), "forge: the storage does not let the admin secret read\n"),
        (FORGE, None, "forge: the storage does not let the admin secret read (there is no admin secret)\n"),
    ],
)
def test_check_fails_if_any_repository_is_bad(
    tmp_path: Path, config: str, admin_secret: str | None, problem: str
) -> None:
    result = run("check", "--root", write(tmp_path, LOCAL + config, admin_secret))
    assert (result.exit_code, result.stderr) == (1, problem)
    assert "local       file_system  yes" in result.stdout, "the others are looked at all the same"


def test_what_was_never_synchronised_has_no_age(tmp_path: Path) -> None:
    result = run("check", "--root", write(tmp_path, FORGE + "reachable = false", FORGE_ADMIN))
    assert result.stdout.splitlines()[1].endswith("  never")


def test_check_uses_the_configuration_in_force_rather_than_the_files(tmp_path: Path) -> None:
    root = write(tmp_path, LOCAL)
    ConfigurationInForce(Root(root)).start_with(FORGE, FORGE_ADMIN)
    assert [row["name"] for row in json.loads(run("check", "--json", "--root", root).stdout)] == ["forge"]


def test_check_reports_every_problem_of_the_files_by_their_names(tmp_path: Path) -> None:
    root = write(tmp_path, LOCAL + "zzz = 1\nanonymous_read = 1", "[local]\ntype = 'file_system'")
    result = run("check", "--root", root)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"{root / 'config.toml'}: [local] anonymous_read = 1: expected true or false",
        f"{root / 'config.toml'}: [local] zzz: unknown key",
        f"{root / 'admin_secret.toml'}: [local] raw, env: neither is given; expected the secret as raw, "
        "or the name of an environment variable as env",
    ]


def test_check_without_a_root_leaves_nothing_behind(tmp_path: Path) -> None:
    files = write(tmp_path / "files", FORGE, FORGE_ADMIN)
    before = sorted(tmp_path.rglob("*"))
    result = run("check", "--config", files / "config.toml", "--admin-secret", files / "admin_secret.toml")
    assert result.exit_code == 0, result.output
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_on_the_command_line_wins_over_the_root_of_the_environment(tmp_path: Path) -> None:
    files = write(tmp_path / "files", FORGE, FORGE_ADMIN)
    arguments = ["check", "--json", "--config", files / "config.toml", "--admin_secret", files / "admin_secret.toml"]
    result = run(*arguments, PYWHARF_ROOT=str(write(tmp_path / "root", LOCAL)))
    assert [row["name"] for row in json.loads(result.stdout)] == ["forge"]


def test_without_a_root_a_place_below_it_has_to_be_named(tmp_path: Path) -> None:
    config = write(tmp_path, LOCAL) / "config.toml"
    result = run("check", "--config", config)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{config}: [local] path: missing; without --root there is no default place\n",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Give --root ROOT (or set PYWHARF_ROOT), or --config FILE."),
        (["--root", "r", "--config", "c"], "--root and --config exclude each other; give one of them."),
        (["--root", "r", "--admin_secret", "a"], "--admin_secret goes with --config."),
        (["--config", "{}/none"], "{}/none: cannot be read: No such file or directory"),
        (["--config", "{}/latin"], "{}/latin: is not UTF-8 text (byte 0)"),
        (["--root", "{}"], "{} holds no configuration; make one by `pywharf init {}`, or name another ROOT."),
        (["--root", "{}/none"], "{0}/none holds no configuration; make one by `pywharf init {0}/none`, "
         "or name another ROOT."),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_found_is_wrong_usage(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    result = run("check", *(argument.format(tmp_path) for argument in arguments))
    assert result.exit_code == 2
    assert sentence.format(tmp_path, tmp_path) in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["latin"], "nothing was made"


# --- plugins, hash_secret, secrets ---------------------------------------------------------------------------


def test_plugins_lists_what_each_provides_and_what_is_broken() -> None:
    plugins = Plugins.of()
    plugins = Plugins(
        installed=sample_plugins().installed,
        broken={"bells": BrokenPlugin("bells", "acme-bells", "ImportError: no rope", "2.1")},
        disabled=["towers"],
    )
    assert run("plugins", plugins=plugins).stdout.splitlines() == [
        "PLUGIN          DISTRIBUTION    PROVIDES",
        "SamplePlugin    this process    storage type file_system, storage type forge",
        "shared_secrets  this process    auth type secrets",
        "bells           acme-bells 2.1  broken: ImportError: no rope",
        "towers                          switched off",
    ]
    document = json.loads(run("plugins", "--json", plugins=plugins).stdout)
    assert document["broken"] == [
        {"name": "bells", "distribution": "acme-bells", "error": "ImportError: no rope", "version": "2.1"}
    ]
    assert "plugin bells of acme-bells 2.1: broken" in run("--version", plugins=plugins).stdout
    assert document["disabled"] == ["towers"]


def test_hash_secret_reads_one_line_and_prints_its_hash() -> None:
    result = run("hash_secret", stdin="sesame\nmore")
    assert Secret.from_hash(result.stdout.strip()).matches(Secret("sesame"))
    assert "sesame" not in result.output


def test_hash_secret_without_a_secret_fails() -> None:
    result = run("hash_secret", stdin="")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: There was no secret on standard input; give it as one line.\n",
    )


@click.command()
@click.option("--secret", type=SECRET)
@click.option("--other", type=SECRET)
def show(secret: Secret, other: Secret | None) -> None:
    click.echo(f"{secret} {secret.reveal()} {other.reveal() if other else None}")


def test_a_secret_may_come_from_standard_input() -> None:
    runner = CliRunner()
    assert runner.invoke(show, ["--secret", "x"]).stdout == "*** x None\n"
    assert runner.invoke(show, ["--secret", "-", "--other=-"], input="one\r\ntwo\n").stdout == "*** one two\n"
    assert runner.invoke(show, ["--secret", "-"], input="").exit_code == 2


def test_no_fresh_secret_looks_like_an_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawn = iter(["-p", "read", "-h", "-x", "write", "admin"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _length: next(drawn))
    run("init", tmp_path / "root")
    config = tomllib.loads((tmp_path / "root" / "config.toml").read_text())["local"]
    assert (config["read_secret"], config["write_secret"]) == ("read", "write")
