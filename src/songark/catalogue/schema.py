"""The tables of a catalogue build, column by column."""

from __future__ import annotations

import pyarrow as pa

from songark.model.schema import TRACK, column

TEXT = pa.schema(
    [
        column("source_key", pa.string(), "the row the keys belong to"),
        column("artist_key", pa.string(), "normalised artists, empty where unknown"),
        column("title_key", pa.string(), "normalised title, empty where unknown"),
    ]
)

_OF_TRACK = (
    *("path", "root", "size", "title_raw", "artist_raw", "release_raw", "composer_raw"),
    *("date_raw", "duration_ms", "codec", "lossless", "bit_rate", "has_picture", "has_lyrics"),
)

ROW = pa.schema(
    [
        column("node", pa.int64(), "the row's number in this build, from 0, in a total order"),
        TRACK.field("source"),
        column("snapshot", pa.string(), "which snapshot of it"),
        TRACK.field("source_key"),
        *(TRACK.field(name) for name in _OF_TRACK),
        TEXT.field("artist_key"),
        TEXT.field("title_key"),
    ]
)

EDGE = pa.schema(
    [
        column("rank", pa.int8(), "strength of the rule, 1 the strongest"),
        column("rule", pa.string(), "why the two rows are one recording"),
        column("left", pa.int64(), "the smaller node"),
        column("right", pa.int64(), "the larger node"),
    ]
)

RECORDING = pa.schema(
    [
        column("recording", pa.string(), "the recording's id, for good"),
        column("title", pa.string(), "title for people"),
        column("artist", pa.string(), "artist for people"),
        column("release", pa.string(), "a release it is on", null=True),
        column("date", pa.string(), "date as printed", null=True),
        column("duration_ms", pa.int64(), "length in milliseconds", null=True),
        column("files", pa.int64(), "how many different files are known of it"),
        column("listens", pa.int64(), "how often it was listened to"),
        column("popularity", pa.int8(), "0 to 100, see docs/popularity.md"),
    ]
)

MEMBERSHIP = pa.schema(
    [
        column("recording", pa.string(), "the recording"),
        *(
            ROW.field(name)
            for name in (
                "source",
                "snapshot",
                "source_key",
                "path",
                "root",
                "size",
                "duration_ms",
                "codec",
                "lossless",
                "bit_rate",
                "has_picture",
                "has_lyrics",
                "artist_raw",
                "title_raw",
                "composer_raw",
            )
        ),
        column("rule", pa.string(), "why the row is here: the strongest rule, or alone"),
        column("beside", pa.string(), "the row that rule joins it to, empty where alone"),
    ]
)

IDENTIFIER = pa.schema(
    [
        column("scheme", pa.string(), "isrc or mbid"),
        column("value", pa.string(), "in the scheme's canonical form"),
        column("recording", pa.string(), "the recording it names"),
    ]
)

CONFLICT = pa.schema(
    [
        column("kind", pa.string(), "identifier or listens"),
        column("subject", pa.string(), "what is disputed, as scheme:value"),
        column("left", pa.string(), "one side"),
        column("right", pa.string(), "the other side"),
        column("reason", pa.string(), "why they are not one"),
    ]
)

REGISTRY = pa.schema(
    [
        column("key", pa.string(), "file:<root>-<size> or packets:<digest>"),
        column("recording", pa.string(), "the id that key belongs to"),
    ]
)

REDIRECT = pa.schema(
    [
        column("old", pa.string(), "an id that was merged or split"),
        column("new", pa.string(), "where its members are now"),
        column("kind", pa.string(), "merged: old names new; split: old lives on, new is a part"),
    ]
)

PROBE = pa.schema(
    [
        column("root", pa.binary(32), "BEP 52 root of the file"),
        column("size", pa.int64(), "length of the file in bytes"),
        column("packets", pa.string(), "SHA-256 of the coded packets, survives re-tagging"),
        column("pcm", pa.string(), "SHA-256 of the decoded samples, lossless only", null=True),
        column("fingerprint", pa.string(), "chromaprint, where fpcalc is there", null=True),
    ]
)
