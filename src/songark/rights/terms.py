"""What a licence allows, from its SPDX expression.

Sources: the legal codes of Creative Commons 1.0 to 4.0 and CC0; 4.0 section 2(a)(4) (a change of
format is no adaptation) and 3(a)(1)(B) (it has to be said). GPL-like licences let the file be
kept; sharing them wants the preferred form for modification, which a mix is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from songark.model.licence import ALL_RIGHTS_RESERVED, PUBLIC_DOMAIN, PUBLIC_DOMAIN_MARK

# From the freest to the strictest: packs hold one class each, and a mirror may refuse some.
CLASSES = (
    "CC0",
    "CC-BY",
    "CC-BY-SA",
    "CC-BY-NC",
    "CC-BY-NC-SA",
    "CC-BY-ND",
    "CC-BY-NC-ND",
)

_CC = re.compile(
    r"CC-(BY(?:-NC)?(?:-SA|-ND)?|BY-ND-NC)-(?:(1\.0|2\.0|2\.5|3\.0|4\.0)(?:-[A-Z]{2,3})?)", re.ASCII
)
# An expression that can be satisfied in more ways than this agrees with itself only.
_MAX_WAYS = 256
_UNVERSIONED = re.compile(r"LicenseRef-(CC-BY[A-Z-]*)-unversioned")
# What does not let share: the form of its name, whether it lets keep, and why not more.
_CLOSED = (
    (_UNVERSIONED, True, "it does not say which version"),
    (re.compile(re.escape(ALL_RIGHTS_RESERVED)), False, "all rights are reserved"),
    (
        re.compile(f"{re.escape(PUBLIC_DOMAIN)}|{re.escape(PUBLIC_DOMAIN_MARK)}"),
        True,
        "a public domain label states a fact and opens nothing; "
        "dated facts have to meet a territory's rule",
    ),
    (
        re.compile(r"[AL]?GPL-[0-9.]+(?:-only|-or-later)?|LicenseRef-[AL]?GPL-unversioned"),
        True,
        "this licence wants the preferred form for modification to go with the file",
    ),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one licence gives.

    keep, share: whether it lets the file be kept, or given to everyone. licence_class: its class,
    empty where it does not let share. why_not: why it does not, for people.
    """

    licence: str
    keep: bool
    share: bool
    licence_class: str = ""
    why_not: str = ""


@lru_cache(maxsize=4096)
def terms_of(expression: str) -> Terms:
    """The terms of an SPDX expression: of ``OR`` the freest branch, of ``AND`` all together.

    A licence that is not known gives nothing.
    """
    tree = _parsed(expression)
    if tree is None:
        return Terms(expression, keep=False, share=False, why_not="the licence is not known")
    return _of_tree(tree)


def joined_class(classes: Iterable[str]) -> str:
    """The class of works that lie in one file: what any of them asks, all of it asks.

    A file with a NonCommercial part is NonCommercial, one with a part under NoDerivatives can be
    changed by nobody.
    """
    asked = {word for one in classes for word in one.removeprefix("CC-").split("-")}
    if asked == {"CC0"}:
        return "CC0"
    last = "-ND" if "ND" in asked else "-SA" if "SA" in asked else ""
    return "CC-BY" + ("-NC" if "NC" in asked else "") + last


def agree(one: str, other: str) -> bool:
    """Whether one licence can satisfy both expressions.

    ``A OR B`` agrees with ``B``; a Creative Commons licence without a version agrees with every
    version of its kind. The empty expression, which nobody understands, agrees with itself only.
    """
    return any(
        all(any(_same(a, b) for b in ours) for a in mine)
        and all(any(_same(a, b) for a in mine) for b in ours)
        for mine in _branches(one)
        for ours in _branches(other)
    )


def _parsed(expression: str) -> Any:  # noqa: ANN401 - a node of an untyped library
    """The tree of an expression; None where it is none."""
    from license_expression import Licensing

    try:
        return Licensing().parse(expression)
    except Exception:  # its parser also raises IndexError and others on odd input
        return None


@lru_cache(maxsize=4096)
def _branches(expression: str) -> list[frozenset[str]]:
    """The ways to satisfy an expression, each the licences that then hold together."""
    tree = _parsed(expression)
    ways = _ways(tree) if tree is not None else []
    return ways or [frozenset({expression})]


def _ways(tree: Any) -> list[frozenset[str]]:  # noqa: ANN401 - a node of an untyped library
    """Empty where there are too many: such an expression agrees with itself only."""
    parts = [_ways(arg) for arg in getattr(tree, "args", ())]
    if not parts:
        return [frozenset({str(tree)})]
    if not all(parts):
        return []
    if tree.__class__.__name__ == "OR":
        every = {way for part in parts for way in part}
    else:
        every = {frozenset()}
        for part in parts:
            every = {one | way for one in every for way in part}
            if len(every) > _MAX_WAYS:
                return []
    return sorted(every, key=sorted)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    loose = _UNVERSIONED.fullmatch(one) or _UNVERSIONED.fullmatch(other)
    if loose is None:
        return False
    kinds = {_UNVERSIONED.sub(r"\1", name) for name in (one, other)}
    return len({re.sub(r"-[0-9.]+(?:-[A-Z]{2,3})?$", "", kind) for kind in kinds}) == 1


def _of_tree(tree: Any) -> Terms:  # noqa: ANN401 - a node of an untyped library
    parts = [_of_tree(arg) for arg in getattr(tree, "args", ())]
    if not parts:
        return _single(str(tree))
    if tree.__class__.__name__ == "OR":
        return min(parts, key=_freedom)
    keep, worst = all(p.keep for p in parts), max(parts, key=_freedom)
    if not worst.share:
        return Terms(str(tree), keep, share=False, why_not=worst.why_not)
    together = joined_class(p.licence_class for p in parts)
    return Terms(str(tree), keep, share=True, licence_class=together)


def _freedom(terms: Terms) -> tuple[bool, bool, int, str]:
    rank = CLASSES.index(terms.licence_class) if terms.share else len(CLASSES)
    return (not terms.share, not terms.keep, rank, terms.licence)


def _single(licence: str) -> Terms:
    found = _CC.fullmatch(licence)
    if found or licence == "CC0-1.0":
        kind = "CC-" + found[1].replace("BY-ND-NC", "BY-NC-ND") if found else "CC0"
        return Terms(licence, keep=True, share=True, licence_class=kind)
    for form, keep, why_not in _CLOSED:
        if form.fullmatch(licence):
            return Terms(licence, keep=keep, share=False, why_not=why_not)
    return Terms(licence, keep=False, share=False, why_not="the licence is not known")
