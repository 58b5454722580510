"""All statements about one file, from its tags to the folders above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from songark.model.errors import SongarkError
from songark.model.evidence import Statement
from songark.sources.audio.tags import Tags
from songark.sources.evidence.document import read_document
from songark.sources.evidence.nearby import SIDE, Nearby
from songark.sources.evidence.package_word import package_statements
from songark.sources.evidence.reuse import annotated, side_statement, toml_statement
from songark.sources.evidence.rights_toml import covering, rights_statement
from songark.sources.evidence.tags import tag_statements
from songark.sources.walk import Found


def gather(
    top: Path, found: Found, around: Sequence[Nearby], tags: Tags, md5: Callable[[], str]
) -> list[Statement]:
    """What is said about a file, in a total order.

    Args:
        top: the added folder.
        found: the file.
        around: the evidence of its folders, nearest first.
        tags: its own tags.
        md5: gives its MD5 as hex.
    """
    path = found.path
    made = tag_statements(tags, path)
    made += _side_and_reuse(top, found, around)
    made += _rights(path, around)
    package = next((one for one in around if one.package), None)
    if package and package.package:
        made += package_statements(package.package, package.inside(path), md5)
    return sorted(made, key=lambda s: (s.kind, s.place, s.licence, s.licence_raw, s.note))


def _side_and_reuse(top: Path, found: Found, around: Sequence[Nearby]) -> list[Statement]:
    """The side file beats the nearest REUSE.toml, unless that says otherwise: then both speak."""
    made: list[Statement] = []
    try:
        side = found.real.with_name(found.real.name + SIDE)
        beside = read_document(top, side, found.path + SIDE)
        made += [side_statement(beside)] if beside else []
    except SongarkError:
        pass  # the walk meets the side file too, and rejects it with its reason
    for one in around:
        if one.reuse and (said := annotated(one.reuse[1], one.inside(found.path))):
            if not (made and said.alone):
                made.append(toml_statement(one.reuse[0], said))
            break
    return made


def _rights(path: str, around: Sequence[Nearby]) -> list[Statement]:
    for one in around:
        if not one.rights:
            continue
        if one.rights.is_broken:
            break
        if found := covering(one.rights.entries, one.inside(path)):
            proof = one.rights.proofs.get(found.evidence, "")
            return [rights_statement(one.rights.document, found, proof)]
    return []
