"""The music itself: its formats, licences and lengths, and what is listened to most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from songark.catalogue.popularity import UNKNOWN_ARTIST
from songark.rights.acts import Act
from songark.serve.report_tables import Tables
from songark.serve.report_text import width

_BARS = 12
_TOP = 10
# Up to so many minutes, exclusive; the last takes the rest.
_LENGTHS = (1, 2, 3, 4, 5, 7, 10, 20, 60)
_CODECS = {
    "vorbis": "Vorbis",
    "opus": "Opus",
    "mp3": "MP3",
    "mp3float": "MP3",
    "aac": "AAC",
    "flac": "FLAC",
    "alac": "ALAC",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart: how many tracks and bytes, and how long their bars are in percent."""

    label: str
    tracks: int
    bytes: int
    tracks_width: str
    bytes_width: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, most bytes first or in their own order; `hidden`: how many more kinds there are."""

    bars: tuple[Bar, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """A track people listen to."""

    title: str
    artist: str
    licence: str
    listens: int
    width: str


@dataclass(frozen=True, slots=True)
class Music:
    """What is released, or, before the first edition, all that is catalogued (`is_released`).

    milliseconds: of all tracks whose length is known. lossless: tracks in a lossless codec.
    """

    is_released: bool
    tracks: int
    bytes: int
    milliseconds: int
    lossless: int
    formats: Chart
    licences: Chart
    lengths: Chart
    top: tuple[Heard, ...]


def read_music(tables: Tables) -> Music:
    """Count the kinds of music there are."""
    files = _files(tables)
    sums = files.agg(
        tracks=_.count(),
        bytes=_["size"].sum().fill_null(0),
        milliseconds=_.duration_ms.sum().fill_null(0),
        lossless=_.lossless.sum().fill_null(0),
    )
    names = ("tracks", "bytes", "milliseconds", "lossless")
    (total,) = tables.rows(sums, names, "iiii")
    minute = _.duration_ms // 60_000
    rank: Any = ibis.cases(
        *((minute < end, place) for place, end in enumerate(_LENGTHS)),
        (_.duration_ms.notnull(), len(_LENGTHS)),
        else_=len(_LENGTHS) + 1,
    )
    return Music(
        is_released=tables.edition is not None,
        formats=_chart(tables, files.mutate(label=_.codec), _codec),
        licences=_chart(tables, files.mutate(label=_.licence), str),
        lengths=_lengths(tables, files.mutate(label=rank)),
        top=_top(tables),
        **total,
    )


def _files(tables: Tables) -> ir.Table:
    if tables.edition is not None:
        return tables.manifest
    cleared = tables.decided.filter(_.allowed & (_.act == Act.SHARE.value))
    licences = cleared.select("root", "size", "licence")
    once = ibis.window(group_by=["root", "size"], order_by=["snapshot", "source_key"])
    files = tables.membership.mutate(place=ibis.row_number().over(once)).filter(_.place == 0)
    joined = files.left_join(licences, ["root", "size"])
    return joined.mutate(licence=joined.licence.fill_null("none that lets it be shared"))


def _chart(tables: Tables, files: ir.Table, name_of: Callable[[str], str]) -> Chart:
    """The kinds with most bytes; what is beyond them stands together."""
    kinds = files.group_by("label").agg(tracks=_.count(), bytes=_["size"].sum())
    place = ibis.row_number().over(ibis.window(order_by=[_.bytes.desc(), "label"]))
    ranked = kinds.mutate(place=ibis.least(place, _BARS), kind=_.label)
    shown = ranked.group_by("place").agg(
        kind=_.kind.min(), kinds=_.count(), tracks=_.tracks.sum(), bytes=_.bytes.sum()
    )
    names = ("place", "kind", "kinds", "tracks", "bytes")
    rows = tables.rows(shown.order_by("place"), names, "isiii")
    hidden = rows[_BARS]["kinds"] if len(rows) > _BARS else 0
    told = [
        (f"{hidden:,} others" if row["place"] == _BARS else name_of(row["kind"]), row)
        for row in rows
    ]
    return Chart(_bars(told), hidden)


def _lengths(tables: Tables, files: ir.Table) -> Chart:
    kinds = files.group_by("label").agg(tracks=_.count(), bytes=_["size"].sum())
    rows = tables.rows(kinds.order_by("label"), ["label", "tracks", "bytes"], "iii")
    found = {row["label"]: row for row in rows}
    none = {"tracks": 0, "bytes": 0}
    if not found:
        return Chart(())
    # Empty lengths in between are shown, those beyond either end are not.
    span = range(min(found), max(found) + 1)
    return Chart(_bars([(_length(place), found.get(place, none)) for place in span]))


def _bars(told: list[tuple[str, dict[str, int]]]) -> tuple[Bar, ...]:
    tracks = max((row["tracks"] for _label, row in told), default=0)
    size = max((row["bytes"] for _label, row in told), default=0)
    return tuple(
        Bar(
            label,
            row["tracks"],
            row["bytes"],
            width(row["tracks"], tracks),
            width(row["bytes"], size),
        )
        for label, row in told
    )


def _codec(name: str) -> str:
    return f"WAV ({name})" if name.startswith("pcm_") else _CODECS.get(name, name)


def _length(place: int) -> str:
    if place > len(_LENGTHS):
        return "not known"
    if place == len(_LENGTHS):
        return f"{_LENGTHS[-1]} min or more"
    return f"{_LENGTHS[place - 1]}–{_LENGTHS[place]} min" if place else f"under {_LENGTHS[0]} min"


def _top(tables: Tables) -> tuple[Heard, ...]:
    """The most listened to that are released and still may be shared."""
    names = ("title", "artist", "licence", "listens")
    open_ = tables.manifest.anti_join(tables.closed, ["root", "size"]).filter(_.listens > 0)
    rows = tables.rows(open_.order_by(_.listens.desc(), _.recording).limit(_TOP), names, "sssi")
    most = rows[0]["listens"] if rows else 0
    return tuple(
        Heard(
            row["title"],
            "" if row["artist"] == UNKNOWN_ARTIST else row["artist"],
            row["licence"],
            row["listens"],
            width(row["listens"], most),
        )
        for row in rows
    )
