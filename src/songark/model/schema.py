"""The tables of a snapshot, column by column. Null means: the source does not say."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def column(name: str, kind: Any, meaning: str, *, null: bool = False) -> pa.Field[Any]:  # noqa: ANN401
    """A column with its meaning kept in the file's own metadata."""
    return pa.field(name, kind, nullable=null, metadata={"meaning": meaning})


TRACK = pa.schema(
    [
        column("source", pa.string(), "which source says this, such as folder"),
        column("source_key", pa.string(), "the row's key, unique in its snapshot"),
        column("path", pa.string(), "the file's path in the folder, NFC, with /"),
        column("root", pa.binary(32), "BEP 52 root of the file"),
        column("size", pa.int64(), "length of the file in bytes"),
        column("title_raw", pa.string(), "title as printed", null=True),
        column("artist_raw", pa.string(), "artist as printed", null=True),
        column("release_raw", pa.string(), "release title as printed", null=True),
        column("composer_raw", pa.string(), "who wrote the work, as printed", null=True),
        column("date_raw", pa.string(), "date as printed", null=True),
        column("position_raw", pa.string(), "printed position on its medium", null=True),
        column("duration_ms", pa.int64(), "length in milliseconds", null=True),
        column("container", pa.string(), "file format, such as ogg, flac, mp3, mp4, wav"),
        column("codec", pa.string(), "codec of the audio, in FFmpeg's words"),
        column("lossless", pa.bool_(), "whether the codec loses nothing"),
        column("bit_rate", pa.int64(), "bits a second over the whole file", null=True),
        column("sample_rate", pa.int32(), "samples a second"),
        column("channels", pa.int32(), "number of channels"),
        column("has_picture", pa.bool_(), "whether a picture is embedded"),
        column("has_lyrics", pa.bool_(), "whether words are embedded"),
    ]
)

IDENTIFIER = pa.schema(
    [
        column("source_key", pa.string(), "the track row it belongs to"),
        column("scheme", pa.string(), "isrc or mbid (of the recording)"),
        column("value", pa.string(), "in the scheme's canonical form"),
    ]
)

STATEMENT = pa.schema(
    [
        column("source_key", pa.string(), "the track row it speaks of"),
        column("kind", pa.string(), "where it stands: tag, reuse, dep5, toml"),
        column("grade", pa.int8(), "what it is worth, see model/evidence.py"),
        column("licence_raw", pa.string(), "the words found"),
        column("licence", pa.string(), "SPDX expression they mean, empty where unknown"),
        column("parts", pa.list_(pa.string()), "works in the file it speaks of, sorted"),
        column("holder", pa.string(), "who holds the right, as written"),
        column("place", pa.string(), "file and paragraph it was read from"),
        column("document", pa.string(), "SHA-256 of that file, empty where inside the audio"),
        column("note", pa.string(), "what a person should know of it"),
    ]
)

REJECT = pa.schema(
    [
        column("place", pa.string(), "the file, and the record in it"),
        column("reason", pa.string(), "why it is not taken"),
        column("remedy", pa.string(), "what would help"),
    ]
)

LISTEN = pa.schema(
    [
        column("recording", pa.string(), "scheme:value, or artist and title as 'name:A - T'"),
        column("listens", pa.int64(), "how often it was listened to"),
    ]
)
