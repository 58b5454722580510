"""The report: figures that are true, a page that is whole, strangers' words that stay words."""

import base64
import csv
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import libtorrent as lt
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from songark.api.add import Grant, add
from songark.api.publish import publish
from songark.api.withdraw import withdraw
from songark.ark.journal import canonical
from songark.ark.layout import Ark
from songark.ark.pointer import current, set_current
from songark.ark.seal import Draft
from songark.ark.tables import read_rows, write_table
from songark.catalogue import schema
from songark.cli.report import command
from songark.mirror.choose import choose_packs
from songark.mirror.editions import PackLine
from songark.model.errors import BrokenError
from songark.model.evidence import Part
from songark.model.progress import Silent
from songark.model.schema import REJECT
from songark.release.coverage import CURVE
from songark.release.edition import MANIFEST
from songark.release.feed import fingerprint
from songark.release.history import torrent_lines
from songark.release.keys import make_keys
from songark.rights.decisions import DECISION
from songark.serve import report_page
from songark.serve.report import write_report
from songark.serve.report_curve import MOST, Point, blocks_of, covered, thinned
from songark.serve.report_page import numbers
from songark.serve.report_text import commands, counted, day, hours, percent, shown, width
from songark.store.check import check_store
from tests.audio import make_tone

ATTACK = '<script>alert("owned")</script>\'"><img src=x onerror=alert(1)>&amp;'
BACKWARDS = "\u202egnp.exe\u2066 \u200fsong"
LONG = "A" * 10_000
TOWER = "z" + "\u0335\u0321\u0322" * 200
# title, artist, licensed, listens
SONGS = {
    "attack": (ATTACK, "Ann\x1b[31m Onymous", True, 9_000),
    "backwards": (BACKWARDS, ATTACK, True, 500),
    "plain": ("A Plain Song", "Bob", True, 40),
    "long": (LONG, "Bob", False, 300),
    "tower": (TOWER, BACKWARDS, False, 2),
}


def build(folder, *, made_up=True, listens=True, released=True):
    """An archive of five real tracks, three of them deposited, with everything hostile."""
    ark = Ark.init(folder / "ark", name="Small")
    keys = make_keys(ark.keys)
    for at, (name, (title, artist, licensed, _heard)) in enumerate(SONGS.items()):
        place = folder / ("licensed" if licensed else "unknown") / f"{name}.ogg"
        make_tone(place, seconds=0.2 + at / 10, freq=300 + 50 * at,
                  tags={"TITLE": title, "ARTIST": artist})  # fmt: skip
    (folder / "unknown" / "<b>bad.ogg").write_bytes(b"no music")
    grant = Grant("CC-BY-4.0", "Ann", tuple(Part))
    add(ark, [folder / "licensed"], keys=keys, grant=grant, progress=Silent())
    add(ark, [folder / "unknown"], keys=keys, grant=None, progress=Silent())
    if listens:
        log = folder / "log.csv"
        with log.open("w", newline="") as stream:
            if made_up:
                stream.write("# made up\n")
            rows = csv.writer(stream)
            rows.writerow(["recording", "listens"])
            for row in recordings(ark).values():
                rows.writerow([f"songark:{row['recording']}", SONGS[name_of(row)][3]])
            rows.writerow([f"name:{ATTACK}\t{BACKWARDS} gone", 70])
        add(ark, [log], keys=keys, grant=None, progress=Silent())
    if released:
        publish(ark, keys=keys, progress=Silent())
        check_store(ark, progress=lambda _n: None)
    return ark, keys


def recordings(ark):
    rows = read_rows(current(ark.catalogue).path / "recording.parquet")
    return {row["recording"]: row for row in rows}


def name_of(row):
    # The files' lengths tell them apart, whatever became of their titles.
    return list(SONGS)[round((row["duration_ms"] - 200) / 100)]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return build(tmp_path_factory.mktemp("small"))[0]


@pytest.fixture(scope="module")
def page(small, tmp_path_factory):
    return report(small, tmp_path_factory.mktemp("page"))


@pytest.fixture
def own(small, tmp_path):
    """A copy of the small archive to change."""
    shutil.copytree(small.path, tmp_path / "copy")
    return Ark.open(tmp_path / "copy")


EMPTY = {"meta", "link", "input", "img", "br"}


class Page(HTMLParser):
    """A page as a browser sees it: elements, their texts, and whether it is well nested."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.raw = Path(path).read_bytes()
        self.elements = []
        self.texts = []
        self.blocks = {"style": [], "script": []}
        self._open = []
        self.feed(self.raw.decode())
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.elements.append((tag, dict(attrs), tuple(t for t, _a in self._open)))
        if tag not in EMPTY:
            self._open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(t for t, _a in self._open)))

    def handle_endtag(self, tag):
        last, _attrs = self._open.pop()
        assert last == tag, f"</{tag}> closes <{last}>"

    def handle_data(self, data):
        if self._open and self._open[-1][0] in self.blocks:
            self.blocks[self._open[-1][0]].append((self._open[-1][1], data))
        elif data.strip():
            self.texts.append(data.strip())

    def all(self, tag):
        return [attrs for name, attrs, _in in self.elements if name == tag]

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def section(self, name):
        """The text of one section."""
        raw = self.raw.decode()
        start = raw.index(f'<section id="{name}"')
        inner = raw[start : raw.index("</section>", start)]
        found = HTMLParser(convert_charrefs=True)
        texts = []
        found.handle_data = texts.append
        found.feed(inner)
        return re.sub(r"\s+", " ", " ".join(texts))


def report(ark, tmp_path, name="r.html"):
    return Page(write_report(ark, tmp_path / name).path)


# What it says is true.


def test_headline_figures(small, page, tmp_path):
    text = page.section("figures")
    assert "Recordings known 5 " in text
    assert "May be shared 3 " in text
    assert "Released 3 edition 1: 3 packs," in text
    assert re.search(r"Last fixity check sound \d+ \w+ \d{4}: 6 files", text)
    made = write_report(small, tmp_path / "r.html")
    assert (made.figures.known, made.figures.may_share, made.figures.held) == (5, 3, 3)
    assert made.bytes == (tmp_path / "r.html").stat().st_size


def test_funnel_is_the_coverage_of_the_edition(small, page, tmp_path):
    told = json.loads((small.path / "editions/1/coverage.json").read_bytes())
    assert told["listens"] == sum(song[3] for song in SONGS.values()) + 70
    figures = write_report(small, tmp_path / "r.html").figures
    steps = [(step.recordings, step.listens) for step in figures.steps[:4]]
    keys = ("catalogued", "may_be_kept", "may_be_shared", "released")
    assert steps == [(told[key]["recordings"], told[key]["listens"]) for key in keys]
    assert figures.listens == told["listens"]
    assert figures.steps[4].recordings is None
    text = page.section("figures")
    for key in keys:
        assert percent(told[key]["listens"], told["listens"]) in text
    assert "not known yet" in text


def test_magnets_are_the_torrents(small, page):
    links = [a["href"] for a in page.all("a") if a["href"].startswith("magnet:")]
    lines = list(torrent_lines(small.path / "editions/1"))
    lines.sort(key=lambda line: -line["listens"])
    assert len(links) == 3
    for link, line in zip(links, lines, strict=True):
        info = lt.torrent_info(str(small.path / line["file"]))
        asked = lt.parse_magnet_uri(link).info_hashes
        assert asked.v1 == info.info_hashes().v1
        assert asked.v2 == info.info_hashes().v2
        assert parse_qs(urlsplit(link).query)["dn"] == [line["pack"]]
        assert line["infohash_v2"] in page.text


def test_says_what_a_disk_covers(small, page):
    data = json.loads(page.blocks["script"][0][1])
    rows = [
        [row["bytes"], row["listens"], row["tracks"]]
        for row in read_rows(small.path / "editions/1/coverage_curve.parquet")
    ]
    assert data["points"] == [[0, 0, 0], *rows]
    assert data["total"] == rows[-1][0]
    assert data["packs"][0] == rows[0]
    assert [sum(one) for one in zip(*data["packs"], strict=True)] == rows[-1]
    assert data["whole"] and data["single"]
    share = percent(rows[-1][1], data["listens"])
    assert f"covers {share} of all listens" in page.section("coverage")
    # Without a script there is the drawing and the table.
    drawn = [a["d"] for a in page.all("path")]
    assert len(drawn) == 3
    assert all(d.startswith("M") for d in drawn)
    assert "How many bytes cover which share" in page.section("coverage")


def test_withheld_has_reason_and_remedy(page):
    text = page.section("withheld")
    assert "2 recordings of 5 may not be shared" in text
    assert "Nobody says what may be done with it 2 recordings, 302 listens" in text
    assert "songark evidence FILE URL" in text
    assert "<b>bad.ogg" in text  # a reject, as text
    assert "1 name with 70 listens" in text


def test_evidence_and_acts(page):
    text = page.section("evidence")
    assert re.search(r"a signed statement signed by whoever says the music is theirs 3 0 ", text)
    assert re.search(r"train generative models 0 ", text)
    assert re.search(r"share 3 ", text)


def test_mirror_command_has_the_fingerprint(small, page):
    told = page.section("mirror")
    assert f"songark mirror 'FEED#sha256={fingerprint(small.feed)}' small-mirror" in told


def test_feed_address_stands_beside_the_web_seed(own, tmp_path):
    settings = own.path / "songark.toml"
    seeds = 'web_seeds = ["https://music.example.org/a/music/"]\npeers = ["192.0.2.7:42610"]'
    told = re.sub(r"(?m)^(web_seeds|peers) = .*$", "", settings.read_text())
    settings.write_text(told.replace("[swarm]", f"[swarm]\n{seeds}"))
    page = report(Ark.open(own.path), tmp_path)
    assert "'https://music.example.org/a/feed/#sha256=" in page.section("mirror")
    assert any("x.pe=192.0.2.7%3A42610" in a["href"] for a in page.all("a"))


def test_a_withdrawal_shows_at_once(own, tmp_path):
    (name,) = [r["recording"] for r in recordings(own).values() if name_of(r) == "plain"]
    assert "A Plain Song" in report(own, tmp_path).text
    withdraw(own, name, keys=make_keys(own.keys))
    page = report(own, tmp_path, "after.html")
    assert "A Plain Song" not in page.text
    links = [a["href"] for a in page.all("a") if a["href"].startswith("magnet:")]
    gone = next(line for line in torrent_lines(own.path / "editions/1") if line["listens"] == 40)
    assert len(links) == 2
    assert gone["infohash_v1"] not in "".join(links)
    assert "May be shared 2 " in page.section("figures")
    assert "1 track of edition 1 may not be shared any more" in page.section("figures")
    assert "Withdrawn by the rights-holder 1 recording" in page.section("withheld")
    assert "1 recording was withdrawn so far" in page.section("promises")
    publish(own, keys=make_keys(own.keys), progress=Silent())
    later = report(own, tmp_path, "later.html")
    assert "any more" not in later.section("figures")
    assert [a for a in later.all("a") if a["href"].startswith("magnet:")]


def test_a_withdrawal_under_an_older_id_shows_at_once(own, tmp_path):
    (row,) = [r for r in read_rows(own.path / "editions/1/manifest.parquet") if r["listens"] == 40]
    own.ledger.append(
        "withdrawal", {"recording": "rold", "files": [f"{row['root'].hex()}-{row['size']}"]}
    )
    page = report(own, tmp_path)
    assert "A Plain Song" not in page.text
    assert "May be shared 2 " in page.section("figures")


def test_a_ledger_that_lost_its_tail_gives_no_page(own, tmp_path):
    own.ledger.path.write_bytes(b"")
    with pytest.raises(BrokenError, match="anchored"):
        write_report(own, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_failed_check_is_shown(own, tmp_path):
    (file, *_rest) = own.store.glob("??/??/*.ogg")
    file.chmod(0o644)
    with file.open("r+b") as stream:
        stream.write(b"X")
    check_store(own, progress=lambda _n: None)
    assert "Last fixity check 1 finding " in report(own, tmp_path).section("figures")


# Listens that are made up.


def test_made_up_listens_are_called_so_everywhere(page):
    marked = {"figures": 1, "coverage": 2, "torrents": 2, "music": 1, "withheld": 2}
    for name, least in marked.items():
        assert page.section(name).count("listens are made up") >= least, name


# Archives with little in them.


def test_an_empty_archive(tmp_path):
    ark = Ark.init(tmp_path / "ark", name="new")
    page = report(ark, tmp_path)
    assert "nothing was added to it yet" in page.text
    assert "Recordings known 0 " in page.section("figures")
    assert "There is no feed yet" in page.section("mirror")


def test_nothing_released_yet_and_real_listens(tmp_path):
    ark, keys = build(tmp_path / "a", released=False, made_up=False)
    page = report(ark, tmp_path)
    assert "Nothing is released yet" in page.section("coverage")
    assert "5 tracks known, nothing of it released yet" in page.section("music")
    assert "none that lets it be shared" in page.section("music")
    assert "made up" not in page.text
    publish(ark, keys=keys, progress=Silent())
    page = report(ark, tmp_path)
    assert "9,000" in page.section("music")
    assert "made up" not in page.text


def test_released_without_listens(tmp_path):
    ark, _keys = build(tmp_path / "a", listens=False)
    page = report(ark, tmp_path)
    assert "Nothing says yet what is listened to" in page.section("coverage")
    assert "Share of recordings" in page.section("figures")
    assert "made up" not in page.text


def test_an_archive_made_anew_has_its_editions_only(own, tmp_path):
    for gone in ("catalogue", "registry", "rights", "snapshots", "events", "plans", "feed"):
        shutil.rmtree(own.path / gone, ignore_errors=True)
    page = report(own, tmp_path)
    assert "3 tracks are released" in page.text
    assert "May be shared" in page.section("figures")
    assert [a for a in page.all("a") if a["href"].startswith("magnet:")]


def test_no_archive_and_no_file(tmp_path):
    ran = CliRunner().invoke(command, ["--ark", str(tmp_path)])
    assert ran.exit_code == 10
    Ark.init(tmp_path / "ark")
    ran = CliRunner().invoke(command, ["--ark", str(tmp_path / "ark"), "--out", str(tmp_path)])
    assert ran.exit_code == 2


def test_the_verb_tells_path_and_bytes(own):
    ran = CliRunner().invoke(command, ["--ark", str(own.path), "--json"])
    assert ran.exit_code == 0, ran.output
    last = json.loads(ran.output.splitlines()[-1])
    path = own.path / "report.html"
    assert last == {"message_type": "summary", "path": str(path), "bytes": path.stat().st_size}


# The page.


def test_same_archive_same_bytes_wherever_it_lies(small, page, own, tmp_path):
    first = page.raw
    assert report(own, tmp_path, "copy.html").raw == first
    assert str(small.path.parent).encode() not in first


def test_decisions_are_shown_with_the_catalogue_they_were_made_of(page, own, tmp_path):
    newest = (own.catalogue / "current").read_text().strip()
    others = [p.name for p in own.catalogue.iterdir() if p.is_dir() and p.name != newest]
    (own.catalogue / "current").write_text(others[0])
    assert report(own, tmp_path).raw == page.raw


def test_asks_the_network_for_nothing(page):
    for tag, attrs, _in in page.elements:
        assert tag not in {"img", "iframe", "object", "embed", "video", "audio", "form", "base"}
        assert not {"src", "srcset", "style", "action"} & set(attrs), (tag, attrs)
        assert not [name for name in attrs if name.startswith("on")]
        link = attrs.get("href", "#")
        assert link.startswith(("#", "magnet:?xt=urn:btih:", "data:,")), link
    for _attrs, block in [*page.blocks["style"], *page.blocks["script"]]:
        assert not re.search(r"https?:|//[a-z]|@import|url\(|fetch\(|XMLHttp|import\(", block)


def test_policy_names_the_only_style_and_script(page):
    (policy,) = [a["content"] for a in page.all("meta")
                 if a.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    told = {part.split()[0]: part.split()[1:] for part in policy.split("; ")}
    assert told["default-src"] == ["'none'"]
    assert told["base-uri"] == told["form-action"] == ["'none'"]
    (style,) = page.blocks["style"]
    scripts = [one for one in page.blocks["script"] if "type" not in one[0]]
    assert len(scripts) == 1
    for name, block in (("style-src", style[1]), ("script-src", scripts[0][1])):
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert told[name] == [f"'sha256-{digest}'"]
    assert {a.get("type") for a, _text in page.blocks["script"]} == {None, "application/json"}


def test_strangers_words_stay_words(page):
    assert ATTACK[:60] in page.text
    assert "A" * 100 in page.text
    assert "A" * 500 not in page.raw.decode()
    raw = page.raw.decode()
    assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x1b]", raw)
    assert "gnp.exe song" in page.text
    assert "\u0322" * 2 not in raw.replace("\u0335", "").replace("\u0321", "")
    titles = [(tag, above) for tag, a, above in page.elements if a.get("class") == "title"]
    assert titles
    assert all(tag == "bdi" for tag, _above in titles)


def test_landmarks_captions_and_names(page):
    tags = [tag for tag, _a, _in in page.elements]
    assert [tags.count(t) for t in ("main", "h1", "nav", "header", "footer")] == [1] * 5
    assert tags.count("table") == tags.count("caption") > 8
    ids = [a["id"] for _t, a, _in in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attrs, _in in page.elements:
        for name in ("aria-labelledby", "for"):
            assert set(attrs.get(name, "").split()) <= set(ids), (tag, attrs)
        if attrs.get("href", "").startswith("#"):
            assert attrs["href"][1:] in ids
    drawings = [a for t, a, above in page.elements if t == "svg" and "svg" not in above]
    assert all(a.get("aria-hidden") == "true" or a.get("role") == "img" for a in drawings)
    headings = [int(t[1]) for t in tags if re.fullmatch(r"h[1-6]", t)]
    assert all(b - a <= 1 for a, b in pairwise(headings))


def test_colours_can_be_read():
    style = (Path(report_page.__file__).parent / "templates/report.css").read_text()
    modes = [
        dict(re.findall(r"--(\w+): #([0-9a-f]{3}|[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    assert len(modes) == 3
    for mode in modes:
        for ink in ("ink", "soft", "main", "second", "warn", "bad"):
            for paper in ("paper", "sheet", "code"):
                assert contrast(mode[ink], mode[paper]) >= 4.5, (ink, paper, mode)


def contrast(one, other):
    """WCAG 2.2, contrast ratio."""

    def light(colour):
        full = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
        parts = [value / 255 for value in bytes.fromhex(full)]
        lin = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# Large archives.

COUNT = 12_000


def test_a_large_archive_gives_a_small_page(tmp_path):
    ark = Ark.init(tmp_path / "ark", name="large")
    large(ark)
    page = report(ark, tmp_path)
    assert len(page.raw) < 1_000_000
    data = json.loads(page.blocks["script"][0][1])
    assert 100 < len(data["points"]) <= 500
    assert len(data["packs"]) <= 500
    assert not data["whole"] and not data["single"]
    assert data["points"][-1][2] == COUNT
    assert sum(pack[2] for pack in data["packs"]) == COUNT
    assert len([a for a in page.all("a") if a["href"].startswith("magnet:")]) == 100
    text = page.text
    assert "500 more than stand here" in text
    assert "and 3,990 more names" in text
    assert "and 3,985 more files or lines for other reasons" in text
    assert "30 others" in page.section("music")
    assert "bytes go by powers of ten" in text


def large(ark):
    """An archive of made-up tables: everything shared, everything long, everything varied."""
    rows = [
        {
            "recording": f"r{n:08}", "title": f"{n} {LONG[: 10 if n % 100 else 5000]}",
            "artist": f"Artist {n}", "release": None, "date": None, "duration_ms": 1000 * n,
            "files": 1, "listens": 10**9 // (n + 1), "popularity": 50,
            "root": hashlib.sha256(str(n).encode()).digest(), "size": 4_000_000,
            "pack": f"large-{n % 600:04}", "name": f"{n}.ogg", "sha256": bytes(32),
            "codec": "vorbis", "bit_rate": None, "lossless": False, "tier": 2,
            "licence": f"CC-BY-{n % 42}.0", "licence_class": "CC-BY", "holder": "H",
            "evidence": "e", "act": "share", "allowed": True, "code": "licensed", "why": "w",
            "fix": "", "grade": 3, "source": "folder", "snapshot": "s", "source_key": f"{n}",
            "path": f"{n}", "has_picture": False, "has_lyrics": False, "artist_raw": None,
            "title_raw": None, "composer_raw": None, "rule": "alone", "beside": "",
        }
        for n in range(COUNT)
    ]  # fmt: skip

    def put(folder, name, columns, of=rows):
        write_table(folder / f"{name}.parquet", columns,
                    ({k: row[k] for k in columns.names} for row in of))  # fmt: skip

    lost = [
        {"kind": "listens", "subject": f"name:A\t{n} {LONG[:900]}", "left": "5", "right": "",
         "reason": "no recording has this name"} for n in range(4000)
    ]  # fmt: skip
    with Draft(ark.catalogue, "catalogue") as draft:
        put(draft.path, "recording", schema.RECORDING)
        put(draft.path, "membership", schema.MEMBERSHIP)
        put(draft.path, "conflict", schema.CONFLICT, lost)
        catalogue = draft.seal({})
    set_current(catalogue)
    with Draft(ark.decisions, "decisions") as draft:
        put(draft.path, "decision", DECISION)
        set_current(draft.seal({"catalogue": catalogue.digest}))
    with Draft(ark.snapshots / "folder", "folder") as draft:
        rejects = [{"place": LONG, "reason": f"{n} {LONG}", "remedy": LONG} for n in range(4000)]
        put(draft.path, "rejects", REJECT, rejects)
        snapshot = draft.seal({"source": "folder", "place": "/m"})
    told = {"source": "folder", "snapshot": snapshot.path.name, "place": "/m"}
    ark.events.append("ingestion", told)
    large_edition(ark, rows, put)


def large_edition(ark, rows, put):
    packs, heard, curve = {}, 0, []
    for at, row in enumerate(rows, 1):
        heard += row["listens"]
        curve.append({"tracks": at, "bytes": at * row["size"], "listens": heard})
        pack = packs.setdefault(row["pack"], {"tracks": 0, "bytes": 0, "listens": 0})
        for key, value in (("tracks", 1), ("bytes", row["size"]), ("listens", row["listens"])):
            pack[key] += value
    with Draft(ark.editions, "edition") as draft:
        put(draft.path, "manifest", MANIFEST, sorted(rows, key=lambda r: (r["pack"], r["name"])))
        put(draft.path, "coverage_curve", CURVE, curve)
        steps = {"recordings": COUNT, "listens": heard}
        names = ("catalogued", "may_be_kept", "may_be_shared", "released")
        told = {"listens": heard, "made_up": False, **dict.fromkeys(names, steps)}
        (draft.path / "coverage.json").write_bytes(canonical(told))
        facts = {"edition": 1, "tracks": COUNT, "packs": len(packs), "bytes": curve[-1]["bytes"]}
        (draft.path / "edition.json").write_bytes(canonical(facts))
        lines = [
            {"pack": name, "infohash_v1": "1" * 40, "infohash_v2": "2" * 64, "tier": 2,
             "licence_class": "CC-BY", "trackers": [f"udp://{LONG[:200]}"] * 50,
             "web_seeds": [f"http://{LONG}/"], **pack}
            for name, pack in sorted(packs.items())
        ]  # fmt: skip
        text = b"".join(canonical(line) + b"\n" for line in lines)
        (draft.path / "torrents.jsonl").write_bytes(text)
        (draft.path / "SHA256SUMS").write_bytes(b"")
        draft.seal({"edition": 1}, name="1")


# Its parts.


@given(st.integers(1, 10**9))
def test_thinned_keeps_both_ends_and_is_bounded(count):
    kept = thinned(count)
    assert kept == sorted(set(kept))
    assert kept[0] == 1
    assert kept[-1] == count
    assert len(kept) <= MOST
    assert len(kept) == count or len(kept) > MOST // 3
    # Neighbours are never further apart than a fiftieth of all, nor much more than by ratio.
    assert all(b - a <= max(1, count // 50) for a, b in pairwise(kept))
    assert all(b <= 2 * a for a, b in pairwise(kept))


PACKS = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 60)), min_size=1, max_size=12)


@given(PACKS, st.integers(0, 700))
def test_whole_packs_are_those_a_mirror_takes(packs, room):
    lines = [
        {"pack": f"p{n:02}", "tracks": 1, "bytes": size, "listens": heard}
        for n, (size, heard) in enumerate(packs)
    ]
    taken = choose_packs(
        [
            PackLine(pack=x["pack"], file="", licence_class="", tracks=1, size=x["bytes"],
                     listens=x["listens"], similar=(), trackers=(), web_seeds=())
            for x in lines
        ],
        room,
        {},
    )  # fmt: skip
    sums = Point(len(taken), sum(x.size for x in taken), sum(x.listens for x in taken))
    assert covered(blocks_of(lines), room) == sums


@given(st.text(max_size=400), st.integers(2, 50))
def test_shown_is_short_and_on_one_line(text, limit):
    out = shown(text, limit)
    assert len(out) <= limit
    assert out == out.strip()
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", out)
    assert shown(out, limit) == out


def test_shown_leaves_scripts_alone():
    for text in ("Café del Mar", "می‌خواهم", "ไม่เป็นไร", "กี๋", "👩‍🎤 live", "עברית", "日本語"):
        assert shown(text) == text


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_percent_says_all_and_nothing_only_where_true(part, whole):
    told = percent(part, whole)
    assert (told == "0%") == (part == 0 or whole == 0)
    assert (told == "100%") == (0 < whole <= part)
    assert 0 <= float(width(part, whole)) <= 100


def test_words_of_figures():
    assert percent(999, 1000) == "99.9%"
    assert percent(1, 10_000) == "<0.1%"
    assert counted(1, "track") == "1 track"
    assert counted(1200, "track") == "1,200 tracks"
    assert [hours(ms) for ms in (0, 59_000, 60_000, 5_400_000, 10**9)] == [
        "0 seconds", "59 seconds", "1 minute", "1.5 hours", "11 days",
    ]  # fmt: skip
    assert day("2026-11-02T01:02:03Z") == "2 November 2026"
    assert day("soon") == "an unknown day"


def test_commands_are_set_as_code_and_escaped():
    assert commands("Run `songark add <F>` again") == (
        "Run <code>songark add &lt;F&gt;</code> again"
    )
    assert commands("Store it: songark evidence FILE URL") == (
        "Store it: <code>songark evidence FILE URL</code>"
    )
    assert commands("<b>`") == "&lt;b&gt;`"


def test_only_numbers_go_into_a_script():
    assert numbers({"a": [1, True]}) == '{"a":[1,true]}'
    for bad in ("</script>", "<!--", "a&b"):
        with pytest.raises(ValueError, match="only numbers"):
            numbers({"a": bad})
