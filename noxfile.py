"""The front door: `nox --list` is the table of contents, and CI runs these sessions and nothing else."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import nox

nox.needs_version = ">= 2024.4.15"
nox.options.default_venv_backend = "uv|virtualenv"

SUPPORTED = nox.project.python_versions(nox.project.load_toml("packages/pywharf-core/pyproject.toml"))

# Always all in one command: the siblings that they pin are each other, and not yet on PyPI in this version.
DISTRIBUTIONS = ("packages/pywharf-core", "packages/pywharf-filesystem", "packages/pywharf-github", "packages/pywharf")

PYTHON_FILES = ("packages", "tests", "docs", "noxfile.py")

#: All of core and of the file system, but for what moves whole repositories.
QUICK = (
    "tests/core",
    "tests/contract",
    "tests/filesystem",
    *(f"--ignore=tests/core/{room}" for room in ("export", "transfer", "verify")),
)

ROOT = Path("pywharf-root")


@nox.session(default=False, reuse_venv=True)
def serve(session: nox.Session) -> None:
    """Serve an index from ./pywharf-root, made when it is missing; PYWHARF_PORT (8888), further flags after `--`."""
    # nox knows Ctrl-C only; without this a SIGTERM would end nox and leave the server behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _install_pywharf(session)
    if not any((ROOT / name).exists() for name in ("config.toml", "server.sqlite3")):
        session.run("pywharf", "init", str(ROOT))
    port = os.environ.get("PYWHARF_PORT", "8888")
    session.run(
        *("pywharf", "server", str(ROOT), "--host", "127.0.0.1", "--port", port, *session.posargs),
        interrupt_timeout=1,  # seconds until nox sends a SIGTERM of its own, which a server that drains may ignore
        terminate_timeout=None,  # the server's own --grace is the limit
    )


@nox.session
def quick(session: nox.Session) -> None:
    """Check style and run the tests of core and of the file system that start no processes and move no repositories."""
    _lint(session)
    _install_pywharf(session, "-r", "tests/requirements-quick.txt")
    session.run("pytest", "-m", "not slow", "-n", "2", *(session.posargs or QUICK))


@nox.session(default=False)
def tests(session: nox.Session) -> None:
    """Run every test; pytest's arguments after `--`."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    session.run("pytest", "-n", "2", "--dist", "loadfile", *session.posargs)


@nox.session(python=SUPPORTED, default=False)
def pythons(session: nox.Session) -> None:
    """Run the quick tests on every Python that is supported, where it is installed."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    session.run("pytest", "-m", "not slow", "-n", "2", *session.posargs)


@nox.session(default=False)
def lint(session: nox.Session) -> None:
    """Check style: ruff's rules and format."""
    _lint(session)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of packages, tests, docs and this file."""
    _install_pywharf(session, "-r", "tests/requirements-types.txt")
    session.run("mypy", *(session.posargs or PYTHON_FILES))


@nox.session(default=False)
def wheels(session: nox.Session) -> None:
    """Build each distribution, install it alone, and start it."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    session.run("pytest", "tests/wheels", *session.posargs)


@nox.session(default=False)
def image(session: nox.Session) -> None:
    """Build the container image, run it, tell its size, start and memory; needs root, podman, runc and mmdebstrap."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    session.run("pytest", "tests/image", "tests/deploy/test_container_files.py", *session.posargs)


@nox.session(default=False)
def clients(session: nox.Session) -> None:
    """Run the matrix of real clients, and write what it finds into docs/clients.md."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    session.run("pytest", "tests/clients/matrix", *session.posargs, env={"PYWHARF_WRITE_DOCS": "1"})


@nox.session(default=False)
def github(session: nox.Session) -> None:
    """Try faults, tokens and requests on the stand-in for GitHub, and write what is found into docs/github*.md."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    found = [f"tests/github_backend/test_{name}.py" for name in ("clients", "fault_plan", "calls")]
    session.run("pytest", *found, *session.posargs, env={"PYWHARF_WRITE_DOCS": "1"})


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Look at all pages in Debian's Chromium, and write which ones axe-core checked into docs/accessibility.md."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    tests = ("pytest", "tests/browser", "-n", "2", "--dist", "loadfile")
    session.run(*tests, *session.posargs, env={"PYWHARF_WRITE_DOCS": "1"})


@nox.session(default=False)
def screenshots(session: nox.Session) -> None:
    """Make the pictures in docs/screenshots anew, with Debian's Chromium; another folder after `--`."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    session.run("python", "-m", "browser.screenshots", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure speed and memory as ratios to a floor of the same run; a benchmark's name after `--`."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    session.run("python", "-m", "benchmarks", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Run the property tests with thousands of examples; `--seconds`, `--round` and pytest's arguments after `--`."""
    _install_pywharf(session, "-r", "tests/requirements.txt")
    session.run("python", "-m", "fuzzing", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Write the generated parts of docs/ anew: options, commands, contracts of plugins."""
    _install_pywharf(session)
    session.run("python", "docs/generate.py", *session.posargs)


@nox.session(default=False)
def site(session: nox.Session) -> None:
    """Build the documentation as a site in ./site; a link that leads nowhere fails."""
    _install_pywharf(session, "-r", "tests/requirements-docs.txt")
    session.run("sphinx-build", "-W", "-n", "-b", "html", "-d", "site/.doctrees", "docs", "site", *session.posargs)


def _install_pywharf(session: nox.Session, *more: str) -> None:
    # Editable, so that no cache of built wheels can show yesterday's code.
    session.install(*(word for folder in DISTRIBUTIONS for word in ("-e", folder)), *more)


def _lint(session: nox.Session) -> None:
    session.install("-r", "tests/requirements-lint.txt")
    session.run("ruff", "check", *PYTHON_FILES)
    session.run("ruff", "format", "--check", *PYTHON_FILES)
