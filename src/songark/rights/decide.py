"""Dated decisions from what is said about a file. Unknown is no, and a conflict is no."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from songark.catalogue.mentions import Mentions
from songark.catalogue.normalise import artist_key, fold
from songark.model.evidence import Grade, Part, Statement
from songark.rights.acts import Act, Decision
from songark.rights.terms import CLASSES, Terms, agree, joined_class, terms_of

_ANOTHERS_SONG = re.compile(r"\b(?:cover|trad|traditional|arr)\b")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What bears on a file's rights besides statements: which works are in it, who wrote them."""

    has_picture: bool = False
    has_lyrics: bool = False
    title: str = ""
    artist: str = ""
    composer: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The works in the file; each wants its own permission."""
        extra = [(Part.PICTURE, self.has_picture), (Part.LYRICS, self.has_lyrics)]
        return (Part.RECORDING, Part.COMPOSITION, *(part for part, there in extra if there))


def decide(
    facts: FileFacts, statements: Sequence[Statement], withdrawn: str = ""
) -> Mapping[Act, Decision]:
    """Decide every act for one file, everywhere.

    Args:
        facts: what is in the file.
        statements: everything said about it, in any order.
        withdrawn: the moment it was withdrawn, empty where it was not.
    """
    if withdrawn:
        why = f"withdrawn on {withdrawn[:10]}"
        fix = "Nothing: a withdrawal cannot be lifted yet"
        return {act: Decision(act, False, "withdrawn", why, fix) for act in Act}
    told = [(s, terms_of(s.licence)) for s in sorted(statements, key=_order)]
    if not told:
        why = "nobody says what may be done with it"
        fix = _fix_evidence(facts)
        return {act: Decision(act, False, "no-evidence", why, fix) for act in Act}
    keep, share = _keep(told), _share(facts, told)
    if share.allowed and not keep.allowed:
        share = _as(keep, Act.SHARE)
    return {
        Act.KEEP: keep,
        Act.SHARE: share,
        Act.STREAM: _as(share, Act.STREAM),
        Act.TRAIN: Decision(
            Act.TRAIN,
            False,
            "no-consent",
            "no consent to training is on record, and a licence is none",
            "An explicit consent by the rights-holder, with its receipt",
        ),
        Act.ANALYSE: _as(share, Act.ANALYSE),
    }


_FIX_LICENCE = "Ask its rights-holder for an open licence, then store the page that states it"
_FIX_EVIDENCE = "Store the page that states the licence: songark evidence FILE URL"
_FIX_TAGS = (
    "Give the file artist and title tags and add it again; then store the page that names it"
)
_Told = Sequence[tuple[Statement, Terms]]


def _keep(told: _Told) -> Decision:
    for statement, terms in told:
        if not terms.keep:
            why = f"{_source(statement)} says {_licence(statement)}: {terms.why_not}"
            return Decision(Act.KEEP, False, "not-licensed", why, _FIX_LICENCE)
    best, terms = max(told, key=_weight)
    why = f"{_source(best)} says {_licence(best)}"
    return Decision(
        Act.KEEP, True, "licensed", why, "", terms.licence, terms.licence_class, int(best.grade)
    )


def _share(facts: FileFacts, told: _Told) -> Decision:
    """The first thing that stands against sharing, or the permission."""
    against = _conflict(told) or _anothers_song(facts, told)
    if against:
        return against
    chosen: list[tuple[Statement, Terms]] = []
    for part in facts.parts:
        said = [(s, t) for s, t in told if part in s.parts]
        if not said:
            fix = "Say so in a signed statement, or take it out of the file"
            why = f"nothing is said about the {part} in the file"
            return Decision(Act.SHARE, False, f"no-evidence-{part}", why, fix)
        best = max(said, key=_weight)
        refused = _refused(facts, part, *best)
        if refused:
            return refused
        chosen.append(best)
    return _permission(chosen)


def _permission(chosen: _Told) -> Decision:
    """What every work of the file asks, asks the whole file; the weakest evidence counts."""
    sources = dict.fromkeys(f"{_source(s)} says {_licence(s)}" for s, _terms in chosen)
    licences = sorted({terms.licence for _s, terms in chosen})
    if len(licences) > 1:
        licences = [f"({one})" if " " in one else one for one in licences]
    return Decision(
        Act.SHARE,
        True,
        "licensed",
        "; ".join(sources),
        "",
        " AND ".join(licences),
        joined_class(terms.licence_class for _s, terms in chosen),
        min(int(s.grade) for s, _terms in chosen),
    )


def _fix_evidence(facts: FileFacts) -> str:
    """How evidence comes in: a page can only cover what it names."""
    return _FIX_EVIDENCE if facts.title and facts.artist else _FIX_TAGS


def _refused(facts: FileFacts, part: Part, best: Statement, terms: Terms) -> Decision | None:
    """What stands against sharing one work even by the best that is said of it."""
    if not terms.share:
        why = f"{_source(best)} says {_licence(best)}: {terms.why_not}"
        return Decision(Act.SHARE, False, "not-licensed", why, _FIX_LICENCE)
    if best.grade < Grade.INDEPENDENT:
        why = (
            f"the licence of the {part} is stated only by {best.grade.words} "
            f"({best.place}), which opens keeping at most"
        )
        if best.note:
            why += f"; {best.note}"
        return Decision(Act.SHARE, False, "weak-evidence", why, _fix_evidence(facts))
    return None


def _conflict(told: _Told) -> Decision | None:
    """Two statements on the same work that no single licence satisfies."""
    for part in Part:
        said = [s for s, _terms in told if part in s.parts]
        for one in said:
            for other in said:
                if not agree(one.licence, other.licence):
                    why = (
                        f"{_source(one)} says {_licence(one)} and "
                        f"{_source(other)} says {_licence(other)}: a conflict is a no"
                    )
                    fix = "Find out which is right and correct or remove the other"
                    return Decision(Act.SHARE, False, "conflict", why, fix)
    return None


def _anothers_song(facts: FileFacts, told: _Told) -> Decision | None:
    """Signs that the song is not by the one who licenses the file."""
    if _ANOTHERS_SONG.search(fold(facts.title)):
        why = f"its title {facts.title!r} says that the song is another's"
        fix = "Correct the title where it is wrong; a songwriter's own word cannot be recorded yet"
        return Decision(Act.SHARE, False, "anothers-song", why, fix)
    signed = any(s.grade is Grade.DEPOSIT and Part.COMPOSITION in s.parts for s, _terms in told)
    if not facts.composer or signed:
        return None
    writers = set(artist_key(facts.composer).split("+"))
    known = set(artist_key(facts.artist).split("+"))
    # A bare tag may name anybody as holder: only who licenses the song by good evidence counts.
    holders = [
        Mentions(s.holder)
        for s, terms in told
        if Part.COMPOSITION in s.parts and s.grade >= Grade.INDEPENDENT and terms.share
    ]
    if all(writer in known or any(writer in holder for holder in holders) for writer in writers):
        return None
    why = f"the song is by {facts.composer!r}, who licenses nothing here"
    fix = "A signed statement by who owns the song, or correct the tag where it is wrong"
    return Decision(Act.SHARE, False, "anothers-song", why, fix)


def _order(statement: Statement) -> tuple[object, ...]:
    """A total order, so that the order in which statements come never shows."""
    told = {name: getattr(statement, name) for name in Statement.__slots__}
    return (*(str(v) for n, v in sorted(told.items()) if n != "parts"), *sorted(statement.parts))


def _weight(one: tuple[Statement, Terms]) -> tuple[int, int, str, str]:
    statement, terms = one
    rank = CLASSES.index(terms.licence_class) if terms.share else len(CLASSES)
    return (int(statement.grade), -rank, statement.licence, statement.place)


def _as(decision: Decision, act: Act) -> Decision:
    return Decision(
        act,
        decision.allowed,
        decision.code,
        decision.why,
        decision.fix,
        decision.licence,
        decision.licence_class,
        decision.grade,
    )


def _source(statement: Statement) -> str:
    return f"{statement.grade.words} ({statement.place})"


def _licence(statement: Statement) -> str:
    return statement.licence or f"{statement.licence_raw[:80]!r}"
