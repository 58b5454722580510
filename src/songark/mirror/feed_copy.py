"""A feed as a mirror knows it, written out again as a feed."""

from __future__ import annotations

import shutil
from pathlib import Path

from songark.ark.atomic import write_whole
from songark.mirror.editions import edition_numbers
from songark.mirror.trust import Trusted
from songark.model.index import read_index
from songark.release.publish import INDEX


def copy_feed(feed: Trusted, source: Path, into: Path) -> None:
    """Write a feed's newest state to a folder, so that its archive can go on from it.

    With it come the fingerprint that mirrors know and the anchor of the ledger: without the same
    ledger nothing more is signed.

    Args:
        feed: the feed, refreshed.
        source: a folder that has the files of its editions at their paths.
        into: the folder of the feed; what is there already and right stays.

    Raises:
        FeedError: a target cannot be had.
    """
    newest = f"editions/{max(edition_numbers(feed), default=0)}/{INDEX}"
    for name, target in feed.targets().items():
        data = feed.read(name)
        folder, _, last = name.rpartition("/")
        _write(into / "targets" / folder / f"{target.sha256}.{last}", data)
        if last == INDEX:
            for path in read_index(data):
                is_superseded = name != newest and path.startswith("torrents/")
                if not is_superseded and (source / path).is_file():
                    _copy(source / path, into / "files" / path)
    for name, data in feed.metadata().items():
        _write(into / "metadata" / name, data)


def _write(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_whole(path, data)


def _copy(source: Path, target: Path) -> None:
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name[:48]}.part")
        shutil.copyfile(source, part)
        part.replace(target)
