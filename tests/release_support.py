"""Archives with real, small audio: built once, copied for each test; and feeds of hostile keepers.

The music of `base` (title, artist, licence):

- ``ann/``: four short tracks and one of three pieces by Ann, CC-BY-4.0
- ``bob/``: three by Bob, CC-BY-SA-3.0, one with a name that no Windows takes
- ``zero/``: one without an artist, CC0-1.0
- ``shut/``: one that nobody says anything about, one whose rights are reserved, and one that may be
  kept and not shared, since only its own tag names a licence
"""

import atexit
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from songark.api.add import Grant, add
from songark.api.publish import Published, publish
from songark.ark.journal import canonical
from songark.ark.layout import Ark
from songark.mirror.mirror import Mirrored, mirror
from songark.mirror.shelf import Shelf
from songark.mirror.trust import Trusted, open_feed
from songark.model.evidence import Part
from songark.model.identity import FileId
from songark.model.index import write_index
from songark.model.progress import Silent
from songark.release.edition import manifest_rows
from songark.release.feed import TargetSource, publish_feed
from songark.release.history import edition_folders, torrent_lines
from songark.release.keys import Keys, make_keys
from tests.audio import make_tone
from tests.mirror.swarm_support import loopback

QUIET = Silent()
MAIL = "ann@example.org"
ALL_OF_IT = (Part.RECORDING, Part.COMPOSITION)
NASTY = 'CON.: "what?" / <me>\\you|* #1 %41'

_PAPER = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Contact: {holder}

Files: *
Copyright: {holder}
License: {licence}

License: {licence}
 Its text.
"""


def package(folder: Path, licence: str, holder: str) -> None:
    """Put the papers of a Debian package beside the music in a folder: an independent record."""
    papers = folder / "debian"
    papers.mkdir(exist_ok=True)
    sums = {
        path.name: hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file()
    }
    told = _PAPER.format(holder=f"2008-2011 {holder}", licence=licence)
    (papers / "copyright").write_text(told)
    (papers / "md5sums").write_text(
        "".join(f"{digest}  usr/share/{folder.name}/{name}\n" for name, digest in sums.items())
    )
    record = f"Package: {folder.name}-music\nVersion: 1.0-1\nSHA256: {'ab' * 32}\n"
    (papers / "package").write_text(record)


def tone(
    path: Path, freq: float, title: str = "", artist: str = "", licence: str = "", **more: Any
) -> Path:
    """A tone of a fifth of a second, tagged."""
    tags = {"title": title, "artist": artist, "license": licence}
    more = {"seconds": 0.2, **more}
    return make_tone(path, freq=freq, tags={k: v for k, v in tags.items() if v}, **more)


def make_music(folder: Path) -> Path:
    """The music of `base`, the same bytes each time."""
    for n in range(4):
        tone(folder / f"ann/a{n}.ogg", 200 + 20 * n, f"Song {n}", "Ann")
    tone(folder / "ann/long.wav", 111, "Long", "Ann", seconds=12, format="wav")
    package(folder / "ann", "CC-BY-4.0", f"Ann Onymous <{MAIL}>")
    for n in range(2):
        tone(folder / f"bob/b{n}.ogg", 400 + 20 * n, f"Tune {n}", "Bob")
    tone(folder / "bob/nasty.mp3", 480, NASTY, "NUL.Ørsted", format="mp3")
    package(folder / "bob", "CC-BY-SA-3.0", "Bob")
    tone(folder / "zero/z.flac", 600, "Zero", format="flac")
    package(folder / "zero", "CC0-1.0", "Zoe")
    tone(folder / "shut/none.ogg", 700, "Nobody knows", "Eve")
    tone(
        folder / "shut/tag.ogg",
        740,
        "Tagged",
        "Eve",
        "https://creativecommons.org/licenses/by/4.0/",
    )
    tone(folder / "shut/all/reserved.ogg", 720, "Mine", "Eve")
    package(folder / "shut/all", "All-rights-reserved", "Eve")
    counts = {"Ann\tSong 0": 5000, "Ann\tSong 1": 4000, "Bob\tTune 0": 900, "Ann\tLong": 7}
    log = "".join(
        json.dumps({"recording": f"name:{name}", "listens": count}) + "\n"
        for name, count in counts.items()
    )
    (folder / "listens.jsonl").write_text(log)
    return folder


OPEN = 9
"""How many tracks of the base may be shared."""


@cache
def _kept() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="songark-test-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def music() -> Path:
    """The music of `base`; not to be changed."""
    return make_music(_kept() / "music")


@cache
def _added() -> Path:
    ark = Ark.init(_kept() / "added" / "ark", name="Small & Fine")
    add(
        ark,
        [music(), music() / "listens.jsonl"],
        keys=make_keys(ark.keys),
        grant=None,
        progress=QUIET,
    )
    return ark.path


@cache
def _published() -> Path:
    path = _kept() / "published" / "ark"
    shutil.copytree(_added(), path)
    publish(Ark.open(path), keys=make_keys(path / "keys"), progress=QUIET)
    return path


def added(folder: Path, **settings: str) -> Ark:
    """A copy of the base archive with its music added and nothing published."""
    return _copied(_added(), folder, settings)


def published(folder: Path, **settings: str) -> Ark:
    """A copy of the base archive with its first edition."""
    return _copied(_published(), folder, settings)


def _copied(source: Path, folder: Path, settings: Mapping[str, str]) -> Ark:
    shutil.copytree(source, folder / "ark")
    toml = folder / "ark" / "songark.toml"
    text = toml.read_text()
    for name, value in settings.items():
        lines = [
            f"{name} = {value}" if line.split(" =")[0] == name else line
            for line in text.split("\n")
        ]
        assert lines != text.split("\n"), f"no setting {name}"
        text = "\n".join(lines)
    toml.write_text(text)
    return Ark.open(folder / "ark")


def keys_of(ark: Ark) -> Keys:
    """The archive's own keys."""
    return make_keys(ark.keys)


def again(ark: Ark) -> Published:
    """Publish."""
    return publish(ark, keys=keys_of(ark), progress=QUIET)


def take_in(ark: Ark, *paths: Path, licence: str = "", by: str = "") -> None:
    """Add music; with a licence and a name as a signed deposit."""
    grant = Grant(licence, by, ALL_OF_IT) if licence else None
    add(ark, list(paths), keys=keys_of(ark), grant=grant, progress=QUIET)


def newest(ark: Ark) -> Path:
    """The folder of the last edition."""
    return edition_folders(ark.editions)[-1]


def rows(ark: Ark, edition: int = -1) -> list[dict[str, Any]]:
    """The manifest of an edition, by its place in their order."""
    return list(manifest_rows(edition_folders(ark.editions)[edition]))


def row(ark: Ark, title: str, edition: int = -1) -> dict[str, Any]:
    """The one row with a title."""
    (found,) = (one for one in rows(ark, edition) if one["title"] == title)
    return found


def file_of(row: Mapping[str, Any]) -> FileId:
    """A row's file."""
    return FileId(row["root"], row["size"])


def lines(ark: Ark, edition: int = -1) -> dict[str, dict[str, Any]]:
    """The lines of an edition's ``torrents.jsonl``, by pack."""
    folder = edition_folders(ark.editions)[edition]
    return {line["pack"]: line for line in torrent_lines(folder)}


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def trusting(address: str | Path, folder: Path) -> Trusted:
    """A feed seen for the first time from a fresh state."""
    return open_feed(str(address), folder)


def run_mirror(
    feed: str | Path, folder: Path, peers: list[tuple[str, int]], **options: Any
) -> Mirrored:
    """Run a mirror once, as the verb does."""
    shelf = Shelf(folder)
    options = {"budget": None, "patience": 20.0, **options}
    with loopback() as session:
        return mirror(
            trusting(feed, shelf.state / "trust"),
            shelf,
            session=session,
            progress=QUIET,
            peers=peers,
            **options,
        )


def copy_packs(ark: Ark, folder: Path, edition: int = -1) -> Path:
    """Lay an edition's files out as a finished mirror has them."""
    for one in rows(ark, edition):
        (target := folder / one["pack"] / one["name"]).parent.mkdir(parents=True, exist_ok=True)
        (source,) = ark.store.glob(f"*/*/{file_of(one)}.*")
        shutil.copyfile(source, target)
    for path in (edition_folders(ark.editions)[edition] / "attribution").iterdir():
        shutil.copyfile(path, folder / path.stem / "ATTRIBUTION.txt")
    return folder


@dataclass
class HostileFeed:
    """A feed that a keeper with good keys and bad intentions signs: take a good one, change it.

    `files` are by path as in the index, `index` overrides what the index would be.
    """

    folder: Path
    files: dict[str, bytes]
    number: int = 1
    withdrawn: bytes = b""
    swarm: bytes = b'{"peers":[],"web_seeds":[]}\n'
    index: bytes | None = None
    extra: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, ark: Ark, folder: Path) -> "HostileFeed":
        """What an archive's last edition says, to be changed."""
        edition = newest(ark)
        files = {
            f"editions/{edition.name}/{path.relative_to(edition)}": path.read_bytes()
            for path in edition.rglob("*")
            if path.is_file() and path.name not in {"SHA256SUMS", "manifest.json"}
        }
        for line in torrent_lines(edition):
            files[line["file"]] = (ark.path / line["file"]).read_bytes()
        return cls(folder, files, int(edition.name))

    def path(self, name: str) -> str:
        """The path of one of the edition's own files."""
        return f"editions/{self.number}/{name}"

    def change_line(self, pack: str, /, **values: Any) -> None:
        """Change what ``torrents.jsonl`` says of a pack."""
        name = self.path("torrents.jsonl")
        told = [json.loads(raw) for raw in self.files[name].splitlines()]
        changed = [{**one, **values} if one["pack"] == pack else one for one in told]
        self.files[name] = b"".join(canonical(one) + b"\n" for one in changed)

    def sign(self) -> Path:
        """Sign it; returns the feed's folder."""
        sums = {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()}
        index = write_index(sums) if self.index is None else self.index
        targets = {
            f"editions/{self.number}/SHA256SUMS": TargetSource(index),
            "withdrawn.jsonl": TargetSource(self.withdrawn),
            "swarm.json": TargetSource(self.swarm),
            **{name: TargetSource(data) for name, data in self.extra.items()},
        }
        keys = make_keys(self.folder.with_name(f"{self.folder.name}-keys"))
        publish_feed(self.folder, keys, targets, now=datetime.now(UTC))
        for path, data in self.files.items():
            (target := self.folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return self.folder
