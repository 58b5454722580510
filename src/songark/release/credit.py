"""Names of right-holders as a release shows them: without years, signs and e-mail addresses."""

from __future__ import annotations

import re

# Bounded as RFC 5321 bounds addresses, so that no text takes long to look through.
_ADDRESS = re.compile(
    r"\s?(?:[<(\[]\s?)?[^\s<>()\[\]@]{1,64}@[^\s<>()\[\]@]{1,250}\.[^\s<>()\[\]@]{1,63}(?:\s?[>)\]])?"
)
# Years only, since the band 1349 keeps its name.
_YEAR = "(?:19|20)[0-9]{2}(?![0-9])"
_LEAD = re.compile(rf"^(?:\(c\)|©|copyright\b|by\b|{_YEAR}|[\s,;:–-])+", re.IGNORECASE)


def credited(holder: str) -> str:
    """The names in the words of statements, each once, parted by ``; ``.

    ``(c) 2008 by Jo Doe <jo@example.org>; 2008 Jo Doe`` becomes ``Jo Doe``.
    """
    names = (_LEAD.sub("", _ADDRESS.sub("", part)) for part in holder.split(";"))
    clean = (name.strip(" ,.\"'") for name in names)
    return "; ".join(dict.fromkeys(name for name in clean if name))
