"""The pages of the documentation, and what is read from them."""

import re

from tests.docs.console import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md")) + [
    ROOT / n for n in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
]
# The README shows the verbs alone, as they are typed in an archive.
STARTS = {"README.md": "archive"}


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def named(path):
    return str(path.relative_to(ROOT))


def rows_of(page, heading):
    """The rows of the first table under a heading, as lists of cells without backticks."""
    _, _, rest = text_of(page).partition(f"{heading}\n")
    assert rest, f"{page} has no heading {heading!r}"
    lines = rest[rest.index("\n|") + 1 :].split("\n\n")[0].splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[2:]]
    return [[cell.strip().replace("`", "") for cell in row] for row in rows]
