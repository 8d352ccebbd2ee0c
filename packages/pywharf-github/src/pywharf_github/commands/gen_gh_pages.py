"""``pywharf github.gen_gh_pages``."""

from __future__ import annotations

from pathlib import Path

import click

from pywharf_core import Plugins, Secret, load_configuration, toml_text
from pywharf_github.commands import flags


@click.command(
    "gen_gh_pages",
    epilog="Example: pywharf github.gen_gh_pages --name acme-packages --owner acme --repo packages --output_folder site/simple",
)
@flags.name
@flags.token
@click.option("--owner", required=True, help="The user or organisation that owns the GitHub repository.")
@flags.repo
@click.option(
    "--output_folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Where to write; made if it is missing, else empty.",
)
@flags.branch
@flags.index_filename
@flags.api_url
@click.pass_obj
def gen_gh_pages(
    plugins: Plugins,
    name: str,
    token: Secret,
    owner: str,
    repo: str,
    output_folder: Path,
    branch: str | None,
    index_filename: str,
    api_url: str,
) -> None:
    """Write a static index, as for GitHub Pages.

    For any other static host too. Its links lead to the releases on GitHub, so that installing from it needs a public
    repository. Warns where it would show the names of a private one.
    """
    # Here for start-up speed: PyGithub takes a quarter of a second to import.
    from pywharf_github.client import Client
    from pywharf_github.connections import Connections
    from pywharf_github.pages_site import PagesSite

    table = {"type": "github", "owner": owner, "repo": repo, "index_filename": index_filename, "api_url": api_url}
    if branch is not None:
        table["branch"] = branch
    load_configuration(toml_text.dumps({name: table}), None, plugins, config_source="the flags")
    if output_folder.exists() and any(output_folder.iterdir()):
        raise click.BadParameter(
            f"{output_folder} is not empty; name a new folder, so that no old page stays.", param_hint="--output_folder"
        )
    connections = Connections(api_url)
    try:
        site = PagesSite(Client(connections, owner, repo, token), branch, index_filename).write(output_folder)
    finally:
        connections.close()
    for sentence in site.left_out:
        click.echo(f"warning: {sentence}", err=True)
    if site.private:
        click.echo(
            f"warning: {owner}/{repo} is private. Whoever sees these pages learns the names, versions and hashes of its "
            "packages, and cannot install them: the files stay private.",
            err=True,
        )
    click.echo(f"{output_folder}: {len(site.projects)} projects, {site.files} files")
