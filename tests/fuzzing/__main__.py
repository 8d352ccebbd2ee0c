"""Run every property test for a time, and say how many cases were tried and how many failed.

``python -m fuzzing [--seconds S] [--round N] [arguments of pytest]``: rounds of N examples a test, each round with other
ones, until S seconds are over; a round that has begun is finished.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

# Hypothesis says so for people, and promises nothing; a test without a count is an error below.
_COUNTED = re.compile(r"(\d+) passing, (\d+) failing")


class Tally:
    """A plugin of pytest.

    :ivar cases: tried, by test.
    :ivar failures: tests that failed, by test.
    """

    def __init__(self, examples: int) -> None:
        self.cases: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._examples = examples

    def pytest_configure(self) -> None:
        from hypothesis import HealthCheck, settings  # not before pytest, which rewrites its plugins

        # No database: each round shall have other examples, and a failure is shown anyway.
        settings.register_profile(
            "fuzz",
            max_examples=self._examples,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        settings.load_profile("fuzz")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report: pytest.TestReport = yield  # type: ignore[assignment]  # what a wrapper is sent
        if report.failed:
            self.failures[item.nodeid] += 1
        if report.when == "call":
            counted = _COUNTED.findall(getattr(item, "hypothesis_statistics", ""))
            self.cases[item.nodeid] += sum(int(number) for numbers in counted for number in numbers)
        return report  # type: ignore[return-value]


def main(arguments: list[str]) -> int:
    """The exit status: 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="fuzz", description="Other arguments are pytest's, such as -k forms.")
    parser.add_argument("--seconds", type=float, default=60, help="begin no round after these (60)")
    parser.add_argument("--round", type=int, default=1000, help="examples of each test in a round (1000)")
    chosen, others = parser.parse_known_args(arguments)
    tally, rounds, began = Tally(chosen.round), 0, time.monotonic()
    while not tally.failures and time.monotonic() - began < chosen.seconds:
        rounds += 1
        usual = ["-q", "--no-header", "-p", "no:cacheprovider", "-m", "hypothesis"]
        status = pytest.main([*usual, *(others or [str(TESTS)])], plugins=[tally])
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return int(status)
    print()
    for test, count in sorted(tally.cases.items()):
        print(f"{count:>9}  {test.rpartition('/')[2]}{'  FAILED' if test in tally.failures else ''}")
    if uncounted := [test for test, count in tally.cases.items() if not count]:
        sys.exit(f"the statistics of {len(uncounted)} tests were not understood, such as {uncounted[0]}")
    failed = len(tally.failures)
    seconds = time.monotonic() - began
    print(f"{tally.cases.total():>9}  cases tried in {rounds} rounds and {seconds:.0f} seconds; {failed} tests failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
