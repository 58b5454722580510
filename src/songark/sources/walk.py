"""A folder's files in one total order: by the UTF-8 bytes of their NFC path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from songark.ark.layout import SETTINGS
from songark.model.finding import Reject
from songark.sources.names import is_text, nfc, printable


@dataclass(frozen=True, slots=True)
class Found:
    """An ordinary file: its NFC path in the folder, with /, and where it lies on the disk."""

    path: str
    real: Path


def walk(place: Path) -> Iterator[Found | Reject]:
    """All that lies in a folder; what cannot be walked comes as one reject each.

    Links to folders are not followed, and links to files only where they stay in the folder. Pipes,
    sockets and devices are never opened. Memory holds the names of the folders above.
    """
    top = Path(os.path.realpath(place))
    stack = [_listed(top, "", top)]
    while stack:
        one = next(stack[-1], None)
        if one is None:
            stack.pop()
        elif isinstance(one, _Folder):
            stack.append(_listed(one.real, one.path, top))
        else:
            yield one


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    real: Path


def _listed(real: Path, path: str, top: Path) -> Iterator[Found | Reject | _Folder]:
    shown = path or "."
    try:
        with os.scandir(real) as entries:
            names = sorted((_key(entry), entry.name, _kind(entry)) for entry in entries)
    except OSError as error:
        yield Reject(shown, f"the folder cannot be read ({error.strerror})", "Make it readable")
        return
    if any(name == SETTINGS for _, name, _ in names):
        yield Reject(shown, "an archive of Songark lies here", "Its files are in it already")
        return
    seen: set[str] = set()
    for _, name, kind in names:
        one = _one(real, path, name, kind, top)
        if not isinstance(one, Reject):
            if one.path in seen:
                one = Reject(
                    one.path,
                    "another name beside it differs only in its Unicode form",
                    "Rename one of the two",
                )
            else:
                seen.add(one.path)
        yield one


def _one(real: Path, path: str, name: str, kind: str, top: Path) -> Found | Reject | _Folder:
    inside = f"{path}/{name}" if path else name
    if not is_text(name):
        reason = f"the {'folder' if kind == 'folder' else 'file'}'s name is not UTF-8"
        return Reject(printable(inside), reason, "Rename it")
    where, own = real / name, nfc(inside)
    if kind == "folder":
        return _Folder(own, where)
    if kind == "link":
        return _linked(own, where, top)
    if kind == "file":
        return Found(own, where)
    return Reject(own, "a pipe, a socket or a device", "Leave it out")


def _linked(path: str, where: Path, top: Path) -> Found | Reject:
    try:
        target = Path(os.path.realpath(where, strict=True))
    except OSError as error:
        return Reject(path, f"a link that leads nowhere ({error.strerror})", "Mend or remove it")
    if target.is_dir():
        return Reject(path, "links to folders are not followed", "Add the folder it leads to")
    if not target.is_relative_to(top):
        return Reject(path, "the link leads out of the folder", "Copy the file into it")
    if not target.is_file():
        return Reject(path, "a link to a pipe, a socket or a device", "Leave it out")
    return Found(path, where)


def _key(entry: os.DirEntry[str]) -> bytes:
    """Sorts a folder where its files' paths sort: ``a.ogg`` before ``a/b.ogg``."""
    slash = "/" if _kind(entry) == "folder" else ""
    return (nfc(entry.name) + slash).encode("utf-8", "surrogateescape")


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
