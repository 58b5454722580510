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

_LOSSLESS = {"flac", "alac", "wavpack", "tta", "ape", "mlp", "truehd"}


def probe(path: Path) -> dict[str, Any]:
    """The `packets`, `pcm` and `fingerprint` of one audio file; null where there is none.

    Raises:
        av.error.FFmpegError: the file cannot be demuxed.
    """
    import av

    packets = hashlib.sha256()
    samples = hashlib.sha256()
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        codec = stream.codec_context.name
        lossless = codec in _LOSSLESS or codec.startswith("pcm_")
        packets.update(codec.encode() + b"\n")
        for packet in container.demux(stream):
            if packet.size:
                packets.update(packet.size.to_bytes(8, "big"))
                packets.update(memoryview(packet))
            if lossless:
                for frame in packet.decode():
                    _add_samples(samples, frame)
    return {
        "packets": packets.hexdigest(),
        "pcm": samples.hexdigest() if lossless else None,
        "fingerprint": fingerprint(path),
    }


def _add_samples(digest: Any, frame: Any) -> None:  # noqa: ANN401 - hashlib's and PyAV's own
    """Hash a frame's samples: channels, format, then each plane without its padding."""
    layout = f"{frame.format.name} {frame.rate} {frame.layout.nb_channels}\n"
    digest.update(layout.encode())
    digest.update(frame.to_ndarray().tobytes())


def fingerprint(path: Path) -> str | None:
    """Chromaprint's fingerprint of the first two minutes, or None without fpcalc.

    fpcalc exits 3 at the end of many Ogg files and still prints a good fingerprint.
    """
    program = shutil.which("fpcalc")
    if program is None:
        return None
    ran = subprocess.run(
        [program, "-json", "-length", "120", str(path.resolve())],
        capture_output=True,
        timeout=120,
        check=False,
    )
    if ran.returncode not in {0, 3}:
        return None
    try:
        return str(json.loads(ran.stdout)["fingerprint"]) or None
    except (ValueError, KeyError):
        return None
