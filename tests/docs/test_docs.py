"""The documentation, held against the program: what a page shows is what happens."""

import ast
import io
import json
import os
import re
import shutil
import signal
import sys
import tomllib
import unicodedata

import pyarrow.parquet as pq
import pytest

from songark.ark.layout import Ark
from songark.ark.lock import locked
from songark.ark.settings import TEMPLATE
from songark.catalogue import match
from songark.catalogue.normalise import artist_key
from songark.cli.main import songark
from songark.demo.strangers import serving
from songark.model import errors
from songark.model.evidence import Grade
from songark.model.finding import Reject
from songark.plan.plan import RARE_SHARE
from songark.release.feed_roles import LIFETIME
from songark.release.packs import TIERS
from songark.rights.terms import CLASSES
from songark.sources.evidence.rights_toml import parse_rights
from songark.sources.listens_rows import read_rows_of
from tests.docs.console import (
    BEFORE,
    ROOT,
    Home,
    allowed_codes,
    first_missing,
    make_start,
    settle,
    start_of,
    steps_of,
)
from tests.docs.tables import PAGE, TABLES, filled, slots

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


# What pages show is run.


@pytest.fixture(scope="session")
def starts(tmp_path_factory):
    """Gives the folder of a start, made once for all processes of this run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def start(name):
        before = start(BEFORE[name]) if name in BEFORE else None
        folder = shared / "docs-starts" / name
        with locked(shared / f"docs-{name}.lock", wait=120):
            if not folder.is_dir():
                make_start(name, folder, before)
        return folder

    return start


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


# JSON.


@pytest.fixture
def said(capsys, monkeypatch, tmp_path):
    """Runs a verb in this process with --json; gives its lines and the code it ends with."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = signal.getsignal(signal.SIGTERM)

    def run(*words):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["songark", *words])
        with pytest.raises(SystemExit) as ended:
            songark.main(args=[*map(str, words), "--json"], prog_name="songark")
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()], ended.value.code

    yield run
    signal.signal(signal.SIGTERM, before)


def told_keys(row):
    return set(re.findall(r"\w+", row[1]))


def test_summaries_have_the_keys_of_the_page(said, starts, tmp_path):
    start = starts("published")
    ark, mirror = tmp_path / "ark", tmp_path / "mirror"
    shutil.copytree(start / "ark", ark)
    music = start / "Music" / "cc"
    page = tmp_path / "page.html"
    page.write_text(
        "Somebody: So the Tag Says https://creativecommons.org/licenses/by/4.0/", encoding="utf-8"
    )
    song = "ri2zsm3ebfo6iliwd"
    with serving(Ark.open(ark)) as served:
        peer = "{}:{}".format(*served.peer)
        loopback = ["--no-discovery", "--listen", "127.0.0.1:0", "--peer", peer]
        calls = [
            ["init", "--ark", tmp_path / "new"],
            ["add", music / "withheld", "--ark", tmp_path / "new"],
            ["explain", song, "--ark", ark],
            ["mirror", ark / "feed", mirror, *loopback],
            ["get", song, "--ark", ark, "--from", f"{served.web}music/", "--to", tmp_path],
            ["check", "--ark", ark],
            ["rebuild", ark / "feed", mirror, tmp_path / "again"],
            ["doctor", "--ark", ark],
            ["evidence", music / "withheld" / "bare-tag.mp3", page, "--ark", ark],
            ["plan", "--ark", ark],
            ["withdraw", song, "--ark", ark],
            ["publish", "--ark", ark],
            ["report", "--ark", ark],
        ]
        ran = {words[0]: said(*words) for words in calls}
    keys = {row[0]: told_keys(row) for row in rows_of("docs/json.md", "## Summaries")}
    for verb, (lines, code) in ran.items():
        assert code == 0, (verb, lines[-1])
        assert lines[-1]["message_type"] == "summary", verb
        assert set(lines[-1]) == keys[verb] | {"message_type"}, verb
        for line in lines[:-1]:
            assert line["message_type"] == "status"
            if "stage" in line:
                assert set(line) - {"bytes_total"} == {"message_type", "stage", "bytes_done"}
    assert set(keys) == set(ran) | {"seed", "demo"}
    assert set(songark.list_commands(None)) == set(keys)


def test_errors_have_the_keys_of_the_page(said, tmp_path):
    lines, code = said("check", "--ark", tmp_path)
    (row,) = (r for r in rows_of("docs/json.md", "# JSON for programs") if r[0] == "error")
    assert set(lines[-1]) == set(re.findall(r"\w+", row[2])) | {"message_type"}
    assert lines[-1]["exit_code"] == code == 10


def test_the_demo_says_what_the_page_says():
    # It takes too long to be told here; its own tests tell it.
    call = next(
        node
        for node in ast.walk(ast.parse(text_of("src/songark/cli/demo.py")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "summary"
    )
    figures = re.findall(r'self\.figures\["(\w+)"\] =', text_of("src/songark/demo/story.py"))
    (row,) = (r for r in rows_of("docs/json.md", "## Summaries") if r[0] == "demo")
    assert told_keys(row) == {k.arg for k in call.keywords if k.arg} | set(figures)


def test_every_event_is_on_the_page():
    told = {row[1] for row in rows_of("docs/json.md", "## Events")}
    code = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "src/songark/cli").glob("*.py"))
    assert set(re.findall(r'event="(\w+)"', code)) == told - {"the chapter"}


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


# Facts that stand in the code as well.


def test_the_tables_of_the_formats_are_those_of_the_code():
    page = PAGE.read_text(encoding="utf-8")
    assert sorted(slots(page)) == sorted(TABLES)
    assert filled(page) == page, "run: python -m tests.docs.tables"


def test_every_file_of_an_archive_is_explained(starts):
    ark = starts("published") / "ark"
    forms = [
        _form(one)
        for row in rows_of("docs/formats.md", "## An archive")
        for one in row[0].split(", ")
    ]
    for path in (p for p in ark.rglob("*") if p.is_file()):
        name = str(path.relative_to(ark))
        assert any(re.fullmatch(form, name) for form in forms), f"{name} is not in docs/formats.md"
        if path.suffix == ".parquet":
            schema = pq.read_schema(path)
            assert schema.equals(TABLES[path.name]), name
            assert all(b"meaning" in (field.metadata or {}) for field in schema), name


def _form(shown):
    """A path as the page shows it, as a regular expression."""
    form = re.escape(shown)
    for word, meaning in {
        "<hash>": "[0-9a-f]{64}",
        "<root>": "[0-9a-f]{64}",
        "<v2 infohash>": "[0-9a-f]{64}",
        "<id>": "(?:[0-9a-f]{16}|current)",
        "<n>": "[0-9]+",
        "<size>": "[0-9]+",
        "<ext>": "[a-z0-9]{1,8}",
        "<snapshot>": "[0-9a-f]{16}",
        "<version>": "[0-9]+",
    }.items():
        form = form.replace(re.escape(word), meaning)
    form = form.replace("/ab/cd/", "/[0-9a-f]{2}/[0-9a-f]{2}/").replace(r"\*", "[^/]*")
    return form.removesuffix("/") + "(?:/.*)?" if shown.endswith("/") else form


def test_every_setting_is_explained():
    told = tomllib.loads(TEMPLATE.format(name="ark"))
    known = {
        f"{section}.{key}": value
        for section, keys in told.items()
        if isinstance(keys, dict)
        for key, value in keys.items()
    } | {"name": "ark"}
    shown = {row[0]: row[1] for row in rows_of("docs/keep.md", "## Settings")}
    assert set(shown) == set(known)
    for key, value in known.items():
        if key != "name":
            assert tomllib.loads(f"v = {shown[key]}")["v"] == value, key


def test_grades_are_told_from_the_weakest():
    rows = rows_of("docs/evidence.md", "## Grades")
    assert [(int(row[0]), row[1]) for row in rows] == [(int(g), g.words) for g in Grade]


def test_the_example_of_a_rights_file_is_one():
    (block,) = re.findall(r"^```toml\n(.*?)^```$", text_of("docs/evidence.md"), re.M | re.S)
    (entry,) = parse_rights(block)
    keys = {row[0] for row in rows_of("docs/evidence.md", "### songark.rights.toml")}
    assert keys == set(tomllib.loads(block)["rights"][0])
    assert entry.licence == "CC-BY-4.0"


def test_licence_classes_are_told_in_their_order():
    found = re.findall(r"`(CC[A-Z0-9-]+)`", text_of("docs/evidence.md").split("## Licences\n")[1])
    assert tuple(dict.fromkeys(f for f in found if f in CLASSES)) == CLASSES


def test_rules_of_sameness_are_those_of_the_code():
    rows = rows_of("docs/recordings.md", "## Rules")
    assert {int(row[0]): row[1] for row in rows} == match.RULES
    page = text_of("docs/recordings.md")
    assert f"{match.CLOSE_MS // 1000} seconds" in page
    assert f"{match.CLOSE_WITH_IDENTIFIER_MS // 1000} seconds" in page


def test_examples_of_names_hold():
    for one, other, meaning in rows_of("docs/recordings.md", "## Names"):
        assert (artist_key(one) == artist_key(other)) == meaning.startswith("the same"), one


def test_examples_of_logs_can_be_read():
    logs = re.findall(r"^```text\n(\w+,.*?)^```$", text_of("docs/popularity.md"), re.M | re.S)
    assert len(logs) == 2
    for log in logs:
        rows = list(read_rows_of(io.BytesIO(log.encode()), "log"))
        assert rows and not any(isinstance(row, Reject) for row in rows)


def test_tiers_are_those_of_the_code():
    rows = rows_of("docs/popularity.md", "## Tiers")
    assert [int(row[1].split()[0]) for row in rows] == [*TIERS, 0]


def test_figures_of_the_plan_and_the_feed_are_those_of_the_code():
    assert f"{RARE_SHARE:.0%}".replace("%", " percent") in text_of("docs/plan.md")
    assert f"{LIFETIME['timestamp'].days} days" in text_of("docs/keep.md")
    assert f"{LIFETIME['root'].days // 365} years" in text_of("docs/keep.md")


def test_exit_codes_are_those_of_the_code():
    told = {int(row[0]) for row in rows_of("docs/exit-codes.md", "# Exit codes")}
    classes = [one for one in vars(errors).values() if isinstance(one, type)]
    assert told == {one.exit_code for one in classes if hasattr(one, "exit_code")} | {0, 3, 130}
    shown = re.findall(r"^\$ echo \$\?\n(\d+)$", text_of("docs/exit-codes.md"), re.M)
    assert set(map(int, shown)) == told, "each code wants an example"


def test_rooms_are_those_of_the_contract():
    told = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    layers = [room for layer in told["layers"] for room in layer.split(" : ")]
    rows = rows_of("docs/house.md", "## Rooms")
    assert [row[0] for row in rows] == [room for room in layers if room != "__main__"]
    for room in layers:
        path = ROOT / "src" / "songark" / room
        assert path.is_dir() or path.with_suffix(".py").is_file()


def test_every_dependency_is_explained():
    needed = tomllib.loads(text_of("pyproject.toml"))["project"]["dependencies"]
    names = {re.split(r"[\[<>=]", one)[0] for one in needed}
    told = {row[0] for row in rows_of("docs/decisions/0005-libraries.md", "## Decision")}
    assert told == names


def test_decisions_have_one_form():
    numbers = []
    for page in sorted((DOCS / "decisions").glob("*.md")):
        number, _, _ = page.name.partition("-")
        numbers.append(int(number))
        heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
        assert heads[0].startswith(f"{number}: "), page
        assert [h for h in heads if h in {"Context", "Decision", "Consequences"}] == [
            "Context", "Decision", "Consequences"
        ], page  # fmt: skip
    assert numbers == list(range(1, len(numbers) + 1))
