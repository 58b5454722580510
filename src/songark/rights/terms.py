"""What a licence allows, from its SPDX expression.

Sources: the legal codes of Creative Commons 1.0 to 4.0 and CC0; 4.0 section 2(a)(4) (a change of
format is no adaptation) and 3(a)(1)(B) (it has to be said). GPL-like licences let the file be
kept; sharing them wants the preferred form for modification, which a mix is not.
"""

from __future__ import annotations

import re
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
    from license_expression import ExpressionError, Licensing

    try:
        tree = Licensing().parse(expression)
    except (ExpressionError, ValueError):
        tree = None
    if tree is None:
        return Terms(expression, keep=False, share=False, why_not="the licence is not known")
    return _of_tree(tree)


def agree(one: str, other: str) -> bool:
    """Whether one licence can satisfy both expressions.

    ``A OR B`` agrees with ``B``; a Creative Commons licence without a version agrees with every
    version of its kind. The empty expression, which nobody understands, agrees with itself only.
    """
    return any(_same(a, b) for a in _branches(one) for b in _branches(other))


def _branches(expression: str) -> list[str]:
    return [part.strip(" ()") for part in re.split(r"\bOR\b", expression)]


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
    worst = max(parts, key=_freedom)
    keep = all(p.keep for p in parts)
    return Terms(str(tree), keep, worst.share, worst.licence_class, worst.why_not)


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
