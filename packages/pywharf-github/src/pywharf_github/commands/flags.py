"""Flags that the commands share."""

from __future__ import annotations

import click

from pywharf_core import SECRET
from pywharf_github.options import API_URL, GitHubOptions

DEFAULTS = GitHubOptions(owner="-", repo="-")

name = click.option("--name", required=True, help="The package repository's name in pywharf's configuration.")
repo = click.option("--repo", required=True, help="The GitHub repository's name, without its owner.")
branch = click.option("--branch", help="Where the index lies. [default: the repository's default branch]")
index_filename = click.option(
    "--index_filename", default=DEFAULTS.index_filename, show_default=True, help="The index file's path."
)
# GITHUB_API_URL is there in every job of Actions, the server's own on an Enterprise Server.
api_url = click.option(
    "--api_url",
    envvar="GITHUB_API_URL",
    default=API_URL,
    show_default=True,
    show_envvar=True,
    help="The REST API's address.",
)
token = click.option(
    "--token",
    type=SECRET,
    required=True,
    envvar=["PYWHARF_TOKEN", "GITHUB_TOKEN"],
    show_envvar=True,
    help="GitHub's token to act with; `-`: from standard input.",
)
