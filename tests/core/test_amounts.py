from __future__ import annotations

import pytest

from pywharf_core.amounts import counted, duration, named, size


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
        (12_345_678, "12.3 MB"), (5_368_709_119, "5.4 GB"), (2 * 10**15, "2000.0 TB"),
    ],
)  # fmt: skip
def test_a_size_is_told_in_the_unit_that_suits(count: int, said: str) -> None:
    assert size(count) == said


def test_counts_agree_with_their_nouns() -> None:
    assert [counted(number, "file") for number in (0, 1, 2, 12_345)] == ["0 files", "1 file", "2 files", "12,345 files"]
    assert counted(2, "file is", "files are") == "2 files are"


def test_many_names_are_told_by_the_first_ones() -> None:
    assert named(["a", "b"], 2) == "a, b"
    assert named(["a", "b", "c", "d"], 2) == "a, b and 2 more"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 seconds"), (0, "0 seconds"), (0.2, "1 second"), (1, "1 second"), (119, "119 seconds"),
        (119.5, "2 minutes"), (121, "3 minutes"), (7140, "119 minutes"), (7141, "2 hours"), (7200, "2 hours"),
        (9000, "2 hours 30 minutes"), (47 * 3600 + 1, "47 hours 1 minute"), (172_800, "2 days"),
        (3 * 86400 + 3600, "3 days 1 hour"), (10**7, "115 days 18 hours"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_the_units_that_suit(seconds: float, said: str) -> None:
    assert duration(seconds) == said
