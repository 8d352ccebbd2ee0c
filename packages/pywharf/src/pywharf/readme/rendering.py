"""A description as HTML, by its content type; whatever cannot be rendered is shown as the text that it is.

Slow, and of unknown slowness: `docutils`, and the regular expressions of `pygments`, take whatever somebody wrote. So it
runs in a process of its own, `pywharf.readme.child`, and nothing else imports this module.
"""

from __future__ import annotations

from readme_renderer import markdown, rst

from pywharf.readme.description import Description, Shape, plain
from pywharf.readme.rewriting import rewrite

_MOST_HTML = 3_000_000  # characters; highlighting makes twenty times as much of some texts


def render(text: str, content_type: str) -> Description:
    """:param content_type: as the metadata has it; "": none, which means reStructuredText or, if it is not, plain text."""
    media_type, _, parameters = content_type.partition(";")
    match media_type.strip().lower():
        case "text/markdown":
            variant = "CommonMark" if "variant=commonmark" in parameters.lower().replace(" ", "") else "GFM"
            html = markdown.render(text, variant)
        case "text/x-rst":
            html = rst.render(text)
        case "":
            html = rst.render(text)
            if html is None:
                return plain(text)
        case _:
            return plain(text)
    html = None if html is None else rewrite(html)
    return plain(text, Shape.BROKEN) if html is None or len(html) > _MOST_HTML else Description(html, Shape.RENDERED)
