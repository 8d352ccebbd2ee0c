from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywharf_core.errors import NotAcceptable
from pywharf_core.simple.negotiate import Representation, choose

V1 = "application/vnd.pypi.simple.v1"
LATEST = "application/vnd.pypi.simple.latest"
JSON, HTML_V1, HTML = Representation.JSON, Representation.HTML_V1, Representation.HTML


@pytest.mark.parametrize(
    ("client", "accept", "chosen"),
    [
        ("nobody", None, HTML),
        ("an empty header", "", HTML),
        ("hatch, pipenv, curl", "*/*", HTML),
        ("pip", f"{V1}+json, {V1}+html; q=0.1, text/html; q=0.01", JSON),
        ("uv", f"{V1}+json, {V1}+html;q=0.2, text/html;q=0.01", JSON),
        ("poetry", f"{V1}+json, */*;q=0.1", JSON),
        ("a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", HTML),
        ("old pip", "text/html", HTML),
        ("urllib of Java", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", HTML),
    ],
)
def test_every_client_gets_what_it_reads_best(client: str, accept: str | None, chosen: Representation) -> None:
    assert choose(accept) is chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (f"{V1}+json", JSON),
        (f"{V1}+html", HTML_V1),
        (f"{LATEST}+json", JSON),
        (f"{LATEST}+html", HTML_V1),
        (f"  {V1.upper()}+JSON ; Q=1.000 ", JSON),
        (f"text/html, {V1}+html, {V1}+json", JSON),
        (f"text/html, {V1}+html", HTML_V1),
        (f"{V1}+json;q=0.001, text/html;q=0.002", HTML),
        (f"{V1}+json;q=0.5, text/html;q=0.5", JSON),
        (f"{V1}+json;q=0, */*", HTML),
        (f"{V1}+json;q=0.1, */*", HTML),
        ("text/html;q=0, */*", JSON),
        (f"text/html;q=0, {V1}+json;q=0, */*;q=0.1", HTML_V1),
        ("text/*", HTML),
        ("application/*", JSON),
        ("application/*;q=0.2, text/*;q=0.3", HTML),
        ("application/*;q=0, */*;q=0.1", HTML),
        ("text/html, */*", HTML),
        ("application/json, */*", HTML),
        (f"{V1}+json;charset=utf-8;q=0.9, text/html;q=0.8", JSON),
        (f"{V1}+json;q=high, text/html;q=0.1", HTML),
        (f"{V1}+json;q=1.5, text/html;q=0.1", HTML),
        (f"{V1}+json;q=0, {LATEST}+json, text/html;q=0.1", HTML),
        (f"{V1}+json" + ", text/plain" * 100, JSON),
        (",,, ,", HTML),
    ],
)
def test_quality_and_precision_decide(accept: str, chosen: Representation) -> None:
    assert choose(accept) is chosen


@pytest.mark.parametrize(
    "accept", ["application/json", "image/*", "*/*;q=0", "text/html;q=0", "text/html;q=0.000, image/png", "nonsense"]
)
def test_whoever_takes_nothing_of_ours_is_told_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptable, match=r"can be had as .*v1\+json, .*v1\+html or text/html; the Accept header"):
        choose(accept)


@pytest.mark.parametrize(
    ("format", "chosen"),
    [
        (f"{V1}+json", JSON),
        (f"{V1} json", JSON),  # what a form decoder makes of an unquoted +
        (f"{LATEST}+html", HTML_V1),
        ("text/html", HTML),
        ("TEXT/HTML", HTML),
    ],
)
@pytest.mark.parametrize("accept", [None, "text/html", f"{V1}+json", "image/png"])
def test_the_url_parameter_beats_the_header(accept: str | None, format: str, chosen: Representation) -> None:
    assert choose(accept, format) is chosen


@pytest.mark.parametrize("format", ["", "json", "application/json", "*/*"])
def test_an_unknown_url_parameter_is_not_acceptable(format: str) -> None:
    with pytest.raises(NotAcceptable, match="the URL's parameter format"):
        choose("text/html", format)


RANGES = st.sampled_from([f"{V1}+json", f"{V1}+html", f"{LATEST}+json", "text/html", "text/*", "application/*", "*/*"])
QUALITIES = st.integers(0, 1000).map(lambda thousandths: f"{thousandths / 1000:.3f}")


@given(st.text() | st.text(";,=*/q. 01texhml"), st.none() | st.text())
def test_negotiation_answers_or_refuses_whatever_is_sent(accept: str, format: str | None) -> None:
    with suppress(NotAcceptable):
        assert choose(accept, format) in Representation


@given(st.lists(st.tuples(RANGES, QUALITIES), min_size=1, unique_by=lambda item: item[0]))
def test_the_order_in_the_header_means_nothing(ranges: list[tuple[str, str]]) -> None:
    def answer(items: list[tuple[str, str]]) -> Representation | None:
        try:
            return choose(", ".join(f"{name};q={quality}" for name, quality in items))
        except NotAcceptable:
            return None

    assert answer(ranges) is answer(ranges[::-1])
