from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.config.sample_plugins import FolderOptions, FolderType, ForgeOptions, ForgeType, sample_plugins
from pywharf_core.config import RepositoryConfiguration, load_configuration
from pywharf_core.errors import ConfigurationError
from pywharf_core.plugins import BrokenPlugin, Plugins
from pywharf_core.secret import Secret
from pywharf_core.shared_secrets import SharedSecretOptions, SharedSecretsType

LOCAL = '[local]\ntype = "file_system"\nread_secret = "foo"\nwrite_secret = "bar"\n'
FORGE = '[forge]\ntype = "forge"\nowner = "acme"\n'


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_SECRET", "from outside")
    monkeypatch.setenv("ACME_EMPTY", "")
    monkeypatch.setenv("ACME_LINE", "secret\n")
    monkeypatch.delenv("ACME_NOTHING", raising=False)


def loaded(config: str, admin_secret: str | None = None) -> Mapping[str, RepositoryConfiguration]:
    return load_configuration(config, admin_secret, sample_plugins())


def problems(config: str, admin_secret: str | None = None, plugins: Plugins | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(config, admin_secret, plugins or sample_plugins())
    return list(caught.value.problems)


# --- what is right -------------------------------------------------------------------------------------------


def test_a_table_becomes_a_repository_with_defaults() -> None:
    local = loaded(LOCAL)["local"]
    assert isinstance(local.storage_type, FolderType)
    assert local.storage_options == FolderOptions(path=None)
    assert isinstance(local.auth_type, SharedSecretsType)
    assert local.auth_options == SharedSecretOptions(read_secret=Secret("foo"), write_secret=Secret("bar"))
    assert local.max_file_bytes == 5 * 1024**3, "the type's own default"
    assert local.sync_index_interval == 60
    assert not local.anonymous_read
    assert local.private == ()
    assert local.extra_index_url is None
    assert not local.namespaces
    assert local.webhook_secret is None
    assert local.admin_secret is None


def test_the_storage_decides_where_its_type_says_so() -> None:
    forge = loaded(FORGE)["forge"]
    assert isinstance(forge.storage_type, ForgeType)
    assert forge.auth_type is None
    assert forge.auth_options is None
    assert forge.max_file_bytes == 2**31 - 1


def test_every_key_is_read() -> None:
    forge = loaded(
        f"""
        {FORGE}
        max_file_bytes = 1
        sync_index_interval = 0.5
        anonymous_read = true
        private = ["Acme-*", "[ab]?"]
        extra_index_url = "http://localhost:8080/mirrors/all/+simple/"
        auth = "secrets"
        read_secret_env = "ACME_SECRET"
        namespaces = true
        webhook_secret = "hook"
        downloads = "stream"
        retries = 0
        ratio = 2
        topics = ["a", "b"]
        """,
        '[forge]\ntype = "forge"\nraw = "administers"',
    )["forge"]
    assert forge.max_file_bytes == 1
    assert forge.sync_index_interval == 0.5
    assert forge.anonymous_read
    assert forge.private == ("Acme-*", "[ab]?")
    assert forge.extra_index_url == "http://localhost:8080/mirrors/all/+simple/"
    assert forge.auth_options == SharedSecretOptions(read_secret=Secret("from outside"))
    assert forge.namespaces
    assert forge.webhook_secret == Secret("hook")
    assert forge.storage_options == ForgeOptions(
        owner="acme", downloads="stream", retries=0, ratio=2.0, topics=("a", "b")
    )


def test_a_hashed_secret_is_known_by_its_hash_alone() -> None:
    hashed = Secret("foo").hashed()
    options = loaded(f"[local]\ntype = 'file_system'\nread_secret_hash = '{hashed}'")["local"].auth_options
    assert isinstance(options, SharedSecretOptions)
    assert options.read_secret is not None
    assert options.read_secret.matches(Secret("foo"))


def test_a_path_may_begin_with_a_tilde() -> None:
    options = loaded(LOCAL + 'path = "~/packages"')["local"].storage_options
    assert options == FolderOptions(path=Path.home() / "packages")


def test_names_are_kept_lower_case_in_both_files() -> None:
    repositories = loaded(LOCAL.replace("local", "Acme"), '[ACME]\ntype = "file_system"\nraw = "s"')
    assert list(repositories) == ["acme"]
    assert repositories["acme"].name == "acme"
    assert repositories["acme"].admin_secret == Secret("s")


@pytest.mark.parametrize("name", ["a", "7", "acme-packages", '"acme.team_2"', "a" * 100])
def test_a_name_may_be(name: str) -> None:
    assert list(loaded(LOCAL.replace("[local]", f"[{name}]"))) == [name.strip('"')]


def test_an_empty_extra_index_is_kept_apart_from_none() -> None:
    assert loaded(LOCAL + 'extra_index_url = ""')["local"].extra_index_url == ""


@pytest.mark.parametrize(("line", "secret"), [('raw = "s"', "s"), ('env = "ACME_SECRET"', "from outside")])
def test_an_admin_secret_is_written_down_or_comes_from_the_environment(line: str, secret: str) -> None:
    assert loaded(FORGE, f'[forge]\ntype = "forge"\n{line}')["forge"].admin_secret == Secret(secret)


def test_a_byte_order_mark_is_no_problem() -> None:
    assert "local" in loaded("\ufeff" + LOCAL)


# --- what is wrong in a configuration -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("", 'config.toml: no repository; expected a table for each, such as [local] and type = "file_system"'),
        ("[local\n", "config.toml: not TOML: Expected ']' at the end of a table declaration (at line 1, column 7)"),
        (LOCAL + LOCAL, "config.toml: not TOML: Cannot declare ('local',) twice (at line 5, column 7)"),
        (
            'tipe = "x"\n' + LOCAL,
            "config.toml: tipe: stands outside of any table; put a line such as [local] above it",
        ),
        (
            LOCAL + LOCAL.replace("local", "LOCAL"),
            "config.toml: [LOCAL] is the same repository as [local]: names are kept lower-case",
        ),
        (
            "[acme.team]\ntype = 'x'",
            'config.toml: [acme] team: a table inside of a table; a name with a dot needs quotes: ["acme.team"]',
        ),
        ("[local]", 'config.toml: [local] type: missing; expected one of "file_system", "forge"'),
        ("[local]\ntype = 3", 'config.toml: [local] type = 3: expected one of "file_system", "forge"'),
        (
            "[local]\ntype = 'forg'",
            'config.toml: [local] type = "forg": expected one of "file_system", "forge"; did you mean forge?',
        ),
        (
            "[local]\ntype = 'github'",
            "config.toml: [local] type = \"github\": not installed; get it by pip install 'pywharf[github]'",
        ),
        (
            LOCAL + 'max_file_bytes = "5 GB"',
            'config.toml: [local] max_file_bytes = "5 GB": expected a number of bytes, such as 5368709119',
        ),
        (
            LOCAL + "max_file_bytes = 0",
            "config.toml: [local] max_file_bytes = 0: expected a number of bytes, such as 5368709119",
        ),
        (
            LOCAL + "max_file_bytes = true",
            "config.toml: [local] max_file_bytes = true: expected a number of bytes, such as 5368709119",
        ),
        (
            LOCAL + "max_file_bytes = 1.5",
            "config.toml: [local] max_file_bytes = 1.5: expected a number of bytes, such as 5368709119",
        ),
        (
            LOCAL + "sync_index_interval = 0",
            "config.toml: [local] sync_index_interval = 0: expected a number of seconds above 0, such as 60",
        ),
        (
            LOCAL + "sync_index_interval = nan",
            "config.toml: [local] sync_index_interval = nan: expected a number of seconds above 0, such as 60",
        ),
        (
            LOCAL + "sync_index_interval = inf",
            "config.toml: [local] sync_index_interval = inf: expected a number of seconds above 0, such as 60",
        ),
        (
            LOCAL + 'anonymous_read = "no"',
            'config.toml: [local] anonymous_read = "no": expected true or false',
        ),
        (LOCAL + "anonymous_read = 0", "config.toml: [local] anonymous_read = 0: expected true or false"),
        (
            LOCAL + 'private = "acme-*"',
            'config.toml: [local] private = "acme-*": expected a list of project names or globs of them, '
            'such as ["acme-*"]',
        ),
        (
            LOCAL + 'private = ["acme *"]',
            'config.toml: [local] private = ["acme *"]: expected a list of project names or globs of them, '
            'such as ["acme-*"]',
        ),
        (
            LOCAL + "private = [1]",
            'config.toml: [local] private = [1]: expected a list of project names or globs of them, such as ["acme-*"]',
        ),
        (
            LOCAL + "read_secrt = 'foo'",
            "config.toml: [local] read_secrt: unknown key; did you mean read_secret?",
        ),
        (LOCAL + "zzz = 1", "config.toml: [local] zzz: unknown key"),
        (LOCAL + '"z\\nz" = 1', 'config.toml: [local] "z\\nz": unknown key'),
        (
            LOCAL + "sync_index_interval = 0x" + "f" * 5000,
            "config.toml: [local] sync_index_interval = a number too large: expected a number of seconds above 0, "
            "such as 60",
        ),
        ("a = " + "[" * 100_000, "config.toml: not a configuration: its values are nested too deeply"),
        (
            LOCAL + 'auth = "secret"',
            'config.toml: [local] auth = "secret": expected one of "storage", "secrets"; did you mean secrets?',
        ),
        (LOCAL + "auth = 1", 'config.toml: [local] auth = 1: expected one of "storage", "secrets"'),
        (
            FORGE + 'read_secret = "foo"',
            'config.toml: [forge] read_secret: means something only with auth = "secrets"; set that, '
            "or leave the key out",
        ),
        (
            '[local]\ntype = "file_system"',
            'config.toml: [local] read_secret, write_secret: at least one is needed with auth = "secrets"',
        ),
        ('[forge]\ntype = "forge"', 'config.toml: [forge] owner: missing; expected a text, such as "acme"'),
        (FORGE.replace('"acme"', "7"), 'config.toml: [forge] owner = 7: expected a text, such as "acme"'),
        (FORGE + "retries = -1", "config.toml: [forge] retries = -1: expected a whole number from 0, such as 1"),
        (FORGE + "ratio = 'x'", 'config.toml: [forge] ratio = "x": expected a number, such as 1.5'),
        (
            FORGE + "downloads = 'stram'",
            'config.toml: [forge] downloads = "stram": expected one of "redirect", "stream"; did you mean stream?',
        ),
        (FORGE.replace("acme", "nobody"), "config.toml: [forge] owner, retries: a nobody is tried once at most"),
        (LOCAL + "path = ''", 'config.toml: [local] path = "": expected a path, such as "/srv/packages"'),
        (
            LOCAL + "[local.more]\na = 1",
            'config.toml: [local] more: a table inside of a table; a name with a dot needs quotes: ["local.more"]',
        ),
        (
            LOCAL + f"zzz = '{'x' * 10}'\nmax_file_bytes = '{'y' * 200}'",
            f'config.toml: [local] max_file_bytes = "{"y" * 59}…: expected a number of bytes, such as 5368709119',
        ),
    ],
)
def test_a_problem_names_file_table_key_what_was_found_and_what_is_allowed(config: str, problem: str) -> None:
    assert problem in problems(config)


@pytest.mark.parametrize("name", ['".."', '"."', "-a", "a-", '"a/b"', '"a b"', '"é"', '""', "a" * 101])
def test_a_name_may_not_be(name: str) -> None:
    (problem,) = problems(LOCAL.replace("[local]", f"[{name}]"))
    assert "is no name for a repository: it starts and ends with a letter or digit" in problem


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8080",
        "ftp://localhost/simple",
        "https://",
        "https:///simple",
        "http://localhost:http/simple",
        "https://localhost/simple?x=1",
        "https://localhost/simple#x",
        "https://local host/simple",
        "https://localhost/\\nsimple",
    ],
)
def test_an_extra_index_is_a_plain_url(url: str) -> None:
    (problem,) = problems(LOCAL + f'extra_index_url = "{url}"')
    assert problem.startswith("config.toml: [local] extra_index_url = ")
    assert problem.endswith('expected the http or https URL of a simple index, without credentials, or "" for none')


def test_a_broken_plugin_that_is_needed_is_said_with_its_error() -> None:
    broken = Plugins(broken={"github": BrokenPlugin("github", "pywharf-github", "ImportError: no requests")})
    assert problems('[acme]\ntype = "github"', plugins=broken) == [
        'config.toml: [acme] type = "github": the plugin github of pywharf-github is broken: ImportError: no requests'
    ]


def test_a_plugin_that_is_switched_off_and_needed_is_said_to_be_so() -> None:
    assert problems('[acme]\ntype = "github"', plugins=Plugins(disabled=["github"])) == [
        'config.toml: [acme] type = "github": the plugin github is switched off by PYWHARF_DISABLE_PLUGINS'
    ]


def test_without_any_storage_type_that_is_said() -> None:
    assert problems('[acme]\ntype = "s3"', plugins=Plugins()) == [
        'config.toml: [acme] type = "s3": expected a type of storage, but none is installed'
    ]


def test_an_auth_type_that_the_storage_wants_and_nobody_brings_is_a_problem() -> None:
    plugins = Plugins(storage_types={"file_system": FolderType})
    assert (
        'config.toml: [local] auth: this type of storage wants "secrets", which is not there; expected "storage"'
        in problems('[local]\ntype = "file_system"', plugins=plugins)
    )


# --- secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("read_secret = 12345", "read_secret: expected a text in quotes, not empty, without control characters"),
        ("read_secret = ''", "read_secret: expected a text in quotes, not empty, without control characters"),
        (
            'read_secret = "sesame\\n"',
            "read_secret: expected a text in quotes, not empty, without control characters",
        ),
        (
            "read_secret_hash = 'sesame'",
            "read_secret_hash: expected a line made by `pywharf hash_secret`, such as scrypt$n=16384,…",
        ),
        (
            "read_secret_hash = 5",
            "read_secret_hash: expected a line made by `pywharf hash_secret`, such as scrypt$n=16384,…",
        ),
        ("read_secret_env = 'ACME_NOTHING'", "read_secret_env: the environment variable ACME_NOTHING is not set"),
        ("read_secret_env = 'sesame'", "read_secret_env: the environment variable that it names is not set"),
        (
            "read_secret_env = 'ACME_EMPTY'",
            "read_secret_env: the environment variable ACME_EMPTY holds no usable secret: it is empty or holds "
            "control characters, such as a line break at its end",
        ),
        (
            "read_secret_env = 'ACME_LINE'",
            "read_secret_env: the environment variable ACME_LINE holds no usable secret: it is empty or holds "
            "control characters, such as a line break at its end",
        ),
        (
            "read_secret_env = ''",
            'read_secret_env: expected the name of an environment variable, such as "PYWHARF_SECRET"',
        ),
        (
            "read_secret = 'sesame'\nread_secret_env = 'ACME_SECRET'",
            "read_secret and read_secret_env are given; one of them is enough",
        ),
    ],
)
def test_a_secret_that_is_wrong_is_not_shown(line: str, problem: str) -> None:
    assert problems(f'[local]\ntype = "file_system"\n{line}') == [f"config.toml: [local] {problem}"]


def test_a_secret_under_a_misspelt_key_is_not_shown() -> None:
    assert "sesame" not in "".join(problems(LOCAL + "raed_secret = 'sesame'"))


def test_credentials_in_a_url_are_not_shown() -> None:
    (problem,) = problems(LOCAL + 'extra_index_url = "https://me:sesame@localhost/simple"')
    assert '"https://***@localhost/simple"' in problem


# --- admin secrets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("admin_secret", "problem"),
    [
        ("[local\n", "not TOML: Expected ']' at the end of a table declaration (at line 1, column 7)"),
        ("raw = 'sesame'", "raw: stands outside of any table; put a line such as [local] above it"),
        ("[local]\nraw = 'sesame'", '[local] type: missing; expected the one in config.toml, "file_system"'),
        (
            "[local]\ntype = 'forge'\nraw = 'sesame'",
            '[local] type = "forge": expected "file_system", as in config.toml',
        ),
        (
            "[lokal]\ntype = 'file_system'\nraw = 'sesame'",
            "[lokal] config.toml has no such repository; did you mean local?",
        ),
        (
            "[local]\ntype = 'file_system'",
            "[local] raw, env: neither is given; expected the secret as raw, or the name of an environment variable "
            "as env",
        ),
        (
            "[local]\ntype = 'file_system'\nraw = 'sesame'\nenv = 'ACME_SECRET'",
            "[local] raw, env: both are given; expected the secret as raw, or the name of an environment variable "
            "as env",
        ),
        (
            "[local]\ntype = 'file_system'\nraw = 12345",
            "[local] raw: expected a text in quotes, not empty, without control characters",
        ),
        (
            "[local]\ntype = 'file_system'\nenv = 'ACME_NOTHING'",
            "[local] env: the environment variable ACME_NOTHING is not set",
        ),
        (
            "[local]\ntype = 'file_system'\nenv = 'sesame'",
            "[local] env: the environment variable that it names is not set",
        ),
        (
            "[local]\ntype = 'file_system'\nraw = 'x'\nrew = 'sesame'",
            "[local] rew: unknown key; did you mean raw?",
        ),
        (
            "[local]\ntype = 'file_system'\nraw = 'x'\n[LOCAL]\ntype = 'file_system'\nraw = 'y'",
            "[LOCAL] is the same repository as [local]: names are kept lower-case",
        ),
    ],
)
def test_a_wrong_admin_secret_is_a_problem_that_does_not_show_it(admin_secret: str, problem: str) -> None:
    assert problems(LOCAL, admin_secret) == [f"admin_secret.toml: {problem}"]


def test_a_storage_that_needs_a_secret_has_the_server_s_where_not_its_own_rights_decide() -> None:
    shared = FORGE + 'auth = "secrets"\nread_secret = "foo"\n'
    given = "[local]\ntype = 'file_system'\nraw = 'sesame'"
    unnamed = "the admin secrets (admin_secret.toml, or --admin_secret)"
    for admin_secret, place in ((None, unnamed), ("", "admin_secret.toml"), (given, "admin_secret.toml")):
        assert problems(LOCAL + shared, admin_secret) == [
            'config.toml: [forge] auth = "secrets": then the server does everything with its admin secret, and there is none; '
            f'expected a table [forge] in {place}, with type = "forge" and raw or env'
        ]
    assert loaded(shared, "[forge]\ntype = 'forge'\nraw = 'sesame'")["forge"].admin_secret == Secret("sesame")
    assert loaded(FORGE)["forge"].admin_secret is None
    assert loaded(LOCAL)["local"].admin_secret is None, "this storage needs none"


# --- together ------------------------------------------------------------------------------------------------


def test_all_problems_of_both_files_are_reported_at_once() -> None:
    found = problems(
        LOCAL + 'max_file_bytes = "5 GB"\nread_secrt = "x"\n' + FORGE + "retries = 1.5\n",
        '[forge]\ntype = "file_system"\nraw = ""\n',
    )
    assert [" ".join(problem.split()[:3]).rstrip(":") for problem in found] == [
        "config.toml: [local] max_file_bytes",
        "config.toml: [local] read_secrt",
        "config.toml: [forge] retries",
        "admin_secret.toml: [forge] type",
        "admin_secret.toml: [forge] raw",
    ]


def test_problems_call_the_files_by_the_names_they_were_given_by() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(
            "", "x", sample_plugins(), config_source="/etc/a.toml", admin_secret_source="the text of --admin_secret"
        )
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "/etc/a.toml",
        "the text of --admin_secret",
    ]


# --- required plugins ----------------------------------------------------------------------------------------


def test_a_plugin_that_is_required_and_works_is_no_problem() -> None:
    assert loaded(LOCAL + 'required_plugins = ["SamplePlugin"]\n')["local"].required_plugins == ("SamplePlugin",)


def test_a_required_plugin_that_does_not_work_is_told_with_the_reason() -> None:
    sample = sample_plugins()
    plugins = dataclasses.replace(
        sample,
        broken={"rules": BrokenPlugin("rules", "acme-rules", "ImportError: no luck")},
        disabled=["scanner"],
    )
    config = LOCAL + 'required_plugins = ["rules", "scanner", "SamplPlugin", "policy", "github"]\n'
    assert problems(config, plugins=plugins) == [
        "config.toml: [local] required_plugins: the plugin rules of acme-rules is broken: ImportError: no luck",
        "config.toml: [local] required_plugins: the plugin scanner is switched off by PYWHARF_DISABLE_PLUGINS",
        "config.toml: [local] required_plugins: the plugin SamplPlugin is not installed; did you mean SamplePlugin?",
        "config.toml: [local] required_plugins: the plugin policy is not installed",
        "config.toml: [local] required_plugins: the plugin github is not installed; get it by pip install 'pywharf[github]'",
    ]
