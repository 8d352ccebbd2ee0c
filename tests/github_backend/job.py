"""The steps of a workflow's job, run as a runner of Actions does."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from support.clean_shell import clean_shell, run


def steps_of(workflow: str | bytes, job: str) -> Sequence[Mapping[str, Any]]:
    """:returns: of each step, what the file says; ``Any``, as steps have many forms."""
    steps: list[Mapping[str, Any]] = yaml.safe_load(workflow)["jobs"][job]["steps"]
    return steps


def run_steps(
    workflow: str | bytes,
    job: str,
    *,
    folder: Path,
    expressions: Mapping[str, str],
    env: Mapping[str, str],
    without: Collection[str] = (),
) -> str:
    """Run the steps that are commands, one shell each, and give what they printed. pywharf and its like are installed.

    :param expressions: value by what stands in ``${{ … }}``.
    :param env: what the runner sets.
    :param without: steps that are left out, by what they are named or run.
    """
    shared = yaml.safe_load(workflow)["jobs"][job].get("env", {})
    path = f"{Path(sys.executable).parent}:{clean_shell()['PATH']}"
    printed = ""
    for step in steps_of(workflow, job):
        if "run" in step and not {step["run"].strip(), step.get("name")} & set(without):
            own = {
                name: re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: expressions[found[1]], str(value))
                for name, value in step.get("env", {}).items()
            }
            environment = {**clean_shell(), **env, **shared, **own, "PATH": path}
            printed += run("bash", "-e", "-c", step["run"], cwd=folder, env=environment)
    return printed
