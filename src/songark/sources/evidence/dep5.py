"""Debian's machine-readable copyright files (copyright-format 1.0): their paragraphs for files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from songark.model.errors import SongarkError
from songark.sources.evidence.pattern import Pattern, dep5_pattern

MAX_PARAGRAPHS = 20_000
MAX_PATTERNS = 100_000

_FORMAT = re.compile(r"^Format(?:-Specification)?:.*copyright-format|^Format:.*dep.?5", re.M | re.I)
_MAX_WORDS = 10_000
_WILD = re.compile(r"[*?/]*")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One ``Files:`` paragraph, counted from 1 among all of the file.

    anchored: patterns that begin with a plain character; free: those that begin with a wildcard,
    which match at any depth. ends: the ends of the anchored ones, from each ``/`` on, as far as
    they hold a plain character. stems: plain file names in them, without their ending.
    """

    number: int
    licence_raw: str
    holder: str
    anchored: tuple[Pattern, ...]
    free: tuple[Pattern, ...]
    ends: tuple[Pattern, ...]
    stems: frozenset[str]


def parse_dep5(text: str) -> tuple[Paragraph, ...]:
    """Read ``debian/copyright``.

    Raises:
        SongarkError: it is not in the machine-readable form.
    """
    from debian_inspector.copyright import CopyrightFilesParagraph, DebianCopyright

    if not _FORMAT.search(text[:10_000]):
        raise SongarkError(
            "not in the machine-readable form (no Format line)",
            remedy="Say what it says in a songark.rights.toml",
        )
    try:
        told = DebianCopyright.from_text(text).paragraphs
        rows = [
            (number, one.files.values or [], one.license.name or "", one.copyright.dumps())
            for number, one in enumerate(told[:MAX_PARAGRAPHS], 1)
            if isinstance(one, CopyrightFilesParagraph)
        ]
    except Exception as error:
        raise SongarkError(f"cannot be read as a copyright file ({error})"[:500]) from None
    if sum(len(row[1]) for row in rows) > MAX_PATTERNS:
        raise SongarkError(f"more than {MAX_PATTERNS} patterns")
    return tuple(_paragraph(*row) for row in rows)


def _paragraph(number: int, files: list[str], licence: str, holder: str) -> Paragraph:
    try:
        patterns = [dep5_pattern(text.removeprefix("./")) for text in files]
        anchored = tuple(p for p in patterns if p.prefix)
        ends = tuple(dep5_pattern(end) for p in anchored for end in _ends(p.text))
    except SongarkError as error:
        raise SongarkError(error.message, place=f"paragraph {number}, field Files") from None
    names = (p.text.rpartition("/")[2] for p in patterns)
    return Paragraph(
        number=number,
        licence_raw=" ".join(licence.split())[:_MAX_WORDS],
        holder="; ".join(" ".join(line.split()) for line in holder.splitlines())[:_MAX_WORDS],
        anchored=anchored,
        free=tuple(p for p in patterns if not p.prefix),
        ends=ends,
        stems=frozenset(stem(name) for name in names if name and not re.search(r"[*?]", name)),
    )


def stem(name: str) -> str:
    """A file name without its ending, in lower case."""
    return (name.rpartition(".")[0] or name).lower()


def _ends(text: str) -> list[str]:
    parts = text.split("/")
    ends = ("/".join(parts[at:]) for at in range(1, len(parts)))
    return [end for end in ends if not _WILD.fullmatch(end)]
