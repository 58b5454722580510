"""Playing a file without a sound: the packets are read, the first and the last are decoded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from songark.model.errors import SongarkError
from songark.sources.audio import mp3

_DECODED = 8
_TAIL = 2
_MAX_MS = 10**12
_AGAIN = "Get the file again from its source"


@dataclass(slots=True)
class _Run:
    """What the packets add up to, in the stream's own units."""

    count: int = 0
    first: int = 0
    end: int = 0
    total: int = 0
    heard: int = 0

    @property
    def length(self) -> int:
        """From where the sound begins (what lies before 0 is not played) to where it ends."""
        return self.end - max(self.first, 0)


def play(container: InputContainer, stream: AudioStream, kind: str, told: int) -> int:
    """The length of what is played, in milliseconds.

    Args:
        container: the open file.
        stream: its one sound.
        kind: ``ogg``, ``flac``, ``mp3``, ``mp4`` or ``wav``.
        told: how many frames an MP3 file tells of, 0 where it does not.

    Raises:
        SongarkError: it cannot be decoded, or is shorter than it says.
    """
    if kind == "flac":
        stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
    # MP3 files begin with torn frames where they were cut, and end with tags: both are forgiven.
    strict = kind != "mp3"
    run = _Run()
    last: deque[Packet[AudioStream]] = deque(maxlen=_DECODED)
    for packet in _packets(container, stream, kind):
        if not packet.size:
            continue
        _counted(run, packet)
        last.append(packet)
        if run.count <= _DECODED:
            run.heard += _decoded(stream, [packet], strict=strict)
    stream.codec_context.flush_buffers()
    if not run.heard or not _decoded(stream, [*last, None], strict=strict):
        raise SongarkError("no sound can be decoded from it", remedy=_AGAIN)
    if kind == "mp3":
        mp3.check(run.count, told, bytes(last[-1]))
    length = round(_compared(stream, kind, told, run) * _unit(stream) * 1000)
    if not 0 < length < _MAX_MS:
        raise SongarkError(f"its length makes no sense: {length} ms", remedy=_AGAIN)
    return length


def _packets(
    container: InputContainer, stream: AudioStream, kind: str
) -> Iterator[Packet[AudioStream]]:
    """All packets; of a long Ogg file, whose pages are all checked by now, those at both ends."""
    tail = round(_TAIL / _unit(stream))
    if kind != "ogg" or (stream.duration or 0) < 3 * tail:
        yield from container.demux(stream)
        return
    yield from islice(container.demux(stream), _DECODED)
    container.seek((stream.start_time or 0) + (stream.duration or 0) - tail, stream=stream)
    yield from container.demux(stream)


def _counted(run: _Run, packet: Packet[AudioStream]) -> None:
    at = run.end if packet.pts is None else packet.pts
    length = packet.duration or 0
    run.first = at if not run.count else run.first
    run.count += 1
    run.end = max(run.end, at + length)
    run.total += length


def _compared(stream: AudioStream, kind: str, told: int, run: _Run) -> int:
    """The length in the stream's own units, checked against what the file says of itself."""
    said = stream.duration or 0
    if kind == "mp3":
        # FFmpeg's own figure counts the encoder's padding out, but is a guess without a header.
        return min(said or run.length, run.length) if told else run.length
    if kind == "ogg":
        # The packets of a Vorbis file of one page come out too long; its last page knows better.
        return min(said or run.length, run.length)
    have = run.total if kind == "flac" else run.length
    # MP4 tells its length in coarser units than it plays.
    slack = round(0.1 / _unit(stream)) if kind == "mp4" else 0
    if kind in ("flac", "mp4") and have + slack < said:
        missing = round(float((said - have) * _unit(stream)), 3)
        raise SongarkError(f"cut short or damaged: {missing} s are missing", remedy=_AGAIN)
    return run.length


def _decoded(
    stream: AudioStream, packets: Sequence[Packet[AudioStream] | None], *, strict: bool
) -> int:
    """Decode packets; returns the number of samples."""
    samples = 0
    for packet in packets:
        try:
            samples += sum(frame.samples for frame in stream.codec_context.decode(packet))
        except av.FFmpegError:
            if strict:
                raise SongarkError("damaged: a packet cannot be decoded", remedy=_AGAIN) from None
    return samples


def _unit(stream: AudioStream) -> Fraction:
    """Seconds in one of the stream's units; FFmpeg always knows it after opening."""
    return stream.time_base or Fraction(1, stream.codec_context.sample_rate)
