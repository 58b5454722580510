"""A mirror's folder: packs as folders of playable files, and what is known of them.

``<pack>/<name>`` are the files; ``.songark/`` holds what the feed told (``editions/``,
``torrents/``, ``trust/``), ``verified.jsonl`` with every file that was hashed and found right,
``incoming/`` being fetched, and ``withdrawn/`` what was set aside.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from songark.ark.atomic import sync_folder, write_whole
from songark.ark.journal import canonical
from songark.model.errors import SongarkError
from songark.model.hashing import hash_file
from songark.model.identity import FileId


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was when it was last found right."""

    file: FileId
    modified: int


class Shelf:
    """The files of a mirror and which of them were verified."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".songark"
        self._seen: dict[str, _Seen] = {}
        self._list = self.state / "verified.jsonl"
        self.verified = 0
        """How many files were hashed by this object."""
        self._read()

    def incoming(self, infohash: str) -> Path:
        """Where a torrent's missing files are fetched to."""
        return self.state / "incoming" / infohash

    def has(self, path: str, file: FileId) -> bool:
        """Whether `path` (``<pack>/<name>``) is this file; hashed again where it was touched."""
        place = self.folder / path
        try:
            told = place.lstat()
        except FileNotFoundError:
            return False
        if told.st_size != file.size or place.is_symlink():
            return False
        seen = self._seen.get(path)
        if seen and seen == _Seen(file, told.st_mtime_ns):
            return True
        return self._verify(path, file)

    def elsewhere(self, file: FileId) -> Path | None:
        """Another place where this file lies, as far as is known."""
        for path, seen in sorted(self._seen.items()):
            if seen.file == file and self.has(path, file):
                return self.folder / path
        return None

    def take(self, fetched: Path, path: str, file: FileId) -> None:
        """Hash a fetched file and give it its final name.

        Raises:
            SongarkError: it is not the file the manifest names; it is left where it is.
        """
        self.verified += 1
        if hash_file(fetched).file != file:
            raise SongarkError(
                "the fetched file is not the one in the manifest",
                place=str(fetched),
                remedy="Remove it and run the same command again",
            )
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fetched.replace(target)
        sync_folder(target.parent)
        self._seen[path] = _Seen(file, target.stat().st_mtime_ns)

    def set_aside(self, path: str) -> None:
        """Move a file out of its pack, where it is neither seeded nor offered."""
        source, target = self.folder / path, self.state / "withdrawn" / path
        self._seen.pop(path, None)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)

    def files(self) -> dict[str, FileId]:
        """Every file known by path, as it was last verified."""
        return {path: seen.file for path, seen in sorted(self._seen.items())}

    def save(self) -> None:
        """Write down what was verified."""
        lines = [
            canonical({"path": path, "file": str(seen.file), "modified": seen.modified}) + b"\n"
            for path, seen in sorted(self._seen.items())
        ]
        data = b"".join(lines)
        if not self._list.is_file() or self._list.read_bytes() != data:
            write_whole(self._list, data)

    def _verify(self, path: str, file: FileId) -> bool:
        self.verified += 1
        place = self.folder / path
        modified = place.stat().st_mtime_ns
        try:
            right = hash_file(place).file == file
        except SongarkError:
            right = False
        if right:
            self._seen[path] = _Seen(file, modified)
        else:
            self._seen.pop(path, None)
        return right

    def _read(self) -> None:
        if not self._list.is_file():
            return
        for raw in self._list.read_bytes().splitlines():
            try:
                told = json.loads(raw)
                seen = _Seen(FileId.parse(told["file"]), int(told["modified"]))
                self._seen[str(told["path"])] = seen
            except (ValueError, KeyError, TypeError):
                # Only a memory: what is not in it is hashed again.
                continue
