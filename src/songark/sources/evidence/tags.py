"""Licences in the file's own tags: worth little, since anybody who holds the file can write them.

Where: LICENSE and COPYRIGHT (Vorbis, MP4, TXXX), WCOP and WXXX and USER (ID3), comments. A comment
counts only where it carries an address or a well-known sentence; a licence field always counts,
so that words we cannot read are seen as such.
"""

from __future__ import annotations

import re

from songark.model.evidence import WHOLE_FILE, Grade, Statement
from songark.model.licence import ALL_RIGHTS_RESERVED, cc_urls, normalise, ported
from songark.sources.audio.tags import MAX_FIELD, Tags

_LICENCE = {"license", "licence", "license_url", "licenseurl", "license url", "wcop", "user"}
_COPYRIGHT = {"copyright", "tcop", "rights", "cprt"}
_OTHER = {"comment", "comments", "description", "desc", "contact", "url", "usage terms", "tos"}
_RESERVED = re.compile(r"\ball rights reserved\b", re.IGNORECASE)
_SEVERAL = 20


def tag_statements(tags: Tags, path: str) -> list[Statement]:
    """What the tags of the file at `path` say, one statement for each licence found."""
    short = [(name, value) for name, value in tags if len(value) <= MAX_FIELD]
    holder = next((value.strip() for name, value in short if name.lower() in _COPYRIGHT), "")
    made: dict[tuple[str, str], Statement] = {}
    for name, value in short:
        for raw, licence in _found(name.lower(), value.strip()):
            made.setdefault(
                (name, licence or raw),
                Statement(
                    kind="tag",
                    grade=Grade.BARE_TAG,
                    licence_raw=raw,
                    licence=licence,
                    parts=WHOLE_FILE,
                    holder=holder,
                    place=f"{path}, tag {name}",
                    document="",
                    note=ported_note(raw),
                ),
            )
    return list(made.values())[:_SEVERAL]


def ported_note(raw: str) -> str:
    """A remark where a licence is given as the unported one of its kind."""
    land = ported(raw)
    return f"the licence of jurisdiction {land!r}, given as the unported one" if land else ""


def _found(name: str, value: str) -> list[tuple[str, str]]:
    """The licences in one tag: (words, SPDX expression or empty)."""
    kind = name.partition(":")[0]
    if kind == "wxxx" or name in _OTHER | _COPYRIGHT | _LICENCE:
        found = list(cc_urls(value))
        if _RESERVED.search(value):
            found.append((value, ALL_RIGHTS_RESERVED))
        if found:
            return found
    if name in _LICENCE:
        return [(value, normalise(value))]
    meaning = normalise(value) if name in _COPYRIGHT | _OTHER else ""
    # A comment such as "Fair" or "Ruby" happens to be a licence's id as well.
    return [(value, meaning)] if "CC" in meaning else []
