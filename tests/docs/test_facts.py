"""Facts that stand in the documentation and in the code: they are the same."""

import io
import re
import tomllib

import pyarrow.parquet as pq

from songark.ark.settings import TEMPLATE
from songark.catalogue import match
from songark.catalogue.normalise import artist_key
from songark.model import errors
from songark.model.evidence import Grade
from songark.model.finding import Reject
from songark.plan.plan import RARE_SHARE
from songark.release.feed_roles import LIFETIME
from songark.release.packs import TIERS
from songark.rights.terms import CLASSES
from songark.sources.evidence.rights_toml import parse_rights
from songark.sources.listens_rows import read_rows_of
from tests.docs.console import ROOT
from tests.docs.pages import DOCS, rows_of, text_of
from tests.docs.tables import PAGE, TABLES, filled, slots


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
