"""``pywharf github.init_pkg_repo``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pywharf_core import (
    Plugins,
    Secret,
    check_no_configuration,
    load_configuration,
    toml_text,
    write_new_configuration,
)
from pywharf_github.commands import flags
from pywharf_github.options import API_URL

if TYPE_CHECKING:
    from pywharf_github.workflow import Plan

ADMIN_VARIABLE = "PYWHARF_ADMIN_TOKEN"

_PAGES_WARNING = (
    "warning: a site of GitHub Pages is public, whatever the repository is, unless your plan says otherwise: it will show "
    "the private repository's project names, versions and hashes to everybody. Files stay private, so that nobody can "
    "install from it."
)
_OLD_WORKFLOW_WARNING = (
    "warning: .github/workflows/main.yml is the workflow of pywharf 0.2, which writes over the index; remove it."
)


def _is_version(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    # Here for start-up speed.
    from packaging.version import InvalidVersion, Version

    try:
        return None if value is None else str(Version(value))
    except InvalidVersion:
        raise click.BadParameter(f"{value!r} is not a version, such as 1.0.0", context, parameter) from None


@click.command(
    "init_pkg_repo",
    epilog="Example: pywharf github.init_pkg_repo --name acme-packages --owner acme --repo packages --root ROOT --import dist/",
)
@flags.name
@flags.repo
@flags.token
@click.option("--owner", help="A user or organisation. [default: the token's user]")
@flags.branch
@flags.index_filename
@click.option(
    "--sync_index_interval", type=click.FloatRange(min=0, min_open=True), help="Seconds, for the configuration."
)
@click.option(
    "--private",
    metavar="GLOB",
    multiple=True,
    help="Names of projects that never come from the extra index, for the configuration; such as `acme-*`. Repeatable.",
)
@click.option(
    "--pywharf_version", callback=_is_version, help="What the workflow installs. [default: the newest from 1.0 on]"
)
@click.option("--enable_gh_pages", is_flag=True, help="Publish a static index on GitHub Pages, too.")
@click.option("--public", is_flag=True, help="A repository that everybody can read; else it is private.")
@click.option(
    "--root", type=click.Path(path_type=Path), help="Write the configuration there, for `pywharf server ROOT`."
)
@click.option(
    "--import",
    "imported",
    metavar="PATH",
    multiple=True,
    help="Publish these files, or the files in this folder, at once, as `pywharf import` does; with --root. Repeatable.",
)
@click.option("--dry_run", is_flag=True, help="Say what would be done, and do nothing.")
@flags.api_url
@click.pass_obj
def init_pkg_repo(
    plugins: Plugins,
    name: str,
    repo: str,
    token: Secret,
    owner: str | None,
    branch: str | None,
    index_filename: str,
    sync_index_interval: float | None,
    private: Sequence[str],
    pywharf_version: str | None,
    enable_gh_pages: bool,
    public: bool,
    root: Path | None,
    imported: Sequence[str],
    dry_run: bool,
    api_url: str,
) -> None:
    """Make a GitHub repository for packages.

    With the workflow that keeps its index in line. Prints the configuration for pywharf. The token must be allowed to
    create repositories and to write workflows. Run again after an interruption: what is done is left as it is.
    """
    # Here for start-up speed: PyGithub takes a quarter of a second to import.
    from pywharf_github.connections import Connections
    from pywharf_github.package_repository import PackageRepository, login_of
    from pywharf_github.workflow import Plan

    plan = Plan(
        name=name,
        owner=owner or "somebody",
        repo=repo,
        branch=branch,
        index_filename=index_filename,
        public=public,
        pages=enable_gh_pages,
        pywharf_version=pywharf_version,
    )

    def config() -> str:
        return _config(plan, api_url, sync_index_interval, private)

    # Before anything is done: what is wrong with the flags would be wrong with the configuration.
    load_configuration(config(), None, plugins, config_source="the flags")
    if root is not None:
        check_no_configuration(root)
    if imported:
        _check_import(root, imported)
    connections = Connections(api_url)
    try:
        plan = replace(plan, owner=owner or login_of(connections, token))
        repository = PackageRepository(connections, plan, token)
        if enable_gh_pages and not public:
            click.echo(_PAGES_WARNING, err=True)
        for step in repository.steps(rehearsal=dry_run):
            mark = ("would " if dry_run else "done: ") if step.needed else "already: "
            click.echo(f"{mark}{step.sentence}", err=True)
        if repository.has_old_workflow():  # asked last: what is not there yet has none
            click.echo(_OLD_WORKFLOW_WARNING, err=True)
    finally:
        connections.close()
    admin_secret = _admin_secret(plan)
    if root is not None and not dry_run:
        write_new_configuration(root, config(), admin_secret)
        click.echo(f"done: write the configuration into {root}", err=True)
    # A comment, so that the whole output is a configuration file.
    comment = "".join(f"# {line}\n" for line in admin_secret.splitlines())
    click.echo(
        f"{config()}\n# And admin_secret.toml, with the server's own token in {ADMIN_VARIABLE}:\n{comment}", nl=False
    )
    if imported and not dry_run:
        _import(click.get_current_context(), plan.name, root, imported)


def _check_import(root: Path | None, paths: Sequence[str]) -> None:
    """:raises UsageError: before anything is done."""
    if root is None:
        raise click.UsageError("--import goes with --root, which says where the configuration to publish with is.")
    if not os.environ.get(ADMIN_VARIABLE):
        raise click.UsageError(f"--import publishes with the server's own token; put it into {ADMIN_VARIABLE}.")
    missing = next((path for path in paths if not Path(path).exists()), None)
    if missing is not None:
        raise click.BadParameter(f"{missing} does not exist; name a folder or a file.", param_hint="--import")


def _import(context: click.Context, name: str, root: Path | None, paths: Sequence[str]) -> None:
    """Hand over to the command `import`, wherever it comes from."""
    group = context.find_root().command
    command = group.get_command(context, "import") if isinstance(group, click.Group) else None
    if command is None:
        raise click.UsageError("There is no command import to publish with.")
    arguments = [name, *paths, "--root", str(root)]
    with contextlib.redirect_stdout(sys.stderr):  # standard output is the configuration
        status = command.main(arguments, prog_name="pywharf import", standalone_mode=False, obj=context.obj)
    if status:
        context.exit(status)


def _config(plan: Plan, api_url: str, interval: float | None, private: Sequence[str]) -> str:
    table: dict[str, object] = {"type": "github", "owner": plan.owner, "repo": plan.repo}
    if plan.branch is not None:
        table["branch"] = plan.branch
    if plan.index_filename != flags.DEFAULTS.index_filename:
        table["index_filename"] = plan.index_filename
    if api_url != API_URL:
        table["api_url"] = api_url
    if interval is not None:
        table["sync_index_interval"] = interval
    if private:
        table["private"] = list(private)
    return toml_text.dumps({plan.name: table})


def _admin_secret(plan: Plan) -> str:
    return toml_text.dumps({plan.name: {"type": "github", "env": ADMIN_VARIABLE}})
