"""What single licences are called: in addresses, in DEP-5, and in plain words."""

from __future__ import annotations

import re

from songark.model.licence_list import (
    ALL_RIGHTS_RESERVED,
    CC_KINDS,
    PUBLIC_DOMAIN,
    PUBLIC_DOMAIN_MARK,
    spdx_id,
    unversioned,
)

_ADDRESS = re.compile(
    r"(?:https?:)?(?://)?(?:www\.)?creativecommons\.org/(?P<path>[a-z0-9.+/-]{1,100})(?:[?#]\S*)?"
)
# The text's own page and its translations: deed, deed.de, legalcode.fr, rdf.
_PAGE = r"(?:/(?:deed|legalcode|rdf)(?:\.[a-z_-]{2,10})?(?:\.txt)?)?/?"
_LICENCE = re.compile(
    r"licenses/(?P<kind>[a-z-]{2,10})/(?P<version>\d\.\d)(?:/(?P<land>[a-z]{2,3}|scotland))?"
    + _PAGE
)
_PUBLIC = {
    "publicdomain/zero/1.0": "CC0-1.0",
    "publicdomain/mark/1.0": PUBLIC_DOMAIN_MARK,
    "licenses/publicdomain": "CC-PDDC",
}
_SEPARATOR = r"[\s_-]+"
_CC = re.compile(
    rf"(?:cc|creative commons){_SEPARATOR}(?P<kind>(?:by|nc|nd|sa)(?:{_SEPARATOR}(?:by|nc|nd|sa))*)"
    rf"(?:{_SEPARATOR}v?(?P<version>\d(?:\.\d)?))?(?:{_SEPARATOR}(?P<land>[a-z &]{{2,24}}))?"
)
_WORDS = {
    "attribution": "by",
    "noncommercial": "nc",
    "non-commercial": "nc",
    "noderivatives": "nd",
    "noderivs": "nd",
    "no derivatives": "nd",
    "no derivative works": "nd",
    "sharealike": "sa",
    "share-alike": "sa",
    "share alike": "sa",
}
_WORD = re.compile("|".join(sorted(_WORDS, key=len, reverse=True)))
_LANDS = {
    "": "",
    "unported": "",
    "international": "",
    "generic": "",
    "us": "US",
    "united states": "US",
    "de": "DE",
    "germany": "DE",
    "austria": "AT",
    "australia": "AU",
    "netherlands": "NL",
    "igo": "IGO",
    "france": "FR",
    "uk": "UK",
    "england & wales": "UK",
    "england and wales": "UK",
}
_GNU = re.compile(
    r"(?P<kind>agpl|gfdl|gpl|lgpl)(?P<niv>-niv)?(?:[ -]?v?(?P<version>\d(?:\.\d)?)(?P<later>\+)?)?"
)
_SHORT = re.compile(r"(?P<kind>[a-z]{2,10})[ -](?P<version>\d)")
_PHRASES = {
    "all rights reserved": ALL_RIGHTS_RESERVED,
    "public domain": PUBLIC_DOMAIN,
    "public-domain": PUBLIC_DOMAIN,
    "public domain mark 1.0": PUBLIC_DOMAIN_MARK,
    "cc0": "CC0-1.0",
    "cc-0": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "cc0-1": "CC0-1.0",
    "cc0 1.0 universal": "CC0-1.0",
    "cc zero": "CC0-1.0",
    "cc-zero": "CC0-1.0",
    "creative commons zero": "CC0-1.0",
    "creative commons zero 1.0": "CC0-1.0",
    "expat": "MIT",
    "free art license 1.3": "LAL-1.3",
}


def of_address(address: str) -> tuple[str, str]:
    """What a Creative Commons address means: (expression, jurisdiction SPDX has no id for).

    Ported licences that SPDX does not know are given as the unported ones of their kind and
    version. Both are empty for an address that is not known.
    """
    whole = _ADDRESS.fullmatch(address.lower())
    if not whole:
        return "", ""
    path = re.sub(r"/{2,}", "/", whole["path"])
    if public := _PUBLIC.get(re.sub(_PAGE + r"\Z", "", path)):
        return public, ""
    found = _LICENCE.fullmatch(path)
    return _versioned(found["kind"], found["version"], found["land"] or "") if found else ("", "")


def of_name(text: str) -> tuple[str, str]:
    """What one licence's name means: (id, jurisdiction SPDX has no id for), as `of_address`."""
    name = " ".join(text.lower().split())
    # GNU names first: the library reads a bare "GPL" as any version, which nobody said.
    exact = _PHRASES.get(name) or _gnu(name) or spdx_id(name) or _one_digit(name)
    return (exact, "") if exact else _creative_commons(name)


def _versioned(kind: str, version: str, land: str) -> tuple[str, str]:
    parts = [part for part in ("by", "nc", "nd", "sa") if part in re.split(_SEPARATOR, kind)]
    if sorted(parts) != sorted(re.split(_SEPARATOR, kind)):
        return "", ""
    plain = spdx_id(f"CC-{'-'.join(parts)}-{version}")
    exact = spdx_id(f"{plain}-{land}") if land else plain
    # Japan's and others' 2.1 was never unported: without an id of its own it stays unknown.
    return (exact, "") if exact else (plain, land if plain else "")


def _creative_commons(name: str) -> tuple[str, str]:
    prefix = "" if name.startswith(("cc", "creative commons")) else "cc "
    if prefix and not name.startswith("attribution"):
        return "", ""
    short = _WORD.sub(lambda found: _WORDS[found[0]], name)
    found = _CC.fullmatch(prefix + short.replace(" license", "").replace(" licence", ""))
    land = _LANDS.get((found["land"] or "") if found else "")
    if not found or land is None:
        return "", ""
    version = found["version"]
    if version:
        return _versioned(found["kind"], version if "." in version else f"{version}.0", land)
    full = _versioned(found["kind"], "4.0", "")[0].removeprefix("CC-").removesuffix("-4.0")
    # "Attribution" without a version and without its maker's name may be anything.
    sure = full in CC_KINDS and not prefix and not land
    return (unversioned(f"CC-{full}") if sure else ""), ""


def _gnu(name: str) -> str:
    found = _GNU.fullmatch(name)
    if not found:
        return ""
    kind, version = found["kind"].upper(), found["version"]
    if not version:
        return "" if found["niv"] else unversioned(kind)
    full = version if "." in version else f"{version}.0"
    niv = "-no-invariants" if found["niv"] else ""
    return spdx_id(f"{kind}-{full}{niv}-{'or-later' if found['later'] else 'only'}")


def _one_digit(name: str) -> str:
    """DEP-5 drops trailing zeros: ``Apache-2`` is Apache-2.0."""
    found = _SHORT.fullmatch(name)
    return spdx_id(f"{found['kind']}-{found['version']}.0") if found else ""
