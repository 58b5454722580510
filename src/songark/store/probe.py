"""Sameness of audio: what stays the same when tags or containers change.

The digest of the coded packets survives re-tagging and re-muxing. The digest of decoded samples is
made for lossless codecs only, since lossy decoders differ between machines. The fingerprint is
Chromaprint's, where its program fpcalc is on the machine; compare those by Hamming distance.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from songark.model.errors import SongarkError

_LOSSLESS = {"flac", "alac", "wavpack", "tta", "ape", "mlp", "truehd"}


def probe(path: Path) -> dict[str, Any]:
    """The `packets`, `pcm` and `fingerprint` of one audio file; null where there is none.

    Raises:
        SongarkError: there is no audio stream in it that can be read.
    """
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise SongarkError("no audio stream", place=str(path))
            packets, samples = _digests(container, container.streams.audio[0])
    except av.error.FFmpegError as error:
        raise SongarkError(f"cannot be read as audio ({error.strerror})", place=str(path)) from None
    return {"packets": packets, "pcm": samples, "fingerprint": fingerprint(path)}


def _digests(container: Any, stream: Any) -> tuple[str, str | None]:  # noqa: ANN401 - PyAV's own
    """The digest of the packets, and that of the samples where nothing is lost or damaged."""
    import av

    codec = stream.codec_context.name
    packets = hashlib.sha256(codec.encode() + b"\n")
    samples = _Samples() if codec in _LOSSLESS or codec.startswith("pcm_") else None
    for packet in container.demux(stream):
        if packet.size:
            packets.update(packet.size.to_bytes(8, "big"))
            packets.update(memoryview(packet))
        if samples is None:
            continue
        try:
            for frame in packet.decode():
                samples.add(frame)
        except av.error.FFmpegError:
            samples = None
    return packets.hexdigest(), samples.digest() if samples else None


class _Samples:
    """Hashes samples however a codec cuts them into frames and lays out its channels."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._form = ""

    def add(self, frame: Any) -> None:  # noqa: ANN401 - PyAV's own
        """Hash a frame's samples interleaved, after their form where it is another than before."""
        form = f"{frame.format.packed.name} {frame.rate} {frame.layout.nb_channels}\n"
        if form != self._form:
            self._hash.update(form.encode())
            self._form = form
        told = frame.to_ndarray()
        self._hash.update((told.T if frame.format.is_planar else told).tobytes())

    def digest(self) -> str | None:
        """The digest as hex, or None where there was no sample."""
        return self._hash.hexdigest() if self._form else None


def fingerprint(path: Path) -> str | None:
    """Chromaprint's fingerprint of the first two minutes, or None without fpcalc.

    fpcalc exits 3 at the end of many Ogg files and still prints a good fingerprint.
    """
    program = shutil.which("fpcalc")
    if program is None:
        return None
    try:
        ran = subprocess.run(
            [program, "-json", "-length", "120", str(path.resolve())],
            capture_output=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    if ran.returncode not in {0, 3}:
        return None
    try:
        return str(json.loads(ran.stdout)["fingerprint"]) or None
    except (ValueError, KeyError):
        return None
