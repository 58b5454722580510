"""What a Debian package's copyright file says of one file, and how much that is worth.

It is an independent record only where the package is named with its SHA-256 (``debian/package``)
and the file's own MD5 stands in the package's list (``debian/md5sums``): then the bytes are the
package's, and its copyright file speaks of them. Otherwise somebody put a file beside some paper.
"""

from __future__ import annotations

from collections.abc import Callable

from songark.model.evidence import WHOLE_FILE, Grade, Statement
from songark.model.licence import normalise
from songark.sources.evidence.dep5 import Paragraph
from songark.sources.evidence.dep5_match import covering
from songark.sources.evidence.nearby import RECORD, SUMS, Package


def package_statements(package: Package, path: str, md5: Callable[[], str]) -> list[Statement]:
    """One statement for each paragraph that covers a file.

    Args:
        package: the nearest package.
        path: the file's path from the package's own folder.
        md5: gives the file's MD5 as hex; asked only where there is a list to compare with.
    """
    name = path.rpartition("/")[2]
    same = package.sums.get(md5(), ()) if package.sums else ()
    installed = [one for one in same if one.rpartition("/")[2] == name] or list(same)
    missing = _missing(package, bool(installed))
    grade = Grade.KEEPER_WORD if missing else Grade.INDEPENDENT
    note = "; ".join(missing)
    if package.record and not missing:
        note = f"{package.record.name} {package.record.version}, SHA-256 {package.record.sha256}"
    made: dict[int, Statement] = {}
    for one in installed or _by_name(package, path, name):
        paragraph, doubt = covering(package.paragraphs, one)
        if paragraph and paragraph.number not in made:
            worth = Grade.KEEPER_WORD if doubt else grade
            remark = "; ".join(filter(None, (note, f"as {one}", doubt)))
            made[paragraph.number] = _statement(package, paragraph, worth, remark)
    return list(made.values())


def _missing(package: Package, is_listed: bool) -> list[str]:
    """What it lacks to be an independent record."""
    lacks = []
    if not package.record:
        lacks.append(f"no {RECORD}, so the package's hash is not known")
    elif not package.record.sha256:
        lacks.append(f"{RECORD} has no SHA256, so the package's hash is not known")
    if not package.sums:
        lacks.append(f"no {SUMS}, so nothing ties the file to the package")
    elif not is_listed:
        lacks.append(f"the file's MD5 is not in {SUMS}: these are not the package's bytes")
    return lacks


def _by_name(package: Package, path: str, name: str) -> list[str]:
    paths = sorted({one for paths in package.sums.values() for one in paths})
    return [one for one in paths if one.rpartition("/")[2] == name] or [path]


def _statement(package: Package, paragraph: Paragraph, grade: Grade, note: str) -> Statement:
    return Statement(
        kind="dep5",
        grade=grade,
        licence_raw=paragraph.licence_raw,
        licence=normalise(paragraph.licence_raw),
        parts=WHOLE_FILE,
        holder=paragraph.holder,
        place=f"{package.document.path}, paragraph {paragraph.number}",
        document=package.document.sha256,
        note=note,
    )
