"""Patterns for paths, matched in time proportional to the path, whatever the pattern.

A pattern's characters are the states of an automaton and an integer's bits say which are reached,
so a hostile pattern cannot make matching slow, as it can with a regular expression.
"""

from __future__ import annotations

from dataclasses import dataclass

from songark.model.errors import SongarkError

MAX_PATTERN = 1_000
"""Characters of the longest pattern."""

_ANY = "any"
_STAR = "star"
_DEEP = "deep"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern.

    text: as written. prefix: what a path must begin with. literals: for each character the states
    it leads on from. one: states that any character leads on from. star, deep: states that stay,
    on all characters but ``/``, and on all. last: the state that is the end.
    """

    text: str
    prefix: str
    literals: dict[str, int]
    one: int
    star: int
    deep: int
    last: int

    def matches(self, path: str) -> bool:
        """Whether the whole path fits."""
        if not path.startswith(self.prefix):
            return False
        stay, loops = self.deep, self.star | self.deep
        states = self._past(1, loops)
        for char in path:
            on = states & (self.literals.get(char, 0) | self.one)
            states = on << 1 | states & (stay if char == "/" else loops)
            states = self._past(states, loops)
            if not states:
                return False
        return bool(states & self.last)

    @staticmethod
    def _past(states: int, loops: int) -> int:
        # A star may stand for nothing; there are never two in a row.
        return states | (states & loops) << 1


def reuse_pattern(text: str) -> Pattern:
    r"""A pattern of REUSE 3.3: ``*`` is all but ``/``, ``**`` is all, ``\`` makes plain.

    Raises:
        SongarkError: it is empty or too long.
    """
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            tokens.append(("", text[at + 1]))
            at += 2
        elif text.startswith("**", at):
            tokens.append((_DEEP, ""))
            at += 2
        else:
            tokens.append((_STAR, "") if text[at] == "*" else ("", text[at]))
            at += 1
    return _compiled(text, tokens)


def dep5_pattern(text: str) -> Pattern:
    r"""A pattern of Debian's copyright format 1.0: ``*`` and ``?`` match ``/`` too.

    ``\*``, ``\?`` and ``\\`` stand for the characters themselves.

    Raises:
        SongarkError: it is empty or too long.
    """
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] in ("*", "?", "\\"):
            tokens.append(("", text[at + 1]))
            at += 1
        elif char in "*?":
            tokens.append((_DEEP if char == "*" else _ANY, ""))
        else:
            tokens.append(("", char))
        at += 1
    return _compiled(text, tokens)


def _compiled(text: str, tokens: list[tuple[str, str]]) -> Pattern:
    if not text or len(text) > MAX_PATTERN:
        raise SongarkError(f"a pattern has 1 to {MAX_PATTERN} characters, not {len(text)}")
    masks = {_ANY: 0, _STAR: 0, _DEEP: 0}
    literals: dict[str, int] = {}
    prefix = ""
    states: list[tuple[str, str]] = []
    for kind, char in tokens:
        if kind in (_STAR, _DEEP) and states and states[-1][0] in (_STAR, _DEEP):
            states[-1] = (_DEEP if _DEEP in (kind, states[-1][0]) else _STAR, "")
        else:
            states.append((kind, char))
    for at, (kind, char) in enumerate(states):
        if kind:
            masks[kind] |= 1 << at
        else:
            literals[char] = literals.get(char, 0) | 1 << at
            prefix += char if len(prefix) == at else ""
    return Pattern(
        text, prefix, literals, masks[_ANY], masks[_STAR], masks[_DEEP], 1 << len(states)
    )
