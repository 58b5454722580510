"""The list of an edition's files: ``SHA256SUMS`` as coreutils writes it, read strictly.

One line for each file: 64 lower-case hex digits, two spaces, the path, a newline; lines in order of
their paths. Any ``sha256sum --check`` reads it, and the same files give the same bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from songark.model.errors import BrokenError

MAX_INDEX = 32 * 1024 * 1024
"""Bytes of an index at most: some 200,000 files, seven times what the largest archive needs."""

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def read_index(data: bytes) -> dict[str, str]:
    """The digests (SHA-256, hex) of an index by path, in order of the paths.

    Raises:
        BrokenError: a line has another form, a path is unsafe, the lines are not in strictly
            rising order (so a path stands twice), or the index is too large.
    """
    if len(data) > MAX_INDEX:
        raise _broken(f"more than {MAX_INDEX} bytes", "SHA256SUMS")
    if data and not data.endswith(b"\n"):
        raise _broken("the last line is cut", "SHA256SUMS")
    try:
        lines = data.decode("utf-8").split("\n")[:-1]
    except UnicodeDecodeError as error:
        raise _broken(f"not UTF-8 at byte {error.start}", "SHA256SUMS") from None
    told: dict[str, str] = {}
    before = ""
    for number, line in enumerate(lines, 1):
        place = f"SHA256SUMS, line {number}"
        found = _LINE.fullmatch(line)
        if not found:
            raise _broken(f"not '<64 hex digits>  <path>': {line[:100]!r}", place)
        path = check_path(found[2], place)
        if path <= before:
            raise _broken(f"not in order, or twice: {path[:100]!r}", place)
        told[path] = found[1]
        before = path
    return told


def write_index(digests: Mapping[str, str]) -> bytes:
    """An index from digests by path; the same digests give the same bytes.

    Raises:
        BrokenError: a path is unsafe, a digest is not 64 hex digits, or the index is too large.
    """
    lines = []
    for path, digest in sorted(digests.items()):
        if not _DIGEST.fullmatch(digest):
            raise _broken(f"not a SHA-256 in hex: {digest[:100]!r}", path[:100])
        lines.append(f"{digest}  {check_path(path)}\n")
    data = "".join(lines).encode()
    if len(data) > MAX_INDEX:
        raise _broken(f"more than {MAX_INDEX} bytes", "SHA256SUMS")
    return data


def check_path(path: str, place: str = "") -> str:
    """Return a relative path that is safe to put below any folder, else refuse it.

    Its parts are parted by ``/``; none is empty, begins with a dot (so no ``..``, and nothing that
    a sweep of half-written files would take), or is longer than 255 bytes; the whole is at most
    1,024 bytes. No backslash and no control, format or surrogate character is in it.

    Raises:
        BrokenError: the path is unsafe.
    """
    parts = path.split("/")
    if (
        any(
            not part or part[0] == "." or len(part.encode(errors="replace")) > 255 for part in parts
        )
        or len(path.encode(errors="replace")) > 1024
        or "\\" in path
        or not (path.isprintable() or _HIDDEN.isdisjoint(map(unicodedata.category, path)))
    ):
        raise _broken(f"unsafe path: {path[:100]!r}", place)
    return path


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _broken(message: str, place: str) -> BrokenError:
    return BrokenError(
        message, place=place, remedy="Ask the keeper of this archive to publish it again"
    )
