"""SPDX's list of licence ids, through license-expression, with the names of our own added."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from license_expression import Licensing

_ONE_AT_A_TIME = threading.Lock()

ALL_RIGHTS_RESERVED = "LicenseRef-All-Rights-Reserved"
PUBLIC_DOMAIN = "LicenseRef-Public-Domain"
PUBLIC_DOMAIN_MARK = "CC-PDM-1.0"

CC_KINDS = ("BY", "BY-NC", "BY-NC-ND", "BY-NC-SA", "BY-ND", "BY-SA")
GNU_KINDS = ("AGPL", "GFDL", "GPL", "LGPL")


def unversioned(kind: str) -> str:
    """Our name for a licence whose version is not said, such as ``CC-BY-SA`` or ``GPL``."""
    return f"LicenseRef-{kind}-unversioned"


OWN = (
    ALL_RIGHTS_RESERVED,
    PUBLIC_DOMAIN,
    *(unversioned(f"CC-{kind}") for kind in CC_KINDS),
    *(unversioned(kind) for kind in GNU_KINDS),
)


def spdx_id(name: str) -> str:
    """The id as SPDX writes it, whatever its case; deprecated ids become what replaced them.

    Empty where SPDX (and we) know no such id.
    """
    return _ids().get(name.lower(), "")


def checked(expression: str) -> str:
    """A well-formed expression of known ids in its usual form; empty for any other text."""
    try:
        # The library builds its automaton at the first use, and not for two threads at once.
        with _ONE_AT_A_TIME:
            parsed = _licensing().parse(expression, validate=True, strict=True)
    except Exception:  # its parser also raises IndexError and others on odd input
        return ""
    return "" if parsed is None else str(parsed.render())


@lru_cache(maxsize=1)
def _licensing() -> Licensing:
    from license_expression import LicenseSymbol, Licensing, get_spdx_licensing

    # The library adds a scanner's private names; what they mean is the scanner's opinion.
    spdx = [
        LicenseSymbol(
            symbol.key,
            aliases=tuple(a for a in symbol.aliases if not a.startswith("LicenseRef-")),
            is_exception=symbol.is_exception,
        )
        for symbol in get_spdx_licensing().known_symbols.values()
        if not symbol.key.startswith("LicenseRef-")
    ]
    return Licensing([*spdx, *(LicenseSymbol(key) for key in OWN)])


@lru_cache(maxsize=1)
def _ids() -> dict[str, str]:
    return {
        name.lower(): symbol.key
        for symbol in _licensing().known_symbols.values()
        for name in (*symbol.aliases, symbol.key)
    }
