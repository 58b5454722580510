import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from songark.model.errors import SongarkError, UsageError
from songark.model.evidence import Grade, Part
from songark.rights import page
from songark.rights.documents import read_document
from songark.rights.ledger import Claims
from songark.rights.page import Named, store_page
from tests.support import file_id, new_ark

BY = '<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC</a>'
SA = '<a href="http://creativecommons.org/licenses/by-sa/3.0/deed.de">CC</a>'
NAMED = "<h1>Jané Doe &ndash; <b>R</b>ain</h1>"
RAIN = Named(file_id("rain"), "rain.ogg", "Jane Doe feat. Other", "Rain")
BOMB = gzip.compress(bytes(50_000_000), 1)
SNOW = Named(file_id("snow"), "snow.ogg", "Jane Doe", "Snow")


@pytest.fixture
def ark(tmp_path):
    return new_ark(tmp_path / "ark")


@pytest.fixture
def stored(ark, tmp_path):
    def store(text, files=(RAIN, SNOW)):
        path = tmp_path / "page.html"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return store_page(ark, files, str(path))

    return store


def said_of(ark, file):
    claims = Claims()
    claims.read(ark.ledger)
    return claims.statements.get(file, [])


def test_a_page_is_evidence_for_the_tracks_it_names_and_no_others(ark, stored):
    told = stored(NAMED + BY)
    assert (told.licence, told.covered, told.unnamed) == ("CC-BY-4.0", (RAIN,), (SNOW,))
    assert told.fresh == 1
    (one,) = said_of(ark, RAIN.file)
    assert (one.kind, one.grade, one.licence) == ("page", Grade.INDEPENDENT, "CC-BY-4.0")
    assert one.parts == {Part.RECORDING, Part.COMPOSITION}
    assert one.place == "page page.html, ledger line 1"
    assert read_document(ark.documents, one.document) == (NAMED + BY).encode()
    assert said_of(ark, SNOW.file) == []


def test_the_same_page_again_adds_no_line(ark, stored):
    stored(NAMED + BY)
    again = stored(NAMED + BY + "changed")
    assert (again.covered, again.fresh) == ((RAIN,), 0)
    assert ark.ledger.head().count == 1


@pytest.mark.parametrize(
    "licences",
    [
        "",
        BY + SA,
        BY + BY.replace("4.0", "3.0"),
        BY + "https://creativecommons.org/licenses/unheard-of/9.9/",
        f"<!-- {BY} -->",
        f"<script>{BY}</script>",
        f"<style>{BY}</style>",
        f"<script type='x'>\n//{BY}\n",
        "all rights reserved",
        "<p>licensed under CC BY 4.0</p>",
    ],
)
def test_a_page_that_states_no_licence_or_several_is_refused(ark, stored, licences):
    with pytest.raises(UsageError, match="has to state one licence") as caught:
        stored(NAMED + licences)
    assert caught.value.place.endswith("page.html")
    assert not ark.ledger.path.exists()
    assert not ark.documents.exists()


@pytest.mark.parametrize(
    "licences",
    [
        BY,
        BY + BY,
        BY + "<!-- " + SA + " -->" + "<script>" + SA + "</script>",
        BY.replace("https:", "") + "creativecommons.org/licenses/by/4.0/legalcode.fr",
        '<meta content="https://creativecommons.org/licenses/by/4.0">',
    ],
)
def test_one_licence_said_in_several_ways_is_one(stored, licences):
    assert stored(NAMED + licences).licence == "CC-BY-4.0"


@pytest.mark.parametrize(
    "text",
    [
        "Jane Doe",
        "Rain",
        "Jane Doe plays in Ukraine and is not restrained",
        "Rain by Janet Doerr",
        "<!-- Jane Doe: Rain -->",
        "<script>Jane Doe: Rain</script>",
        "R<i>x</i>ain Jane Doe",
        "",
    ],
)
def test_a_page_that_does_not_name_artist_and_title_is_refused(ark, stored, text):
    with pytest.raises(UsageError, match="names none of these files"):
        stored(text + BY)
    assert not ark.ledger.path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "JANE DOE: rain",
        "<td>Rain</td><td>Jane Doe</td>",
        "<title>Rain</title><a href='/jane-doe'>artist</a>",
        "Rain, by Other and Jane&nbsp;Doe",
        '<meta property="og:title" content="Jane Doe - Rain">',
    ],
)
def test_names_are_read_where_a_reader_finds_them(stored, text):
    assert stored(text + BY).covered == (RAIN,)


@pytest.mark.parametrize("named", [Named(file_id("x"), "x.ogg", "", "Rain"), SNOW])
def test_a_file_without_tags_or_named_otherwise_is_not_covered(stored, named):
    with pytest.raises(UsageError):
        stored(NAMED + BY, [named])


@pytest.mark.parametrize("licence", ["publicdomain/mark/1.0", "publicdomain/zero/1.0"])
def test_the_public_domain_mark_is_stored_and_cc0_is_a_licence(stored, licence):
    link = f"https://creativecommons.org/{licence}/"
    assert stored(NAMED + link).licence == ("CC0-1.0" if "zero" in licence else "CC-PDM-1.0")


def test_a_licence_that_is_not_known_is_named(ark, stored):
    with pytest.raises(UsageError, match="licenses/nonsense/: the licence is not known"):
        stored(NAMED + BY.replace("by/4.0", "nonsense"))
    assert not ark.ledger.path.exists()


def test_a_missing_or_huge_file_is_refused(ark, stored, tmp_path):
    with pytest.raises(SongarkError, match="cannot be read"):
        store_page(ark, [RAIN], str(tmp_path / "nowhere.html"))
    with pytest.raises(UsageError, match="larger than"):
        stored(b" " * (page.LIMIT + 1))


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"<" * 5000, b"<!" * 5000, b"&#x110000;" * 99])
def test_hostile_bytes_are_a_page_without_a_licence(stored, data):
    with pytest.raises(UsageError, match="has to state one licence"):
        stored(data)


class Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        getattr(self, self.path.strip("/").partition("?")[0], self.missing)()

    def log_message(self, *_words):
        pass

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def page(self):
        self.answer(body=(NAMED + BY).encode())

    def packed(self):
        self.answer(body=gzip.compress((NAMED + BY).encode()), Content_Encoding="gzip")

    def bomb(self):
        self.answer(body=BOMB, Content_Encoding="gzip")

    def moved(self):
        self.answer(302, Location="/page")

    def loop(self):
        self.answer(302, Location="/loop")

    def missing(self):
        self.answer(404, (NAMED + BY).encode())

    def large(self):
        self.answer(body=bytes(page.LIMIT + 1))

    def drip(self):
        self.send_response(200)
        self.end_headers()
        while not self.server.closing.wait(0.02):
            self.wfile.write(b" ")

    def stall(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.flush()
        self.server.closing.wait()

    def cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write((NAMED + BY).encode())


class Server(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Pages)
        self.closing = threading.Event()

    def handle_error(self, request, address):
        """A client that has gone away is what some of these tests are about."""


@pytest.fixture(scope="module")
def site():
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.closing.set()
        server.shutdown()


@pytest.mark.parametrize("path", ["page", "moved", "packed"])
def test_a_page_is_fetched(ark, site, path):
    told = store_page(ark, [RAIN], f"{site}/{path}")
    assert (told.licence, told.covered) == ("CC-BY-4.0", (RAIN,))
    (one,) = said_of(ark, RAIN.file)
    assert one.place == f"page {site}/{path}, ledger line 1"
    assert read_document(ark.documents, one.document) == (NAMED + BY).encode()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing", "answers 404"),
        ("loop", "cannot be fetched"),
        ("large", "larger than"),
        ("bomb", "larger than"),
        ("drip", "not there after"),
        ("stall", "cannot be fetched"),
        ("cut", "cannot be fetched"),
    ],
)
def test_a_page_that_cannot_be_had_is_an_error_that_says_why(ark, site, path, words, monkeypatch):
    if path == "stall":
        monkeypatch.setattr(page, "GAP", 0.3)
    if path == "drip":
        monkeypatch.setattr(page, "PATIENCE", 0.3)
    with pytest.raises(SongarkError, match=words) as caught:
        store_page(ark, [RAIN], f"{site}/{path}")
    assert caught.value.place == f"{site}/{path}"
    assert not ark.ledger.path.exists()


def test_a_server_that_is_not_there_is_an_error_that_says_what_to_do(ark, monkeypatch):
    monkeypatch.setattr(page, "GAP", 0.3)
    with pytest.raises(SongarkError, match="cannot be fetched") as caught:
        store_page(ark, [RAIN], "http://127.0.0.1:1/page")
    assert "Save the page" in caught.value.remedy
