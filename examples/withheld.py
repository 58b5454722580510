"""Make `music/withheld/`: short tunes that must never be released, one reason each.

Run it with PyAV installed: `python examples/withheld.py` writes every file to its place. The
notes are summed from sines, rounded to 16 bits and encoded with the bit-exact flags of the codecs,
so the same version of PyAV writes the same bytes again. No recording and no other person's tune is
used.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent / "music" / "withheld"
PENTATONIC = (0, 2, 4, 7, 9)
PARTIALS = ((1, 0.60), (2, 0.22), (3, 0.10), (5, 0.05))
BLOCK = 1024

CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
CC_BY = "https://creativecommons.org/licenses/by/4.0/"

COPYRIGHT_FILE = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: {package}
Source: made by examples/withheld.py
Comment: {comment}

Files: *
Copyright: The Songark authors
License: {licence}

License: {licence}
 {text}
"""


@dataclass(frozen=True)
class Paper:
    """The package papers put beside a tune, in the shape a Debian package has them."""

    licence: str
    text: str
    comment: str
    md5: str = ""
    """The sum to write down; that of the tune itself when empty."""


@dataclass(frozen=True)
class Tune:
    """One file to make: its notes, its encoder, its tags, and its papers if it has any."""

    path: str
    codec: str
    steps: Sequence[int]
    tonic: float
    beat: float
    tags: Mapping[str, str]
    rate: int = 22050
    layout: str = "mono"
    bit_rate: int | None = None
    paper: Paper | None = field(default=None)


def pitch(tonic: float, step: int) -> float:
    """Return the frequency of a step of the pentatonic scale above (or below) the tonic."""
    octave, degree = divmod(step, len(PENTATONIC))
    return float(tonic * 2 ** (octave + PENTATONIC[degree] / 12))


def render(tune: Tune) -> array[int]:
    """Return the tune as 16-bit mono samples: plucked notes, each ringing over the next two."""
    beat = round(tune.beat * tune.rate)
    ring = 3 * beat
    mix = [0.0] * (beat * len(tune.steps) + ring)
    for number, step in enumerate(tune.steps):
        turn = 2 * math.pi * pitch(tune.tonic, step) / tune.rate
        start = number * beat
        for n in range(ring):
            swell = min(1.0, n / (0.01 * tune.rate)) * math.exp(-4.0 * n / ring) * (1 - n / ring)
            mix[start + n] += swell * sum(loud * math.sin(k * turn * n) for k, loud in PARTIALS)
    loudest = max(abs(value) for value in mix)
    return array("h", (round(0.7 * 32767 * value / loudest) for value in mix))


def pack(samples: array[int], form: str) -> bytes:
    """Return the samples as the bytes of one sample format: 16-bit whole or 32-bit floating."""
    if form == "s16":
        return samples.tobytes()
    return array("f", (value / 32768 for value in samples)).tobytes()


def encode(tune: Tune, path: Path) -> None:
    """Encode the tune to the path, with its tags and nothing that changes from run to run."""
    samples = render(tune)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        container.metadata.update(tune.tags)
        stream = cast(
            "av.AudioStream",
            container.add_stream(
                tune.codec,
                rate=tune.rate,
                options={"flags": "+bitexact", "strict": "experimental"},
            ),
        )
        stream.layout = tune.layout
        if tune.bit_rate is not None:
            stream.bit_rate = tune.bit_rate
        form = "s16" if tune.codec == "flac" else "fltp"
        for start in range(0, len(samples), BLOCK):
            block = samples[start : start + BLOCK]
            frame = av.AudioFrame(format=form, layout=tune.layout, samples=len(block))
            for plane in frame.planes:
                plane.update(pack(block, form).ljust(plane.buffer_size, b"\0"))
            frame.sample_rate = tune.rate
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_papers(path: Path, paper: Paper) -> None:
    """Write the copyright file, the package record and the sums that stand beside the tune."""
    package = path.parent.name
    folder = path.parent / "debian"
    folder.mkdir(exist_ok=True)
    said = COPYRIGHT_FILE.format(
        package=package, comment=paper.comment, licence=paper.licence, text=paper.text
    )
    (folder / "copyright").write_text(said, encoding="utf-8")
    record = f"Package: {package}\nVersion: 1.0-1\nArchitecture: all\n"
    (folder / "package").write_text(record, encoding="utf-8")
    md5 = paper.md5 or hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    line = f"{md5}  usr/share/{package}/{path.name}\n"
    (folder / "md5sums").write_text(line, encoding="utf-8")


TUNES = (
    Tune(
        path="no-evidence.ogg",
        codec="vorbis",
        layout="stereo",
        steps=(0, 2, 4, 5, 4, 2, 3, 1, 0, 2, 4, 7, 5, 4, 2, 0),
        tonic=261.63,
        beat=0.4,
        tags={"artist": "Nobody Known", "title": "No Word of Its Rights"},
    ),
    Tune(
        path="all-rights-reserved.flac",
        codec="flac",
        steps=(7, 5, 4, 2, 4, 5, 2, 0, -1, 0, 2, 0),
        tonic=220.0,
        beat=0.4,
        tags={
            "artist": "The Closed Door",
            "title": "All Mine",
            "copyright": "All rights reserved",
        },
        rate=16000,
    ),
    Tune(
        path="bare-tag.mp3",
        codec="libmp3lame",
        steps=(0, 0, 4, 4, 5, 5, 4, 3, 3, 2, 2, 1, 1, 0),
        tonic=293.66,
        beat=0.45,
        tags={"artist": "Somebody", "title": "So the Tag Says", "LICENSE": CC_BY},
        bit_rate=32_000,
    ),
    Tune(
        path="made-contradiction/two-stories.ogg",
        codec="vorbis",
        layout="stereo",
        steps=(0, 4, 2, 5, 3, 7, 5, 8, 7, 5, 4, 2, 1, 2, 0),
        tonic=246.94,
        beat=0.42,
        tags={"artist": "The Songark authors", "title": "Two Stories", "LICENSE": CC0},
        paper=Paper(
            licence="CC-BY-SA-3.0",
            text="Creative Commons Attribution-ShareAlike 3.0 Unported.",
            comment="Made up for a test: the tag of the file says CC0-1.0, this file does not.",
        ),
    ),
    Tune(
        path="made-changed-bytes/other-bytes.ogg",
        codec="vorbis",
        layout="stereo",
        steps=(2, 0, 2, 4, 7, 4, 5, 4, 2, 4, 1, 0),
        tonic=277.18,
        beat=0.45,
        tags={"artist": "The Songark authors", "title": "Other Bytes", "LICENSE": CC0},
        paper=Paper(
            licence="CC0-1.0",
            text="Creative Commons CC0 1.0 Universal.",
            comment="Made up for a test: the sum written down is not the sum of the file.",
            md5="d41d8cd98f00b204e9800998ecf8427e",
        ),
    ),
)


def main() -> None:
    """Write every tune and the papers that go with it."""
    for tune in TUNES:
        path = HERE / tune.path
        path.parent.mkdir(exist_ok=True)
        encode(tune, path)
        if tune.paper is not None:
            write_papers(path, tune.paper)


if __name__ == "__main__":
    main()
