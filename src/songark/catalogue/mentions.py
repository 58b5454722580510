"""Whether a text names an artist or a title: by whole words, so that *rain* is not in *Ukraine*."""

from __future__ import annotations

from itertools import accumulate

from songark.catalogue.normalise import words


class Mentions:
    """A text in which keys are looked up."""

    def __init__(self, text: str) -> None:
        told = words(text)
        self._joined = "".join(told)
        self._edges = frozenset(accumulate(map(len, told), initial=0))

    def __contains__(self, key: str) -> bool:
        """Whether whole words of the text, one after the other, make up the key."""
        at = self._joined.find(key) if key else -1
        while at >= 0:
            if at in self._edges and at + len(key) in self._edges:
                return True
            at = self._joined.find(key, at + 1)
        return False
