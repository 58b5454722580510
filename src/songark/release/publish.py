"""What the feed says: the editions, what is withdrawn, where the swarm is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from songark.ark.atomic import sync_folder
from songark.ark.journal import Head, canonical
from songark.ark.layout import Ark
from songark.ark.lock import locked
from songark.ark.seal import digest_file
from songark.ark.tables import read_rows
from songark.model.errors import BrokenError
from songark.model.identity import FileId
from songark.model.index import read_index
from songark.release.feed import TargetSource, publish_feed
from songark.release.history import edition_folders
from songark.release.keys import Keys
from songark.rights.acts import Act
from songark.rights.gate import Gate
from songark.store.records import read_holdings

INDEX = "SHA256SUMS"
HEADS = "heads.json"
_WAIT = 60.0


def sign_feed(ark: Ark, keys: Keys, *, now: datetime | None = None) -> None:
    """Sign what is true at this moment: called after an edition and after a withdrawal.

    The files of every edition lie beside under ``files/``; of torrents only those of the last
    edition, since superseded ones leave the feed. What is signed is looked up under a lock of its
    own: a withdrawal and a publish at the same time never sign what the other made old.

    Raises:
        BrokenError: an edition or the feed is damaged.
        LockedError: another process has been signing for a minute.
    """
    with locked(ark.feed.with_name("signing.lock"), wait=_WAIT):
        _sign(ark, keys, now or datetime.now(UTC))


def _sign(ark: Ark, keys: Keys, now: datetime) -> None:
    head = ledger_since_feed(ark)
    folders = edition_folders(ark.editions)
    targets = {
        f"editions/{folder.name}/{INDEX}": TargetSource(folder / INDEX) for folder in folders
    }
    withdrawn = b"".join(canonical(line) + b"\n" for line in withdrawn_lines(ark, folders))
    targets["withdrawn.jsonl"] = TargetSource(withdrawn)
    swarm = {"peers": list(ark.settings.peers), "web_seeds": list(ark.settings.web_seeds)}
    targets["swarm.json"] = TargetSource(canonical(swarm) + b"\n")
    targets[HEADS] = TargetSource(canonical({"ledger": [head.count, head.hash]}) + b"\n")
    top = ark.feed / "files"
    wanted = _wanted(folders)
    for path in sorted(wanted):
        _link(ark.path / path, top / path)
    publish_feed(ark.feed, keys, targets, now=now)
    # Only now: until then mirrors follow the feed that names them.
    _remove_all_but(wanted, top)


def ledger_since_feed(ark: Ark) -> Head:
    """The ledger's head, after checking that it goes on from what the feed in place anchors.

    A ledger that lost its tail would forget withdrawals, so nothing is signed or seeded from it.

    Raises:
        BrokenError: the ledger was cut or rewritten, or the feed's anchor is damaged.
    """
    head = Head()
    for path in sorted((ark.feed / "targets").glob(f"*.{HEADS}")):
        try:
            head = Head(*json.loads(path.read_bytes())["ledger"])
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenError(f"not the heads of journals ({error})", place=str(path)) from None
    for line in ark.ledger.lines(head):
        head = Head(line.n, line.hash)
    return head


def withdrawn_lines(ark: Ark, folders: list[Path]) -> Iterator[dict[str, Any]]:
    """Every file that was released once and may not be shared now, with its hashes.

    The hashes let anybody remake the torrents of earlier editions without the audio.
    """
    gate = Gate(ark, Act.SHARE)
    moments = gate.withdrawn()
    released: dict[FileId, str] = {}
    for folder in folders:
        for row in read_rows(folder / "manifest.parquet", ["root", "size", "recording"]):
            released[FileId(row["root"], row["size"])] = row["recording"]
    gone = {file for file in released if not gate.is_clear(file)}
    records = {one.file: one.record for one in read_holdings(ark.store) if one.file in gone}
    for file in sorted(gone):
        line: dict[str, Any] = {
            "root": file.root.hex(),
            "size": file.size,
            "recording": released[file],
            "reason": "withdrawn" if file in moments else "no longer cleared",
            "at": moments.get(file, ""),
        }
        if file in records:
            record = records[file]
            line["hashes"] = {
                "sha256": record.sha256.hex(),
                "layer": record.layer.hex(),
                "v1": record.v1.hex(),
                "v1_last_padded": record.v1_last_padded.hex(),
            }
        yield line


def _wanted(folders: list[Path]) -> set[str]:
    """What lies under ``files/``: all that the indexes name, of torrents the newest only."""
    return {
        path
        for folder in folders
        for path in read_index((folder / INDEX).read_bytes())
        if folder is folders[-1] or not path.startswith("torrents/")
    }


def _remove_all_but(wanted: set[str], top: Path) -> None:
    for left in sorted(p for p in top.rglob("*") if p.is_file()):
        if str(left.relative_to(top)) not in wanted:
            left.unlink()


def _link(source: Path, target: Path) -> None:
    """Both are ours and sealed, so one inode serves; elsewhere a copy does."""
    if target.exists() and (source.samefile(target) or digest_file(source) == digest_file(target)):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:
        shutil.copyfile(source, part)
    part.replace(target)
    sync_folder(target.parent)
