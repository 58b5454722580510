"""Which paragraph of a copyright file covers an installed file.

The patterns are relative to the *source* package, and all that is known is the *installed* path:
``data/music/foo.ogg`` becomes ``usr/share/games/tux/data/music/foo.ogg``. So a pattern counts where
it matches the installed path or any end of it from a ``/`` on, and:

1. The longest end that a pattern beginning with a plain character matches is taken for the path in
   the source. There the last matching paragraph wins, as the format says.
2. Where shorter ends lead to other words, it is not sure which one is meant.
3. Where only patterns beginning with a wildcard match (``*``), the last such paragraph wins, unless
   another one names the file's folder or name, or its name with another ending: the build may have
   moved or converted the file. Then that one is given, and it is not sure.

What is not sure is never worth more than the keeper's own word.
"""

from __future__ import annotations

from songark.sources.evidence.dep5 import Paragraph, stem


def covering(paragraphs: tuple[Paragraph, ...], path: str) -> tuple[Paragraph | None, str]:
    """The paragraph for an installed path, and why it is not sure (empty where it is)."""
    ends = _ends(path)
    winners = [
        _last(paragraphs, end)
        for end in ends
        if any(pattern.matches(end) for one in paragraphs for pattern in one.anchored)
    ]
    if winners:
        first = winners[0]
        others = [one for one in winners if one.licence_raw != first.licence_raw]
        return first, (f"paragraph {others[0].number} may be meant" if others else "")
    free = [one for one in paragraphs if any(pattern.matches(path) for pattern in one.free)]
    near = [one for one in paragraphs if _is_near(one, ends)]
    if near and not (free and near[-1].licence_raw == free[-1].licence_raw):
        return near[-1], f"paragraph {near[-1].number} matches by name only"
    return (free[-1], "") if free else (None, "")


def _last(paragraphs: tuple[Paragraph, ...], end: str) -> Paragraph:
    return next(
        one
        for one in reversed(paragraphs)
        if any(pattern.matches(end) for pattern in (*one.anchored, *one.free))
    )


def _is_near(one: Paragraph, ends: list[str]) -> bool:
    if stem(ends[-1]) in one.stems:
        return True
    return any(pattern.matches(end) for pattern in one.ends for end in ends)


def _ends(path: str) -> list[str]:
    """The path and its ends from each ``/`` on, longest first."""
    parts = path.strip("/").split("/")
    return ["/".join(parts[at:]) for at in range(len(parts))]
