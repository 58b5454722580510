"""Files by root: ``store/ab/cd/<root>-<size>.<ext>``, brought in safely and never overwritten."""

from __future__ import annotations

import os
import re
from pathlib import Path

from songark.ark.atomic import naming, sync_folder
from songark.model.errors import SongarkError
from songark.model.hashing import HashRecord, copy_hashed, hash_file
from songark.model.identity import FileId

_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


def extension_of(name: str) -> str:
    """The extension that a stored file gets: lower case, plain letters, else ``bin``."""
    found = Path(name).suffix[1:].lower()
    return found if _EXTENSION.fullmatch(found) else "bin"


def place_of(store: Path, file: FileId, extension: str) -> Path:
    """Where a file lies in the store."""
    root = file.root.hex()
    return store / root[:2] / root[2:4] / f"{root}-{file.size}.{extension}"


def bring_in(
    source: Path, expected: FileId, store: Path, incoming: Path
) -> tuple[Path, HashRecord]:
    """Copy a file into the store, hashing it on the way; returns its place and hash record.

    The copy is written to `incoming`, synced, compared with what is expected and renamed. A file
    that is there already is hashed again instead of copied, and replaced where it is damaged.

    Raises:
        SongarkError: the source cannot be read, or is not the file expected any more.
        OSError: the disk is full.
    """
    place = place_of(store, expected, extension_of(source.name))
    if (held := _held(place)) and held.file == expected:
        return place, held
    incoming.mkdir(parents=True, exist_ok=True)
    part = incoming / f"{expected}.part"
    try:
        record = _copy(source, part)
        if record.file != expected:
            raise SongarkError(
                "the file changed since it was added",
                place=str(source),
                remedy="Run `songark add` on its folder again",
            )
        is_new = not place.parent.is_dir()
        place.parent.mkdir(parents=True, exist_ok=True)
        part.chmod(0o444)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
    for folder in (place.parent, *((place.parent.parent, store) if is_new else ())):
        sync_folder(folder)
    return place, record


def _held(place: Path) -> HashRecord | None:
    """What lies there now; None for nothing, or what cannot be read."""
    try:
        return hash_file(place) if place.is_file() else None
    except SongarkError:
        return None


def _copy(source: Path, part: Path) -> HashRecord:
    try:
        reading = source.open("rb")
    except OSError as error:
        raise SongarkError(
            f"cannot be read ({error.strerror})",
            place=str(source),
            remedy="Put the file back, or run `songark add` on its folder again",
        ) from None
    with naming(part), reading, part.open("wb") as writing:
        record = copy_hashed(reading, writing)
        writing.flush()
        os.fsync(writing.fileno())
    return record
