"""Descriptions as they stand in a page: rendered by their format, harmless, and done within bounds whatever they are."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import html5lib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywharf.readme.description import Shape
from pywharf.readme.descriptions import Descriptions
from pywharf.readme.links import outside_link
from pywharf.readme.process import RenderingProcess
from pywharf.readme.rendering import render
from support.running_server import wait_until

MARKDOWN = "text/markdown"
RST = "text/x-rst"


def html(text: str, content_type: str = MARKDOWN) -> str:
    description = render(text, content_type)
    parser = html5lib.HTMLParser(strict=True)
    parser.parseFragment(description.html)
    return description.html


# --- formats -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", [MARKDOWN, "text/markdown; charset=UTF-8; variant=GFM", "Text/Markdown;variant=CommonMark"]
)
def test_markdown_is_rendered(content_type: str) -> None:
    shown = html("Say *hello*, `code`\n\n1. one\n", content_type)
    assert "<em>hello</em>" in shown
    assert "<code>code</code>" in shown
    assert "<ol>" in shown


def test_the_variant_of_markdown_counts() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert "<table>" in html(table)
    assert "<table>" not in html(table, "text/markdown; variant=CommonMark")


def test_restructured_text_is_rendered() -> None:
    shown = html("Grail\n=====\n\nSay *hello*\n\n.. note:: Mind\n\n.. code-block:: python\n\n   x = 1\n", RST)
    assert "Grail</h3>" in shown
    assert "<em>hello</em>" in shown
    assert '<div class="admonition note">' in shown
    assert '<span class="mi">1</span>' in shown


def test_a_description_without_a_format_is_restructured_text_or_else_plain() -> None:
    assert "<em>hello</em>" in html("*hello*", "")
    broken = render("`open\n====", "")
    assert (broken.shape, broken.html) == (Shape.PLAIN, '<pre class="plain" tabindex="0">`open\n====</pre>')


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=UTF-8", "text/html", "nonsense"])
def test_what_is_of_no_format_of_ours_is_shown_as_it_is(content_type: str) -> None:
    shown = render("a <b>\n  *c*", content_type)
    assert shown.html == '<pre class="plain" tabindex="0">a &lt;b&gt;\n  *c*</pre>'


def test_what_breaks_the_rules_of_its_format_is_shown_as_it_is() -> None:
    shown = render("Title\n==\n\n.. include:: /etc/passwd\n", RST)
    assert (shown.shape, "/etc/passwd" in shown.html, "root:" in shown.html) == (Shape.BROKEN, True, False)


# --- what is left of hostile ones ----------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1)) <a href='jav&#x09;ascript:alert(1)'>b</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>a</a>",
    "<iframe src='https://evil.test'></iframe><object data=x></object><embed src=x>",
    "<style>body{display:none}</style><link rel=stylesheet href=https://evil.test/x.css>",
    "<form action='https://evil.test'><input name=secret><button>Log in</button></form>",
    "<div style='position:fixed;top:0' class='top card notice button' id=main onclick=alert(1)>x</div>",
    "<svg><script>alert(1)</script></svg><math><mtext></mtext></math>",
    "<base href='https://evil.test/'><meta http-equiv=refresh content='0;url=https://evil.test'>",
    "<a name=main id=search>x</a><b id='a b'>y</b>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea></textarea><select><option>x</select>",
    "```<img src=x onerror=alert(1)>\n<script>alert(1)</script>\n```",
    "`<script>`\n\n    <script>alert(1)</script>\n",
    "<!-- --!><script>alert(1)</script> -->",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_is_left_of_markdown(text: str) -> None:
    _assert_harmless(html(text))


@pytest.mark.parametrize(
    "text",
    [
        ".. raw:: html\n\n   <script>alert(1)</script>\n",
        "`a <javascript:alert(1)>`_",
        ".. image:: javascript:alert(1)\n",
        ".. image:: https://evil.test/x.png\n   :target: javascript:alert(1)\n",
        ".. role:: raw-html(raw)\n   :format: html\n\n:raw-html:`<script>alert(1)</script>`\n",
        ".. class:: top card button\n\nText\n",
        ".. _main:\n\nText main_\n",
    ],
)
def test_nothing_hostile_is_left_of_restructured_text(text: str) -> None:
    _assert_harmless(html(text, RST))


PIECES = [
    "<div>", "</div>", "<p>", "<table>", "<tr>", "<td>", "# x", "> ", "- ", "\n", "\n\n", "<a href=https://x.test>", "</a>",
    "<h1 id=x>", "</h1>", "<b>", "<i>", "<img alt=x src=//y>", "<pre lang=python><code>", "[x]: y", "|-|-|",
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(HOSTILE + PIECES), max_size=12).map("".join))
def test_no_mixture_of_tags_is_hostile_or_empty_of_text(text: str) -> None:
    _assert_harmless(render(text, MARKDOWN).html)


def _assert_harmless(shown: str) -> None:
    tree = html5lib.parseFragment(shown, namespaceHTMLElements=False)
    for element in tree.iter():
        assert element.tag in (
            "DOCUMENT_FRAGMENT", "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd",
            "del", "details", "div", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "i", "kbd", "li", "ol", "p", "pre",
            "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul", "var",
        ), element.tag  # fmt: skip
        for name, value in element.attrib.items():
            assert name in (
                "align", "aria-label", "class", "colspan", "href", "id", "rel", "role", "rowspan", "scope", "start",
                "tabindex", "title",
            ), name  # fmt: skip
            if name == "href":
                assert value.startswith(("https://", "http://", "mailto:", "#user-content-")), value
            if name == "id":
                assert value.startswith("user-content-")
            if name == "class":
                assert not {"top", "card", "notice", "button", "skip", "search"} & set(value.split())
    identifiers = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))


# --- fit for our page ----------------------------------------------------------------------------------------


def test_headings_stand_below_ours_without_a_gap() -> None:
    assert [line[:3] for line in html("# a\n## b\n###### c\n").splitlines() if line] == ["<h3", "<h4", "<h6"]
    assert html("## a\n### b\n").startswith('<h3 id="user-content-a">a</h3>\n<h4')


def test_images_of_elsewhere_are_links_by_their_name() -> None:
    assert html("![A cup](https://img.test/cup.png)") == (
        '<p><a class="image" href="https://img.test/cup.png" rel="nofollow noopener" title="An image">A cup</a></p>\n'
    )
    assert ">cup.png</a>" in html("![](https://img.test/a%2Fb/cup.png?x=1)")
    assert html("![A cup](docs/cup.png)") == '<p><span class="image">A cup</span></p>\n'
    assert html("![A cup](data:image/png;base64,AAAA)") == '<p><span class="image">A cup</span></p>\n'


def test_a_badge_is_the_link_that_it_was() -> None:
    assert html("[![tests](https://img.test/t.svg)](https://ci.test/)") == (
        '<p><a href="https://ci.test/" rel="nofollow noopener"><span class="image">tests</span></a></p>\n'
    )


def test_links_lead_to_sites_mailboxes_and_places_in_the_text() -> None:
    shown = html(
        "# Part\n[a](https://x.test/) [b](mailto:a@b.test) [c](#part) [d](#nowhere) [e](docs/x.md) [f](//x.test/)"
    )
    assert '<a href="https://x.test/" rel="nofollow noopener">a</a>' in shown
    assert '<a href="mailto:a@b.test" rel="nofollow noopener">b</a>' in shown
    assert '<a href="#user-content-part">c</a>' in shown
    assert "<span>d</span> <span>e</span> <span>f</span>" in shown


def test_what_turns_text_around_is_seen_however_it_is_written() -> None:
    text = html("a&#x202e;b\u202ec\n\n[d&#8238;e](https://a.test 'f&#x2066;g') ![h&#x202e;i](https://a.test/h)")
    assert not set(text) & set("\u202e\u2066")
    assert text.count("\N{REPLACEMENT CHARACTER}") == 5


def test_tasks_are_told_in_words_and_tables_and_code_can_be_scrolled() -> None:
    shown = html("- [ ] a\n- [x] b\n\n| h |\n|---|\n| c |\n\n```python\nx = 1\n```\n")
    assert '<span role="img" aria-label="to do">☐</span> a' in shown
    assert '<span role="img" aria-label="done">☑</span> b' in shown
    assert '<div class="table-frame" tabindex="0" role="group" aria-label="Table"><table>' in shown
    assert '<th scope="col">h</th>' in shown
    assert '<pre tabindex="0"><span class="n">x</span>' in shown


def test_footnotes_lead_there_and_back() -> None:
    shown = html("a[^1]\n\n[^1]: b\n")
    assert 'href="#user-content-fn-1" id="user-content-fnref-1"' in shown
    assert '<li id="user-content-fn-1">' in shown


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://x.test", True), ("http://x.test/a?b#c", True), (" HTTPS://x.test ", True), ("mailto:a@b.test", True),
        ("javascript:alert(1)", False), ("JaVaScRiPt:alert(1)", False), ("data:text/html,x", False), ("https:", False),
        ("https:///x", False), ("//x.test", False), ("/x", False), ("x", False), ("", False), ("http://[", False),
        ("https://x.test/\u202ex", False), ("https://x.test/\n", True), ("https://x.t\nest/", False), ("mailto:", False),
        ("ftp://x.test", False), ("vbscript:x", False), ("https://x.test/" + "a" * 3000, False),
    ],
)  # fmt: skip
def test_only_addresses_of_sites_and_mailboxes_are_links(url: str, is_link: bool) -> None:
    assert (outside_link(url) is not None) is is_link


# --- bounds --------------------------------------------------------------------------------------------------


@pytest.fixture
def process() -> Iterator[RenderingProcess]:
    made = RenderingProcess()
    yield made
    made.close()


def pid_of(process: RenderingProcess) -> int:
    assert process._process is not None
    return process._process.pid


def test_the_process_renders_one_after_the_other(process: RenderingProcess) -> None:
    assert process.render("*a*", MARKDOWN) == render("*a*", MARKDOWN)
    first = pid_of(process)
    assert process.render("Ünï \0 \U0001f3fa", MARKDOWN) == render("Ünï \0 \U0001f3fa", MARKDOWN)
    assert pid_of(process) == first


@pytest.mark.slow
@pytest.mark.parametrize("text", [">" * 100_000, "<div>" * 60_000])
def test_what_takes_too_long_is_given_up_and_the_next_one_is_rendered(process: RenderingProcess, text: str) -> None:
    began = time.monotonic()
    assert process.render(text, MARKDOWN) is None
    assert time.monotonic() - began < 30
    assert process.render("*a*", MARKDOWN) == render("*a*", MARKDOWN)


def test_a_process_that_is_gone_is_begun_anew(process: RenderingProcess) -> None:
    process.render("*a*", MARKDOWN)
    first = pid_of(process)
    os.kill(first, signal.SIGALRM)  # as when nobody asked for a while
    wait_until(lambda: not os.path.exists(f"/proc/{first}"), "nothing is left of it")
    assert process.render("*b*", MARKDOWN) == render("*b*", MARKDOWN)
    assert pid_of(process) != first


def test_the_process_knows_no_secret_of_the_server(process: RenderingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYWHARF_COMMAND_ADMIN_SECRET", "administers")
    process.render("*a*", MARKDOWN)
    with open(f"/proc/{pid_of(process)}/environ", "rb") as environment:
        assert b"administers" not in environment.read()


def test_the_process_is_what_ends_where_memory_runs_out(process: RenderingProcess) -> None:
    process.render("*a*", MARKDOWN)
    assert Path(f"/proc/{pid_of(process)}/oom_score_adj").read_text().strip() == "1000"


def test_the_process_ends_with_its_server() -> None:
    script = (
        "from pywharf.readme.process import RenderingProcess as R; r = R(); r.render('a', 'text/markdown'); "
        "print(r._process.pid, flush=True); input()"
    )
    server = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    child = int(server.stdout.readline())
    server.kill()
    server.wait()
    wait_until(lambda: not os.path.exists(f"/proc/{child}"), "the process ends")
    for stream in (server.stdin, server.stdout):
        assert stream is not None
        stream.close()


def test_the_server_itself_holds_none_of_the_libraries_that_render() -> None:
    script = "import sys, pywharf.app; print({'docutils', 'pygments', 'readme_renderer', 'nh3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_closing_lets_nobody_wait() -> None:
    process = RenderingProcess()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(process.render(">" * 100_000, MARKDOWN)))
    thread.start()
    wait_until(lambda: process._process is not None, "it is at work")
    process.close()
    thread.join()
    assert answers == [None]
    assert process.render("a", MARKDOWN) is None
    gc.collect()  # a pipe that was left open would warn


def test_a_description_is_rendered_once_and_remembered() -> None:
    async def scenario() -> None:
        descriptions = Descriptions()
        try:
            assert descriptions.recall("0" * 64, MARKDOWN) is None
            made = await descriptions.render("0" * 64, MARKDOWN, "*a*")
            assert made == render("*a*", MARKDOWN)
            assert descriptions.recall("0" * 64, MARKDOWN) is made
            assert descriptions.recall("0" * 64, RST) is None
            empty = await descriptions.render("1" * 64, MARKDOWN, " \n")
            assert (empty.html, descriptions.recall("1" * 64, MARKDOWN)) == ("", empty)
        finally:
            await descriptions.close()

    asyncio.run(scenario())


def test_who_comes_for_the_same_at_once_waits_for_the_one_that_renders_it() -> None:
    async def scenario() -> None:
        now = 0.0
        descriptions = Descriptions(lambda: now)
        try:
            async with asyncio.TaskGroup() as tasks:
                slow = [tasks.create_task(descriptions.render("0" * 64, MARKDOWN, ">" * 100_000)) for _ in range(5)]
        finally:
            await descriptions.close()
        assert {task.result().shape for task in slow} == {Shape.BROKEN}, "none was told to come again"
        now = 200
        assert descriptions.recall("0" * 64, MARKDOWN) is slow[0].result()
        now = 400
        assert descriptions.recall("0" * 64, MARKDOWN) is None, "the machine may have been busy"

    asyncio.run(scenario())


def test_what_is_too_long_is_shown_in_part_as_text() -> None:
    async def scenario() -> None:
        descriptions = Descriptions()
        shown = await descriptions.render("0" * 64, MARKDOWN, "*a* <b> " * 100_000)
        await descriptions.close()
        assert shown.shape is Shape.CUT
        assert shown.html.startswith('<pre class="plain" tabindex="0">*a* &lt;b&gt;')
        assert len(shown.html) < 800_000

    asyncio.run(scenario())


def test_no_more_is_remembered_than_fits() -> None:
    async def scenario() -> None:
        descriptions = Descriptions()
        for number in range(60):
            await descriptions.render(f"{number:064}", "text/plain", "x" * 500_000)
        await descriptions.close()
        assert descriptions.recall(f"{0:064}", "text/plain") is None
        assert descriptions.recall(f"{59:064}", "text/plain") is not None
        assert descriptions._size <= 5_000_000

    asyncio.run(scenario())
