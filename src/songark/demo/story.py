"""The story: from a folder of music to a release that strangers mirror, check and rebuild.

Each step checks what it claims and stops the story where a claim does not hold. Told again in the
same place it changes nothing; stopped in between, it goes on.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songark.api.add import add
from songark.api.explain import explain
from songark.api.publish import publish
from songark.api.withdraw import withdraw
from songark.ark.layout import Ark
from songark.ark.pointer import current
from songark.ark.tables import read_rows
from songark.demo.strangers import Serving, plain_server, serving
from songark.mirror.fetcher import fetch
from songark.mirror.get import Got, get
from songark.mirror.mirror import Mirrored, mirror
from songark.mirror.rebuild import rebuild
from songark.mirror.session import open_session
from songark.mirror.shelf import Shelf
from songark.mirror.trust import open_feed
from songark.model.errors import RefusedError, SongarkError
from songark.model.identity import FileId
from songark.model.progress import Progress
from songark.model.size import show_size
from songark.release.edition import manifest_rows
from songark.release.history import edition_folders, torrent_lines
from songark.release.keys import make_keys
from songark.release.torrent import read_torrent
from songark.rights.acts import Act
from songark.store.check import check_store

NAME = "demo"

_AUDIO = {".flac", ".mp3", ".ogg"}

# How long a peer who wants what is withdrawn is given to get a byte of it, in seconds.
_LEECH = 2.0

_Say = Callable[[str, str], None]


class BrokenStoryError(SongarkError):
    """A claim of the story does not hold."""


@dataclass(slots=True)
class Told:
    """What the story came to: the last edition, its manifest's SHA-256 and infohashes."""

    edition: int
    manifest: str
    infohashes: list[str]
    changed: bool
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Story:
    """One telling.

    ark: the archive's folder. music: the folder of example music, with its logs of listens beside
    it. mirror: the stranger's folder. say: told a chapter and a sentence.
    """

    ark: Path
    music: Path
    mirror: Path
    say: _Say
    progress: Progress
    figures: dict[str, Any] = field(default_factory=dict)

    def tell(self) -> Told:
        """Tell it all.

        Raises:
            BrokenStoryError: something that is claimed does not hold.
        """
        ark = Ark.init(self.ark, name=NAME)
        keys = make_keys(ark.keys)
        before = len(edition_folders(ark.editions))
        added = add(
            ark,
            [self.music, *sorted(self.music.parent.glob("listens*.csv"))],
            keys=keys,
            grant=None,
            progress=self.progress,
        )
        _hold(not added.rejects, f"no file is set aside: {added.rejects}")
        self.say("add", f"{added.tracks} tracks: {added.shareable} may be shared, "
                        f"{added.kept_back} may not")  # fmt: skip
        self._withheld(ark)
        made = publish(ark, keys=keys, progress=self.progress)
        self._released(ark, made.facts)
        with serving(ark) as served, self._scratch() as scratch:
            first = self._mirror(ark, served)
            self._untrusted(ark, scratch)
            song = self._withdraw(ark, keys, served, scratch)
            again = publish(ark, keys=keys, progress=self.progress)
            self._reissued(ark, song, again.is_new)
            second = self._mirror_again(ark, served, song)
            self._rebuild(ark, scratch)
        self._check(ark)
        folders = edition_folders(ark.editions)
        return Told(
            edition=len(folders),
            manifest=again.manifest,
            infohashes=[line["infohash_v2"] for line in torrent_lines(folders[-1])],
            changed=len(folders) > before or first.fetched + second.fetched > 0,
            figures=self.figures,
        )

    def _withheld(self, ark: Ark) -> None:
        """Each file that must never be released says why, and what would change it."""
        files = sorted(p for p in (self.music / "withheld").rglob("*.*") if p.suffix in _AUDIO)
        for file in files:
            told = explain(ark, str(file)).decisions
            share = next(one for one in told if one["act"] == Act.SHARE.value)
            _hold(not share["allowed"] and bool(share["fix"]), f"{file.name} is withheld")
            self.say("withheld", f"{file.name}: {share['why']}")

    def _released(self, ark: Ark, facts: dict[str, Any]) -> None:
        """Nothing that may not be shared is in any torrent or manifest."""
        closed = _closed(ark)
        for folder in edition_folders(ark.editions)[-1:]:
            released = {FileId(r["root"], r["size"]) for r in manifest_rows(folder)}
            packed = {
                entry.file
                for line in torrent_lines(folder)
                for entry in read_torrent((ark.path / line["file"]).read_bytes()).files
            }
            _hold(not closed & (released | packed), "nothing withheld is released")
        self.say(
            "publish",
            f"edition {facts['edition']}: {facts['tracks']} tracks in {facts['packs']} torrents, "
            f"{show_size(facts['bytes'])}; of the {len(closed)} that may not be shared none is in "
            "a torrent or manifest",
        )

    def _mirror(self, ark: Ark, served: Serving) -> Mirrored:
        """A stranger mirrors everything by BitTorrent and has the very same files."""
        shelf = Shelf(self.mirror)
        with open_session("127.0.0.1:0", dht=False, lan=False) as session:
            done = mirror(
                open_feed(f"{served.web}feed/", shelf.state / "trust"),
                shelf,
                budget=None,
                session=session,
                progress=self.progress,
                peers=[served.peer],
            )
        newest = edition_folders(ark.editions)[-1]
        for row in manifest_rows(newest):
            data = (self.mirror / row["pack"] / row["name"]).read_bytes()
            same = hashlib.sha256(data).digest() == row["sha256"]
            _hold(same, f"the mirror has {row['name']} byte for byte")
        self.say(
            "mirror",
            f"a stranger has {done.tracks} tracks in {done.packs} folders by BitTorrent: "
            f"{show_size(done.fetched)} fetched, every file hashed and right",
        )
        return done

    def _untrusted(self, ark: Ark, scratch: Path) -> None:
        """One track from a server that nobody trusts; the same server lying is found out."""
        rows = list(manifest_rows(edition_folders(ark.editions)[-1]))
        row = max(rows, key=lambda r: (r["size"], r["recording"]))
        public = scratch / "public"
        shutil.copytree(self.mirror / row["pack"], public / row["pack"])
        with plain_server(public) as url:
            got = self._get(ark, row["recording"], scratch / "honest", url)
            liar = public / row["pack"] / row["name"]
            data = bytearray(liar.read_bytes())
            data[len(data) // 2] ^= 1
            liar.write_bytes(data)
            try:
                self._get(ark, row["recording"], scratch / "lying", url)
            except SongarkError as error:
                refusal = error.message
            else:
                refusal = ""
        _hold(bool(refusal), "one flipped bit is refused")
        _hold(not (scratch / "lying" / row["name"]).exists(), "nothing of it is kept")
        self.figures["proof_bytes"] = got.proof_bytes
        self.say(
            "get",
            f"{row['name']} ({show_size(got.bytes)}) from a plain web server, proven by "
            f"{got.proof_bytes} bytes of hashes; with one bit flipped there: refused",
        )

    def _get(self, ark: Ark, recording: str, folder: Path, server: str) -> Got:
        state = folder.with_name(f"{folder.name}-state")
        feed = open_feed(str(ark.feed), state / "trust")
        return get(feed, recording, folder, state, server=server, progress=self.progress.done)

    def _withdraw(self, ark: Ark, keys: Any, served: Serving, scratch: Path) -> str:  # noqa: ANN401
        """A song is withdrawn: seeder, web seed and get refuse it."""
        row = _most_heard(ark)
        url = f"{served.web}music/"
        started = time.monotonic()
        withdraw(ark, row["recording"], keys=keys)
        file = FileId(row["root"], row["size"])
        while served.own.offers(file):
            _hold(time.monotonic() - started < 10, "the seeder refuses what is withdrawn")
            time.sleep(0.005)
        took = time.monotonic() - started
        _hold(took < 1.0, f"it is refused within a second, not {took:.2f} s")
        try:
            self._get(ark, row["recording"], scratch / "withdrawn", url)
        except RefusedError:
            refused = True
        else:
            refused = False
        _hold(refused, "get refuses what is withdrawn")
        _hold(not self._leech(ark, row, served, scratch), "no peer gets a byte of it")
        _hold(_status(url, row["pack"], row["name"]) == 451, "the web seed refuses it")
        self.figures["refused_after_ms"] = round(took * 1000)
        self.say(
            "withdraw",
            f"{row['name']} is withdrawn: seeder, web seed and get refuse it "
            f"after {took * 1000:.0f} ms",
        )
        return str(row["recording"])

    def _leech(self, ark: Ark, row: dict[str, Any], served: Serving, scratch: Path) -> bool:
        """Whether somebody with the first edition's torrent gets the file."""
        first = torrent_lines(edition_folders(ark.editions)[0])
        line = next(one for one in first if one["pack"] == row["pack"])
        data = (ark.path / line["file"]).read_bytes()
        with open_session("127.0.0.1:0", dht=False, lan=False) as session:
            try:
                fetch(
                    session,
                    data,
                    into=scratch / "leech",
                    only=[row["name"]],
                    peers=[served.peer],
                    patience=_LEECH,
                )
            except SongarkError:
                return False
        return True

    def _reissued(self, ark: Ark, song: str, is_new: bool) -> None:
        """Only the pack concerned is issued again, under the same names."""
        *_earlier, first, second = edition_folders(ark.editions)
        old = {line["pack"]: line["infohash_v2"] for line in torrent_lines(first)}
        new = {line["pack"]: line["infohash_v2"] for line in torrent_lines(second)}
        changed = [pack for pack in old if old[pack] != new.get(pack)]
        concerned = [r["pack"] for r in manifest_rows(first) if r["recording"] == song]
        _hold(changed == concerned, f"only {concerned} is issued again, not {changed}")
        names = {(r["pack"], r["name"]) for r in manifest_rows(second)}
        _hold(names < {(r["pack"], r["name"]) for r in manifest_rows(first)}, "names stay")
        _hold(song not in {r["recording"] for r in manifest_rows(second)}, "the song is gone")
        self.say(
            "publish",
            f"edition {second.name}{'' if is_new else ' (as before)'}: {len(changed)} of "
            f"{len(old)} torrents issued again, the others have the same infohash",
        )

    def _mirror_again(self, ark: Ark, served: Serving, song: str) -> Mirrored:
        """The mirror obeys and fetches no music again."""
        done = self._mirror(ark, served)
        _hold(done.audio_fetched == 0, f"no music is fetched again: {done.audio_fetched}")
        row = _first_of(ark, song)
        _hold(not (self.mirror / row["pack"] / row["name"]).exists(), "the song left the mirror")
        self.say("mirror", "the song has left its folder, and no music was fetched again")
        return done

    def _rebuild(self, ark: Ark, scratch: Path) -> None:
        """The archive is made anew elsewhere from feed and mirror alone, byte for byte."""
        feed = scratch / "feed"
        shutil.copytree(ark.feed, feed)
        copy = scratch / "rebuilt"
        trusted = open_feed(str(feed), scratch / "rebuilt-trust")
        done = rebuild(trusted, self.mirror, copy, progress=self.progress)
        _hold(not done.missing and not done.torrents_missing, f"all is there: {done.missing}")
        same = 0
        for folder in ("editions", "torrents"):
            mine = _digests(ark.path / folder)
            _hold(mine == _digests(copy / folder), f"{folder} are the same, byte for byte")
            same += len(mine)
        last = edition_folders(ark.editions)[-1]
        held = _digests(ark.store), _digests(copy / "store")
        for row in manifest_rows(last):
            name = f"{row['root'].hex()}-{row['size']}"
            one, other = (
                [d for path, d in digests.items() if Path(path).stem == name] for digests in held
            )
            _hold(one == other and len(one) == 1, f"{row['name']} is the same, byte for byte")
        self.say(
            "rebuild",
            f"an archive made anew from the feed and the mirror: {done.files} tracks, "
            f"{done.torrents} torrents, {done.editions} editions, {same} files of them the same "
            f"byte for byte; {done.withdrawn} withdrawn stays away, "
            f"{done.unreleased['files']} never released cannot come back",
        )

    def _check(self, ark: Ark) -> None:
        """Everything kept is read again, unless nothing came since that was done last."""
        kinds = [line.kind for line in ark.events.lines()]
        if "fixity check" in kinds and "keeping" not in kinds[kinds.index("fixity check") :]:
            self.say("check", "nothing came since everything was read again")
            return
        found = check_store(ark, progress=self.progress.done)
        _hold(not found.bad, f"all is as it was: {found.bad}")
        self.say("check", f"{found.checked} files read again, all as they were")

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="songark-demo-") as name:
            yield Path(name)


def _hold(claim: bool, words: str) -> None:
    if not claim:
        raise BrokenStoryError(f"this does not hold: {words}", remedy="Report it with this output")


def _closed(ark: Ark) -> set[FileId]:
    """Every catalogued file that may not be shared."""
    decisions = current(ark.decisions)
    if decisions is None:
        return set()
    return {
        FileId(row["root"], row["size"])
        for row in read_rows(decisions.path / "decision.parquet")
        if row["act"] == Act.SHARE.value and not row["allowed"]
    }


def _most_heard(ark: Ark) -> dict[str, Any]:
    """The most heard track of the first edition: the one that is withdrawn."""
    rows = manifest_rows(edition_folders(ark.editions)[0])
    return max(rows, key=lambda row: (row["listens"], row["recording"]))


def _first_of(ark: Ark, recording: str) -> dict[str, Any]:
    rows = manifest_rows(edition_folders(ark.editions)[0])
    return next(row for row in rows if row["recording"] == recording)


def _status(base: str, pack: str, name: str) -> int:
    from urllib.parse import quote

    import urllib3

    return urllib3.request("GET", f"{base}{quote(pack)}/{quote(name)}").status


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
