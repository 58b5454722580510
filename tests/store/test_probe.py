import shutil

import av
import numpy as np
import pytest

from songark.model.errors import SongarkError
from songark.store.probe import fingerprint, probe
from tests.audio import FORMATS, make_tone

LOSSLESS = {"flac", "alac", "wav"}


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """One tone in each format, and another one."""
    folder = tmp_path_factory.mktemp("tones")
    made = {
        name: make_tone(
            folder / f"{name}.{parts[3]}", format=name, tags={"title": "A", "artist": "B"}
        )
        for name, parts in FORMATS.items()
    }
    made["other"] = make_tone(folder / "other.ogg", freq=500.0)
    made["other flac"] = make_tone(folder / "other.flac", freq=500.0, format="flac")
    return made


def remux(source, target, container, **tags):
    """The same packets in another file."""
    with av.open(str(source)) as old, av.open(str(target), "w", format=container) as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        new.metadata.update(tags)
        for packet in old.demux(old.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    assert target.read_bytes() != source.read_bytes()
    return target


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_each_format_is_probed(tones, name):
    told = probe(tones[name])
    assert len(told["packets"]) == 64
    assert (told["pcm"] is not None) == (name in LOSSLESS)
    assert probe(tones[name]) == told


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("vorbis", "ogg"),
        ("vorbis", "matroska"),
        ("opus", "matroska"),
        ("flac", "flac"),
        ("flac", "ogg"),
        ("mp3", "mp3"),
        ("aac", "mp4"),
        ("aac", "matroska"),
        ("alac", "mp4"),
    ],
)
def test_packets_stay_the_same_under_other_tags_and_in_other_containers(
    tones, tmp_path, name, container
):
    other = remux(tones[name], tmp_path / "other", container, title="Another", comment="x" * 999)
    assert probe(other)["packets"] == probe(tones[name])["packets"]
    assert probe(other)["pcm"] == probe(tones[name])["pcm"]


def test_other_audio_has_other_packets(tones):
    told = [probe(path)["packets"] for path in tones.values()]
    assert len(set(told)) == len(told)


def encode(path, samples, codec, container, rate=48_000, level=None):
    """Encode interleaved stereo samples of 16 bits."""
    with av.open(str(path), "w", format=container) as out:
        options = {} if level is None else {"compression_level": str(level)}
        form = "s16p" if codec == "alac" else "s16"
        stream = out.add_stream(codec, rate=rate, layout="stereo", format=form, options=options)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = rate
        frame.pts = 0
        resampler = av.AudioResampler(stream.codec_context.format, "stereo", rate, 1000)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(1).integers(-9000, 9000, (30_000, 2), dtype="int16")


def test_samples_stay_the_same_at_any_compression_and_in_any_lossless_codec(tmp_path, samples):
    made = [
        encode(tmp_path / "0.flac", samples, "flac", "flac", level=0),
        encode(tmp_path / "12.flac", samples, "flac", "flac", level=12),
        encode(tmp_path / "a.m4a", samples, "alac", "mp4"),
        encode(tmp_path / "a.wav", samples, "pcm_s16le", "wav"),
        encode(tmp_path / "a.aiff", samples, "pcm_s16be", "aiff"),
    ]
    told = [probe(path) for path in made]
    assert len({one["pcm"] for one in told}) == 1
    assert len({one["packets"] for one in told}) == len(made)


def test_other_samples_rates_and_channels_are_others(tmp_path, samples):
    changed = samples.copy()
    changed[20_000, 1] += 1
    made = [
        encode(tmp_path / "a.flac", samples, "flac", "flac"),
        encode(tmp_path / "changed.flac", changed, "flac", "flac"),
        encode(tmp_path / "swapped.flac", samples[:, ::-1].copy(), "flac", "flac"),
        encode(tmp_path / "shorter.flac", samples[:-1], "flac", "flac"),
        encode(tmp_path / "slower.flac", samples, "flac", "flac", rate=44_100),
    ]
    assert len({probe(path)["pcm"] for path in made}) == len(made)


@pytest.mark.parametrize("data", [b"", b"no audio at all" * 99, b"OggS" + bytes(999)])
def test_what_is_not_audio_is_an_error_that_names_it(tmp_path, data):
    path = tmp_path / "a.ogg"
    path.write_bytes(data)
    with pytest.raises(SongarkError) as caught:
        probe(path)
    assert caught.value.place == str(path)


def test_a_damaged_lossless_file_has_packets_and_not_the_samples_of_the_sound_one(tones, tmp_path):
    data = bytearray(tones["flac"].read_bytes())
    for at in range(len(data) // 2, len(data) // 2 + 40):
        data[at] ^= 0xFF
    (tmp_path / "a.flac").write_bytes(data)
    told = probe(tmp_path / "a.flac")
    assert told["packets"]
    assert told["pcm"] != probe(tones["flac"])["pcm"]


def test_without_fpcalc_there_is_no_fingerprint(tones, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fingerprint(tones["vorbis"]) is None
    assert probe(tones["vorbis"])["fingerprint"] is None


def fake_fpcalc(folder, script):
    program = folder / "fpcalc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ('echo \'{"duration": 1.0, "fingerprint": "AQAA"}\'', "AQAA"),
        ('echo \'{"duration": 1.0, "fingerprint": "AQAA"}\'; exit 3', "AQAA"),
        ('echo \'{"fingerprint": "AQAA"}\'; exit 2', None),
        ('echo \'{"fingerprint": ""}\'', None),
        ("echo '{}'", None),
        ("echo nonsense", None),
    ],
)
def test_what_fpcalc_says_is_read_with_care(tones, tmp_path, monkeypatch, script, told):
    fake_fpcalc(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert fingerprint(tones["vorbis"]) == told


@pytest.mark.skipif(not shutil.which("fpcalc"), reason="fpcalc (Chromaprint) is not installed")
def test_the_fingerprint_is_of_the_audio(tmp_path):
    one = make_tone(tmp_path / "a.flac", seconds=8.0, format="flac")
    other = remux(one, tmp_path / "b.flac", "flac", title="Another")
    assert fingerprint(one)
    assert fingerprint(other) == fingerprint(one)
