"""axe-core: what a program can see of whether a page is accessible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

#: WCAG 2.2 up to AA, and axe-core's own good practice.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Of the package only the script that it brings.
_SCRIPT = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")

_version = re.search(r"axe v([\d.]+)", _SCRIPT)
assert _version is not None
VERSION = _version[1]

_RUN = """async tags => {
  const results = await axe.run(document, {
    runOnly: tags,
    rules: {"target-size": {enabled: true}},
    resultTypes: ["violations", "incomplete"],
  });
  return [results.passes.length, results.violations, results.incomplete];
}"""


@dataclass(frozen=True)
class Audit:
    """:ivar passed: how many rules had something to say of the page, and nothing against it.
    :ivar violations: sentences.
    :ivar unclear: what a person has to judge; sentences.
    """

    passed: int
    violations: Sequence[str]
    unclear: Sequence[str]


def audit(page: Page) -> Audit:
    """Of the page as it is shown now."""
    # By the debugger's way in, which the page's Content-Security-Policy does not know.
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_SCRIPT)
    passed, violations, unclear = page.evaluate(_RUN, TAGS)
    return Audit(passed, _sentences(violations), _sentences(unclear))


def _sentences(found: list[dict[str, Any]]) -> Sequence[str]:
    return [
        f"{rule['id']} ({rule['impact']}): {' '.join(str(part) for part in node['target'])}: "
        + "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])
        for rule in found
        for node in rule["nodes"]
    ]
