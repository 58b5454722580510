"""A mirror's folder: packs as folders of playable files, and what is known of them.

``<pack>/<name>`` are the files; ``.songark/`` holds what the feed told (``editions/``,
``torrents/``, ``trust/``), ``verified.jsonl`` with every file that was hashed and found right,
``incoming/<pack>/`` being fetched, and ``withdrawn/`` what was set aside. Whatever else lies in the
folder is somebody's own and is left alone.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from songark.ark.atomic import sync_folder, write_whole
from songark.ark.journal import canonical
from songark.mirror.json_lines import text
from songark.model.errors import SongarkError
from songark.model.hashing import hash_file
from songark.model.identity import FileId
from songark.model.index import check_path

# No file was written then, so it is hashed again.
_DOUBTED = -1


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was when it was last found right; `modified` is when it was written, in ns."""

    file: FileId
    modified: int


class Shelf:
    """The files of a mirror and which of them were verified."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".songark"
        self._seen: dict[str, _Seen] = {}
        self._places: dict[FileId, set[str]] = {}
        self._packs: dict[str, set[str]] = {}
        self._list = self.state / "verified.jsonl"
        self.verified = 0
        """How many files were hashed by this object."""
        self._read()

    def incoming(self, pack: str) -> Path:
        """Where a pack's missing files are fetched to; a re-issue goes on with what is there."""
        return self.state / "incoming" / pack

    def has(self, path: str, file: FileId) -> bool:
        """Whether `path` (``<pack>/<name>``) is this file; hashed again where it was touched."""
        place = self.folder / path
        try:
            told = place.lstat()
        except OSError:
            return False
        if told.st_size != file.size or place.is_symlink():
            return False
        if self._seen.get(path) == _Seen(file, told.st_mtime_ns):
            return True
        return self._verify(path, file)

    def is_anothers(self, path: str) -> bool:
        """Whether something lies at `path` that this mirror did not put there."""
        place = self.folder / path
        return path not in self._seen and (place.is_symlink() or place.exists())

    def elsewhere(self, file: FileId) -> Path | None:
        """Another place where this file lies, as far as is known."""
        for path in sorted(self._places.get(file, ())):
            if self.has(path, file):
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
        self._note(path, _Seen(file, fetched.stat().st_mtime_ns))
        # Before the file has its name: what is not in the list is taken for somebody's own.
        self.state.mkdir(parents=True, exist_ok=True)
        with self._list.open("ab") as stream:
            stream.write(self._line(path))
        fetched.replace(target)
        sync_folder(target.parent)

    def set_aside(self, path: str) -> None:
        """Move a file out of its pack, where it is neither seeded nor offered."""
        source, target = self.folder / path, self.state / "withdrawn" / path
        self._drop(path)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        with suppress(OSError):
            source.parent.rmdir()

    def forget_removed(self) -> None:
        """Forget what somebody took out of the folder; it counts no more."""
        for path in [one for one in self._seen if not os.path.lexists(self.folder / one)]:
            self._drop(path)

    def doubt(self, path: Path) -> None:
        """Have a file hashed again at the next look, since a piece of it was found wrong."""
        name = path.absolute().relative_to(self.folder.absolute()).as_posix()
        if name in self._seen:
            self._note(name, _Seen(self._seen[name].file, _DOUBTED))

    def files(self) -> dict[str, FileId]:
        """Every file of this mirror by path, as it was last verified."""
        return {path: seen.file for path, seen in sorted(self._seen.items())}

    def packs(self) -> dict[str, int]:
        """The packs that something is here of, with its bytes."""
        return {
            pack: sum(self._seen[path].file.size for path in paths)
            for pack, paths in self._packs.items()
            if paths
        }

    def files_of(self, pack: str) -> list[str]:
        """The paths of what is here of a pack."""
        return sorted(self._packs.get(pack, ()))

    def save(self) -> None:
        """Write down what was verified."""
        data = b"".join(self._line(path) for path in sorted(self._seen))
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
            self._note(path, _Seen(file, modified))
        elif path in self._seen:
            self._note(path, _Seen(self._seen[path].file, _DOUBTED))
        return right

    def _note(self, path: str, seen: _Seen) -> None:
        self._drop(path)
        self._seen[path] = seen
        self._places.setdefault(seen.file, set()).add(path)
        self._packs.setdefault(path.split("/", maxsplit=1)[0], set()).add(path)

    def _drop(self, path: str) -> None:
        seen = self._seen.pop(path, None)
        if seen:
            self._places[seen.file].discard(path)
            self._packs[path.split("/", maxsplit=1)[0]].discard(path)

    def _line(self, path: str) -> bytes:
        seen = self._seen[path]
        told = {"path": path, "file": str(seen.file), "modified": seen.modified}
        return canonical(told) + b"\n"

    def _read(self) -> None:
        if not self._list.is_file():
            return
        for raw in self._list.read_bytes().splitlines():
            try:
                told = json.loads(raw)
                path = check_path(text(told["path"]))
                seen = _Seen(FileId.parse(told["file"]), int(told["modified"]))
            except (ValueError, KeyError, TypeError, OverflowError, SongarkError):
                # Only a memory: what is not in it is hashed again.
                continue
            if path.count("/") == 1:
                self._note(path, seen)
