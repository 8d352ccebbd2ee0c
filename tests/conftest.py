"""What holds for all tests."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Generator, Iterator

import pytest
from hypothesis import settings

from support.shell_blocks import followed


def pytest_configure() -> None:
    """Processes that tests start listen to signals, also where pytest itself runs in the background or under nohup.

    Examples take the time they take.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if settings.get_current_profile_name() == "default":
        settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
        settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that says it follows a page has asked for the page's commands."""
    yield
    for mark in item.iter_markers("follows"):
        page, *headings = mark.args
        idle = [heading for heading in headings if (page, heading) not in followed]
        assert not idle, f"{item.name} says that it follows {page}, and did not ask for the commands below {idle}"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are no names: those of gzip hold the time, and workers that collect at another second would disagree."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tell what was measured; every line is printed at the end of the run."""
    return lambda line: record_property("figure", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    figures = [value for report in reports for name, value in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.line(line)


@pytest.fixture(autouse=True)
def process_as_it_was() -> Iterator[None]:
    """A program that configures logging or signals of its process does so for its own test only."""
    terminated = signal.getsignal(signal.SIGTERM)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(False)
    if signal.getsignal(signal.SIGTERM) is not terminated:
        signal.signal(signal.SIGTERM, terminated)
