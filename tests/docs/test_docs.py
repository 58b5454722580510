"""The documentation, held against the program: what a page shows is what happens."""

import re
import unicodedata

import pytest

from tests.docs.console import ROOT, Home, allowed_codes, first_missing, start_of, steps_of
from tests.docs.pages import DOCS, PAGES, STARTS, named, text_of
from tests.docs.starts import settle

# What pages show is run.


@pytest.mark.parametrize(
    "page", [p for p in PAGES if "```console" in p.read_text(encoding="utf-8")], ids=named
)
def test_what_a_page_shows_happens(page, starts, tmp_path):
    text = page.read_text(encoding="utf-8")
    steps = steps_of(text, named(page))
    assert steps
    name = STARTS.get(named(page), start_of(text))
    home = Home(tmp_path / "you")
    try:
        home.begin(settle(name, starts(name), home.path))
        for at, step in enumerate(steps):
            home.run(step, allowed_codes(steps, at))
    finally:
        home.close()


def test_only_console_blocks_show_the_program():
    # What is run elsewhere, such as other clients, stands in blocks of another kind.
    for page in PAGES:
        for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.M | re.S):
            assert kind, f"{named(page)}: a block of no kind"
            assert kind == "console" or not re.search(r"^\$ ", block, re.M), named(page)


def test_output_is_compared_line_by_line():
    said = "one  two\n ─────\nthree 3 four\nfive\n"
    assert first_missing(["one two", "three … four"], said) is None
    assert first_missing(["three … four", "one two"], said) == "one two"
    assert first_missing(["three 4 four"], said) == "three 4 four"
    assert first_missing(["one"], said) == "one"
    assert first_missing(["five", "five"], said) == "five"


def test_a_command_may_fail_only_where_the_page_says_so():
    block = "```console\n$ false\n$ echo $?\n1\n$ one \\\n    two\n> out\n```\n"
    steps = steps_of(block, "page")
    assert [one.command for one in steps] == ["false", "echo $?", "one     two"]
    assert allowed_codes(steps, 0) == {1}
    assert allowed_codes(steps, 2) == {0}
    assert steps[2].shown == ["> out"]


# Links and names.


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.M)
    for link in links:
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def anchors(page):
    """The anchors of a page's headings, as forges make them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    plain = ("".join(c for c in head.lower() if c in " -_" or c.isalnum()) for head in heads)
    return {one.replace(" ", "-") for one in plain}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_that_are_named_exist(page):
    for name in re.findall(
        r"`((?:src|tests|docs|examples|bench|requirements)/[\w./-]+)`", page.read_text()
    ):
        assert (ROOT / name).exists(), f"{name} is named and not there"


def test_pages_that_the_code_names_exist():
    for path in (ROOT / "src").rglob("*.py"):
        for name in re.findall(r"\bdocs/[\w./-]+\.md", path.read_text(encoding="utf-8")):
            assert (ROOT / name).is_file(), f"{named(path)} names {name}"


def test_every_page_is_in_the_index():
    index = text_of("docs/index.md")
    for page in DOCS.rglob("*.md"):
        name = str(page.relative_to(DOCS))
        assert name == "index.md" or f"({name})" in index, f"docs/index.md lacks {name}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pages_are_text_of_one_form(page):
    text = page.read_text(encoding="utf-8")
    assert text == unicodedata.normalize("NFC", text)
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert not re.search(r"[ \t]$", text, re.M), "white space at the end of a line"
    assert len(re.findall(r"^# ", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)) == 1
