"""One audio file's facts and tags, and whether it can be played and is whole.

FFmpeg (through PyAV) demultiplexes the file to its end, which gives the true length, and decodes
its first and last packets. The containers' own checks see what that leaves out: Ogg's checksums,
FLAC's count of samples, MP3's count of frames, sizes in WAV and MP4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from songark.model.errors import SongarkError
from songark.sources.audio import mp3, mp4, ogg, riff
from songark.sources.audio.id3 import MAX_TAG, Id3, read_id3
from songark.sources.audio.sniff import skip_id3, sniff
from songark.sources.audio.tags import has_lyrics, has_picture, merged

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

NOT_AUDIO = "none of Ogg, Opus, FLAC, MP3, M4A and WAV"

_DEMUXERS = {"ogg": "ogg", "flac": "flac", "mp3": "mp3", "mp4": "mov", "wav": "wav"}
_LOSSY = {"vorbis", "opus", "mp3", "aac"}
_LOSSLESS = {"flac", "alac"}
_LOCKED = {"drms", "enca"}
_AGAIN = "Get the file again from its source"


@dataclass(frozen=True, slots=True)
class Probe:
    """What an audio file is.

    container: ``ogg``, ``flac``, ``mp3``, ``mp4`` or ``wav``. codec: FFmpeg's name. duration_ms:
    of what is played. tags: all pairs found, names as written. has_picture, has_lyrics: whether
    further works are embedded.
    """

    container: str
    codec: str
    lossless: bool
    duration_ms: int
    sample_rate: int
    channels: int
    tags: tuple[tuple[str, str], ...]
    has_picture: bool
    has_lyrics: bool


@dataclass(frozen=True, slots=True)
class _Outside:
    """What the container's own check found. `told`: MP3 frames, 0 where unknown."""

    id3: Id3
    picture: bool = False
    lyrics: bool = False
    told: int = 0


def probe(path: Path) -> Probe:
    """Look at one file.

    Raises:
        SongarkError: it is not audio of a kind we keep, cut short, damaged, encrypted, holds
            video or several sounds, or cannot be read.
    """
    import av

    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            kind = sniff(stream)
            if not kind:
                raise SongarkError(NOT_AUDIO, remedy="Convert it, or leave it out")
            outside = _check(stream, kind, size)
        with av.open(
            str(path),
            format=_DEMUXERS[kind],
            metadata_errors="surrogateescape",
            options={"protocol_whitelist": "file"},
        ) as container:
            return _look(container, kind, outside)
    except av.FFmpegError as error:
        raise SongarkError(f"cannot be decoded ({error.strerror})", remedy=_AGAIN) from None
    except OSError as error:
        raise SongarkError(f"cannot be read ({error.strerror})") from None
    except ValueError as error:  # PyAV's way of saying that a name in the file is no name
        raise SongarkError(f"cannot be decoded ({error})"[:200], remedy=_AGAIN) from None


def _check(stream: BinaryIO, kind: str, size: int) -> _Outside:
    start = skip_id3(stream)
    if start > MAX_TAG:
        raise SongarkError("its tag is larger than 64 MiB", remedy="Take big pictures out of it")
    stream.seek(0)
    tag = stream.read(start)
    if kind == "ogg":
        stream.seek(start)
        ogg.check(stream)
    elif kind == "mp4":
        mp4.check(stream, size)
    elif kind == "wav":
        tag = riff.check(stream, size)
    elif kind == "mp3":
        picture, lyrics = mp3.end_tags(stream, size)
        return _Outside(read_id3(tag), picture, lyrics, mp3.told_frames(stream, start))
    return _Outside(read_id3(tag))


def _look(container: InputContainer, kind: str, outside: _Outside) -> Probe:
    from songark.sources.audio.play import play

    stream = _only_sound(container)
    # The stub does not say so, but there is none for a codec that FFmpeg does not know.
    codec = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
    lossless = codec in _LOSSLESS or codec.startswith("pcm_")
    if not lossless and codec not in _LOSSY:
        raise SongarkError(f"its codec {codec} is none that we keep", remedy="Convert it")
    if stream.codec_context.codec_tag in _LOCKED:
        raise SongarkError("encrypted", remedy="Get it from a source that does not lock it")
    tags = merged(container.metadata, stream.metadata, outside.id3.tags)
    duration = play(container, stream, kind, outside.told)
    attached = any(s.type == "video" for s in container.streams)
    words = any(s.type == "subtitle" for s in container.streams)
    return Probe(
        container=kind,
        codec=codec,
        lossless=lossless,
        duration_ms=duration,
        sample_rate=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        tags=tags,
        has_picture=attached or outside.id3.has_picture or outside.picture or has_picture(tags),
        has_lyrics=words or outside.id3.has_lyrics or outside.lyrics or has_lyrics(tags),
    )


def _only_sound(container: InputContainer) -> AudioStream:
    """The one audio stream; pictures that are attached may stand beside it."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            raise SongarkError("holds video", remedy="Keep the sound alone, or leave it out")
    sounds = container.streams.audio
    if len(sounds) != 1:
        raise SongarkError(f"holds {len(sounds)} sounds", remedy="Split it into one file a track")
    return sounds[0]
