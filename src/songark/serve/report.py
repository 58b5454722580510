"""The report: one page about an archive, for its keeper, a mirror, a funder, a rights-holder.

A read model over sealed tables: it locks nothing and changes nothing. The same archive gives the
same bytes, so no moment of making stands in it. docs/report.md says what each figure is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songark import __version__
from songark.ark.atomic import write_whole
from songark.ark.layout import Ark
from songark.engine.engine import Engine
from songark.model.errors import UsageError
from songark.release.feed import fingerprint
from songark.release.packs import slug
from songark.serve.report_chart import draw
from songark.serve.report_curve import read_curve
from songark.serve.report_evidence import read_evidence
from songark.serve.report_figures import Figures, Released, count_figures
from songark.serve.report_gaps import read_gaps
from songark.serve.report_music import read_music
from songark.serve.report_packs import read_packs, tier_words
from songark.serve.report_page import numbers, render
from songark.serve.report_tables import Tables, open_tables

NAME = "report.html"
# A page is made beside other work; what does not fit goes to the disk.
_MEMORY = "1GB"


@dataclass(frozen=True, slots=True)
class Report:
    """A page that was written."""

    path: Path
    bytes: int
    figures: Figures


def write_report(ark: Ark, out: Path | None = None) -> Report:
    """Write the page about an archive.

    Args:
        ark: the archive.
        out: the file; else ``report.html`` in the archive.

    Raises:
        UsageError: `out` is a folder.
        BrokenError: a journal or something sealed is broken.
    """
    path = out or ark.path / NAME
    if path.is_dir():
        raise UsageError("this is a folder", place=str(path), remedy="Name a file with --out")
    with Engine(ark.path / "spill", memory=_MEMORY) as engine:
        values = _values(open_tables(ark, engine))
    page = render(values)
    write_whole(path, page)
    return Report(path, len(page), values["figures"])


def _values(tables: Tables) -> dict[str, Any]:
    """Everything the templates show."""
    figures = count_figures(tables)
    curve = read_curve(tables)
    chart = draw(curve) if curve else None
    return {
        "version": __version__,
        "settings": tables.ark.settings,
        "figures": figures,
        "released": figures.released,
        "moment": figures.moment,
        "curve": curve,
        "chart": chart,
        "data": numbers(chart.data) if chart else "",
        "packs": read_packs(tables),
        "tier_words": tier_words,
        "music": read_music(tables),
        "gaps": read_gaps(tables),
        "evidence": read_evidence(tables, figures.known),
        "feed": _feed(tables.ark),
        "folder": f"{slug(tables.ark.settings.name)}-mirror",
        "face": _face(figures.released),
    }


@dataclass(frozen=True, slots=True)
class Feed:
    """Where mirrors find the archive; `address` is empty where no setting tells."""

    address: str
    fingerprint: str


def _feed(ark: Ark) -> Feed | None:
    if not (ark.feed / "metadata" / "1.root.json").is_file():
        return None
    # Our server has the feed beside the web seed (serve/web.py).
    bases = [one.removesuffix("music/") for one in ark.settings.web_seeds if
             one.startswith(("http://", "https://")) and one.endswith("/music/")]  # fmt: skip
    return Feed(f"{bases[0]}feed/" if bases else "", fingerprint(ark.feed))


def _face(released: Released | None) -> tuple[int, ...]:
    """Sixty-four heights from 1 to 16 that are the edition's digest, for people to recognise."""
    digits = released.index if released else "0" * 64
    return tuple(int(digit, 16) + 1 for digit in digits)
