"""The tables of a snapshot, column by column. Null means: the source does not say."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def _column(name: str, kind: Any, meaning: str, *, null: bool = False) -> pa.Field[Any]:  # noqa: ANN401
    return pa.field(name, kind, nullable=null, metadata={"meaning": meaning})


TRACK = pa.schema(
    [
        _column("source", pa.string(), "which source says this, such as folder"),
        _column("source_key", pa.string(), "the row's key, unique in its snapshot"),
        _column("path", pa.string(), "the file's path in the folder, NFC, with /"),
        _column("root", pa.binary(32), "BEP 52 root of the file"),
        _column("size", pa.int64(), "length of the file in bytes"),
        _column("title_raw", pa.string(), "title as printed", null=True),
        _column("artist_raw", pa.string(), "artist as printed", null=True),
        _column("release_raw", pa.string(), "release title as printed", null=True),
        _column("composer_raw", pa.string(), "who wrote the work, as printed", null=True),
        _column("date_raw", pa.string(), "date as printed", null=True),
        _column("position_raw", pa.string(), "printed position on its medium", null=True),
        _column("duration_ms", pa.int64(), "length in milliseconds", null=True),
        _column("container", pa.string(), "file format, such as ogg, flac, mp3, mp4, wav"),
        _column("codec", pa.string(), "codec of the audio, in FFmpeg's words"),
        _column("lossless", pa.bool_(), "whether the codec loses nothing"),
        _column("bit_rate", pa.int64(), "bits a second over the whole file", null=True),
        _column("sample_rate", pa.int32(), "samples a second"),
        _column("channels", pa.int32(), "number of channels"),
        _column("has_picture", pa.bool_(), "whether a picture is embedded"),
        _column("has_lyrics", pa.bool_(), "whether words are embedded"),
    ]
)

IDENTIFIER = pa.schema(
    [
        _column("source_key", pa.string(), "the track row it belongs to"),
        _column("scheme", pa.string(), "isrc or mbid (of the recording)"),
        _column("value", pa.string(), "in the scheme's canonical form"),
    ]
)

STATEMENT = pa.schema(
    [
        _column("source_key", pa.string(), "the track row it speaks of"),
        _column("kind", pa.string(), "where it stands: tag, reuse, dep5, toml"),
        _column("grade", pa.int8(), "what it is worth, see model/evidence.py"),
        _column("licence_raw", pa.string(), "the words found"),
        _column("licence", pa.string(), "SPDX expression they mean, empty where unknown"),
        _column("parts", pa.list_(pa.string()), "works in the file it speaks of, sorted"),
        _column("holder", pa.string(), "who holds the right, as written"),
        _column("place", pa.string(), "file and paragraph it was read from"),
        _column("document", pa.string(), "SHA-256 of that file, empty where inside the audio"),
        _column("note", pa.string(), "what a person should know of it"),
    ]
)

REJECT = pa.schema(
    [
        _column("place", pa.string(), "the file, and the record in it"),
        _column("reason", pa.string(), "why it is not taken"),
        _column("remedy", pa.string(), "what would help"),
    ]
)

LISTEN = pa.schema(
    [
        _column("recording", pa.string(), "scheme:value, or artist and title as 'name:A - T'"),
        _column("listens", pa.int64(), "how often it was listened to"),
    ]
)
