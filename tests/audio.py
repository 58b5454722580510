"""Small real audio files in all six formats, encoded by PyAV. Written for tests, not for music."""

from __future__ import annotations

import math
import struct
import zlib
from array import array
from collections.abc import Mapping
from pathlib import Path

import av
from av.stream import Disposition

# format -> (container, encoder, sample format, ending)
FORMATS = {
    "vorbis": ("ogg", "vorbis", "fltp", "ogg"),
    "opus": ("ogg", "libopus", "s16", "opus"),
    "flac": ("flac", "flac", "s16", "flac"),
    "mp3": ("mp3", "libmp3lame", "s16p", "mp3"),
    "aac": ("mp4", "aac", "fltp", "m4a"),
    "alac": ("mp4", "alac", "s16p", "m4a"),
    "wav": ("wav", "pcm_s16le", "s16", "wav"),
}
RATE = 48_000
BLOCK = 960


def make_tone(
    path: Path,
    *,
    seconds: float = 1.0,
    freq: float = 440.0,
    format: str = "vorbis",
    tags: Mapping[str, str] | None = None,
    picture: bytes | None = None,
) -> Path:
    """Write a sine tone of `seconds` at `freq` Hz, stereo at 48 kHz; returns `path`.

    `format` is a key of `FORMATS`. `tags` go where the container keeps them. `picture` is a PNG
    to embed (flac, mp3, aac, alac). The same arguments give the same bytes.
    """
    container, encoder, sample_format, _ = FORMATS[format]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container, options={"fflags": "+bitexact"}) as out:
        # FFmpeg's own Vorbis encoder knows stereo only, and calls itself experimental.
        stream = out.add_stream(
            encoder,
            rate=RATE,
            layout="stereo",
            format=sample_format,
            options={"strict": "experimental"},
        )
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        if container == "ogg":
            stream.metadata.update(tags or {})
        else:
            out.metadata.update(tags or {})
        if picture is not None:
            _attach(out, picture)
        for frame in _frames(round(seconds * RATE), freq, sample_format):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _attach(out: av.container.OutputContainer, picture: bytes) -> None:
    cover = out.add_stream("png", rate=1)
    cover.width = cover.height = 8
    cover.pix_fmt = "rgb24"
    cover.disposition = Disposition.attached_pic
    packet = av.Packet(picture)
    packet.stream = cover
    packet.pts = packet.dts = 0
    out.mux(packet)


def _frames(total: int, freq: float, sample_format: str):
    for start in range(0, total, BLOCK):
        count = min(BLOCK, total - start)
        wave = [math.sin(2 * math.pi * freq * n / RATE) / 4 for n in range(start, start + count)]
        values = wave if sample_format.endswith("p") else [x for x in wave for _ in range(2)]
        if sample_format.startswith("flt"):
            data = array("f", values).tobytes()
        else:
            data = array("h", (round(32767 * x) for x in values)).tobytes()
        frame = av.AudioFrame(format=sample_format, layout="stereo", samples=count)
        for plane in frame.planes:
            plane.update(data + bytes(plane.buffer_size - len(data)))
        frame.sample_rate = RATE
        frame.pts = start
        yield frame


def png() -> bytes:
    """A picture of 8 by 8 black points."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(8 * (1 + 3 * 8)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", head), chunk(b"IDAT", body), chunk(b"IEND", b""))
    )


def make_video(path: Path) -> Path:
    """Write an MP4 file with a second of moving picture and a second of sound."""
    with av.open(str(path), "w", format="mp4") as out:
        moving = out.add_stream("mpeg4", rate=10)
        moving.width = moving.height = 16
        moving.pix_fmt = "yuv420p"
        sound = out.add_stream("aac", rate=RATE, layout="stereo", format="fltp")
        for at in range(10):
            frame = av.VideoFrame(16, 16, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts = at
            out.mux(moving.encode(frame))
        for frame in _frames(RATE, 440.0, "fltp"):
            out.mux(sound.encode(frame))
        out.mux(moving.encode(None))
        out.mux(sound.encode(None))
    return path
