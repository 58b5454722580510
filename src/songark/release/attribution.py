"""The attribution that goes with each pack.

Creative Commons 4.0 section 3(a)(1), and 4 in earlier versions: the creator as they named
themselves, the title, the licence with its address, and whether anything was changed.
"""

from __future__ import annotations

import re
import unicodedata

from songark.release.packs import Pack

_CC = re.compile(r"CC-(?P<kind>BY[A-Z-]*?)-(?P<version>[0-9.]+)(?:-(?P<port>[A-Z]{2,3}))?")


def licence_url(licence: str) -> str:
    """The address of a licence's text, empty where none is known."""
    if licence == "CC0-1.0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    found = _CC.fullmatch(licence)
    if not found:
        return ""
    port = f"{found['port'].lower()}/" if found["port"] else ""
    kind = found["kind"].lower().replace("nd-nc", "nc-nd")
    if found["version"] == "1.0":
        kind = kind.replace("nc-nd", "nd-nc")  # as Creative Commons wrote it then
    return f"https://creativecommons.org/licenses/{kind}/{found['version']}/{port}"


def attribution(pack: Pack) -> str:
    """The text for one pack, a paragraph a file, in the order of their names."""
    lines = [
        f"{pack.name}",
        "",
        "Music under open licences, collected and checked by Songark. Every file is the original,",
        "byte for byte: nothing was converted or changed unless its paragraph says so.",
        "You may pass these files on under the same licences; keep this file with them.",
        "",
    ]
    for name, track in sorted(pack.tracks.items()):
        known = track.known
        lines += [
            name,
            f"  Title:   {_line(known['title'])}",
            f"  Artist:  {_line(known['artist'])}",
            *([f"  Holder:  {_line(known['holder'])}"] if known["holder"] else []),
            f"  Licence: {known['licence']} {_addresses(known['licence'])}".rstrip(),
            "  Changes: none",
            "",
        ]
    return "\n".join(lines)


def _addresses(expression: str) -> str:
    names = re.findall(r"[A-Za-z0-9.+-]+", expression)
    return " ".join(dict.fromkeys(url for url in map(licence_url, names) if url))


def _line(text: str) -> str:
    """On one line, without characters that would do something to a terminal."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(c for c in line if unicodedata.category(c) != "Cc")
