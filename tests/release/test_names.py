import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from songark.model.identity import FileId
from songark.model.index import check_path
from songark.release.names import LONGEST, file_name
from songark.release.torrent_form import check_name, fold

FILE = FileId(bytes.fromhex("0123456789abcdef" * 4), 1)

# Microsoft, "Naming Files, Paths, and Namespaces", written anew from that page.
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"
}
ANY = st.text(st.characters(), max_size=200)


def name(artist, title, taken=frozenset(), file=FILE):
    return file_name(artist, title, file, "ogg", taken)


def faults_on_windows(name):
    """Why Windows would not have a file of this name, or would change it."""
    return [
        why
        for why, is_so in {
            "character": re.search(r'[<>:"/\\|?*\x00-\x1f]', name),
            "end": name[-1] in ". ",
            "device": name.split(".")[0].rstrip(" ").upper() in DEVICES,
        }.items()
        if is_so
    ]


def test_the_form():
    assert name("Sigur Rós", "Svefn-g-englar") == "Sigur Rós - Svefn-g-englar [01234567].ogg"


@pytest.mark.parametrize(
    ("artist", "title", "stem"),
    [
        ("AC/DC", 'What? "That": <me>|you*\\', "AC_DC - What_ _That__ _me__you__"),
        ("", "...", "_ - _"),
        ("  A\tB\n C ", "x y", "A B C - x y"),
        ("Who. ", " . End...", "Who - End"),
        ("e\u0301", "n\u0303", "é - ñ"),
        ("e\u200b\u0301", "o\u202e\u0308", "é - ö"),
        ("a\x00b\x1b[31m\x7f", "\u202eevil\u2066\ufeff\u200f", "ab[31m - evil"),
        ("CON.verse", "x", "_CON.verse - x"),
        ("nul .x", "x", "_nul .x - x"),
        ("Com¹.", "x", "Com¹ - x"),
        ("com¹.x", "x", "_com¹.x - x"),
        ("lpt9.x", "x", "_lpt9.x - x"),
        ("AUX", "x.y", "AUX - x.y"),
        ("Conway.", "x.y", "Conway - x.y"),
        (".hidden", ".pad", "hidden - pad"),
        ("\ud800x", "\ud800", "x - _"),
    ],
)
def test_what_is_taken_out(artist, title, stem):
    made = name(artist, title)
    assert made == f"{stem} [01234567].ogg"
    assert not faults_on_windows(made)


@given(ANY, ANY)
@example("con", "x")
@example("CON.", ".")
@example("\u0301" * 200, "x")
@example("a" * 92 + "\u0301", "x")
@example("ﬁ" * 60, "İ" * 60)
@example("<\u0338", ">\u200b\u0338")
@example("\u1100\u200b\u1161", "\u1100")
@example("x\u2028y", "x\u0085y")
def test_any_text_makes_a_name_that_is_safe_everywhere(artist, title):
    made = name(artist, title)
    assert len(made.encode()) <= LONGEST == 120
    assert unicodedata.is_normalized("NFC", made)
    assert not faults_on_windows(made)
    assert not [c for c in made if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029"]
    assert made[0] not in " ."
    assert made.endswith(" [01234567].ogg")
    check_name(made)
    assert check_path(made) == made


@given(ANY, ANY, ANY, ANY)
@example("ΐ", "x", "ϊ\u200b\u0301", "x")
@example("STRASSE", "x", "straße", "x")
@example("a", "K", "a", "\u212a")
def test_names_of_a_pack_differ_without_regard_to_case(artist, title, artist_2, title_2):
    other = FileId(FILE.root[:4] + bytes(28), 1)
    first = name(artist, title)
    second = name(artist_2, title_2, {fold(first)}, other)
    assert fold(first) != fold(second)
    assert len(second.encode()) <= LONGEST


def test_as_much_of_the_root_as_it_takes():
    taken = set()
    for digits in (8, 16, 64):
        made = name("A" * 200, "T", taken)
        tail = f" [{FILE.root.hex()[:digits]}].ogg"
        assert made == "A" * (LONGEST - len(tail)) + tail
        taken.add(fold(made))


def test_a_file_has_one_name_in_a_pack():
    taken = {fold(f"A - T [{FILE.root.hex()[:n]}].ogg") for n in (8, 16, 64)}
    with pytest.raises(ValueError, match="in this pack already"):
        name("A", "T", taken)


@pytest.mark.parametrize("letter", ["ö", "漢", "🎵", "e\u0323\u0301", "कि", "☀\ufe0f"])
@pytest.mark.parametrize("before", range(5))
def test_cut_between_characters(letter, before):
    """No half of a character's bytes, and no base without its marks."""
    made = name("x" * before + letter * 60, "y")
    letter = unicodedata.normalize("NFC", letter)
    stem = made.removesuffix(" [01234567].ogg")
    assert len(made.encode()) > LONGEST - len(letter.encode())
    assert stem == "x" * before + letter * ((len(stem) - before) // len(letter))


@given(ANY, ANY)
def test_the_same_text_makes_the_same_name(artist, title):
    composed = unicodedata.normalize("NFC", artist), unicodedata.normalize("NFD", title)
    assert name(artist, title) == name(*composed)
