"""``songark doctor``: this machine and this archive."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from pathlib import Path

import rich_click as click

from songark.ark.journal import Head
from songark.ark.layout import SETTINGS, Ark
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb
from songark.model.errors import SongarkError
from songark.model.size import show_size

_LIBRARIES = ("libtorrent", "av", "duckdb", "ibis-framework", "pyarrow", "tuf")


@click.command()
@ark_option
@verb
def command(out: Output, ark_path: Path) -> int:
    """Look at what this machine has, and whether this archive's journals and seals hold."""
    rows = [("Python", platform.python_version(), "")]
    rows += [(name, importlib.metadata.version(name), "") for name in _LIBRARIES]
    fpcalc = shutil.which("fpcalc")
    note = "" if fpcalc else "optional: Debian's libchromaprint-tools, for fingerprints"
    rows.append(("fpcalc", "found" if fpcalc else "not found", note))
    rows.append(("disk", show_size(shutil.disk_usage(_nearest(ark_path)).free) + " free", ""))
    bad = 0
    if (ark_path / SETTINGS).is_file():
        for name, result in _archive(Ark.open(ark_path)):
            bad += bool(result)
            rows.append((name, "broken" if result else "sound", result))
    else:
        rows.append(("archive", "none here", "make one with `songark init`"))
    out.table("", ("What", "", "Note"), rows)
    for name, value, note in rows:
        out.status(event="finding", what=name, value=value, note=note)
    out.summary(findings=len(rows), bad=bad)
    return 1 if bad else 0


def _archive(ark: Ark) -> list[tuple[str, str]]:
    from songark.ark.seal import sealed_in
    from songark.release.publish import ledger_since_feed

    found = []
    for name, journal in (("ledger", ark.ledger), ("events", ark.events)):
        try:
            head = journal.head()
            for anchor in _anchors(ark, name):
                for _line in journal.lines(anchor):
                    pass
            if name == "ledger":
                ledger_since_feed(ark)
            found.append((f"{name}, {head.count} lines", ""))
        except SongarkError as error:
            found.append((name, str(error)))
    sources = sorted(ark.snapshots.iterdir()) if ark.snapshots.is_dir() else []
    built = [ark.catalogue, ark.decisions, ark.plans, ark.editions, ark.store / "records"]
    for folder in [*sources, *built]:
        try:
            for sealed in sealed_in(folder):
                sealed.verify()
            found.append((str(folder.relative_to(ark.path)), ""))
        except SongarkError as error:
            found.append((str(folder.relative_to(ark.path)), str(error)))
    return found


def _anchors(ark: Ark, name: str) -> list[Head]:
    """The heads of a journal that editions hold."""
    from songark.release.edition import read_edition
    from songark.release.history import edition_folders

    return [Head(*read_edition(folder)[name]) for folder in edition_folders(ark.editions)]


def _nearest(path: Path) -> Path:
    """The path or the nearest folder above it that exists."""
    here = path.resolve()
    while not here.exists():
        here = here.parent
    return here
