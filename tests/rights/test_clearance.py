"""Wall 2: only the rights room makes a clearance. Read from the source, so that none slips in."""

import ast
from pathlib import Path

import pytest

import songark

SOURCE = Path(songark.__file__).parent
MAKERS = {"replace", "copy", "deepcopy", "__new__", "__replace__", "loads", "construct"}


def breaches(code):
    """Lines that use `Clearance` other than to say what type something has."""
    tree = ast.parse(code)
    notes = [
        note
        for node in ast.walk(tree)
        for note in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if note is not None
    ]
    typed = {id(inner) for note in notes for inner in ast.walk(note)}
    found = []
    for node in ast.walk(tree):
        named = (isinstance(node, ast.Name) and node.id == "Clearance") or (
            isinstance(node, ast.Attribute) and node.attr == "Clearance"
        )
        renamed = isinstance(node, ast.alias) and node.name == "Clearance" and node.asname
        spoken = isinstance(node, ast.Constant) and node.value == "Clearance"
        used = (named or spoken) and id(node) not in typed
        if used or renamed or (isinstance(node, ast.Call) and _remakes(node)):
            found.append(node.lineno)
    return found


def _remakes(call):
    """``replace(clearance, …)`` and its like make one as well."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    told = [*call.args, getattr(call.func, "value", None)]
    about = " ".join(ast.unparse(one) for one in told if one is not None)
    return name in MAKERS and "clearance" in about.lower()


def test_no_room_but_rights_makes_a_clearance():
    read = 0
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] != "rights":
            read += 1
            assert breaches(path.read_text()) == [], f"{path} makes a Clearance"
    assert read > 80


def test_in_rights_only_the_gate_makes_one():
    made = [p.name for p in (SOURCE / "rights").glob("*.py") if breaches(p.read_text())]
    assert made == ["gate.py"]


@pytest.mark.parametrize(
    "code",
    [
        "from songark.rights.acts import Clearance\nClearance(file, act, '', '', '')",
        "from songark.rights import acts\nx = acts.Clearance(file, act, '', '', '')",
        "from songark.rights.acts import Clearance as C\nC(1, 2, 3, 4, 5)",
        "from songark.rights.acts import Clearance\nmake = Clearance",
        "from songark.rights.acts import Clearance\nlist(map(Clearance, files))",
        "import songark.rights.acts as a\ngetattr(a, 'Clearance')(1)",
        "from dataclasses import replace\nreplace(track.clearance, file=other)",
        "from songark.rights.acts import Clearance\nobject.__new__(Clearance)",
        "import copy\ncopy.replace(clearance, act=act)",
    ],
)
def test_the_reading_finds_whatever_makes_one(code):
    assert breaches(code)


@pytest.mark.parametrize(
    "code",
    [
        "from songark.rights.acts import Clearance\ndef f(one: Clearance) -> list[Clearance]: ...",
        "from songark.rights.acts import Clearance\nclass T:\n    clearance: Clearance",
        "f(gate.clear(file))\ntrack.clearance.file",
    ],
)
def test_taking_one_is_what_it_is_for(code):
    assert not breaches(code)
