"""Names of right-holders as a release shows them: without years, signs and e-mail addresses."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"\s*[<(\[]?\s*[^\s<>()\[\]]+@[^\s<>()\[\]]+\s*[>)\]]?")
_LEAD = re.compile(r"^(?:\(c\)|©|copyright\b|by\b|[0-9]{4}|[\s,;:–-])+", re.IGNORECASE)


def credited(holder: str) -> str:
    """The names in the words of statements, each once, parted by ``; ``.

    ``(c) 2008 by Jo Doe <jo@example.org>; 2008 Jo Doe`` becomes ``Jo Doe``.
    """
    names = (_LEAD.sub("", _ADDRESS.sub("", part)) for part in holder.split(";"))
    clean = (name.strip(" ,.\"'") for name in names)
    return "; ".join(dict.fromkeys(name for name in clean if name))
