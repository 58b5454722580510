import os

import libtorrent as lt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songark.mirror.pieces import holds, load, load_again, matching
from songark.model.errors import BrokenError, SongarkError
from songark.model.hashing import Hasher
from songark.release.bencode import decode, encode
from songark.release.torrent import TorrentFile, build_torrent
from songark.release.torrent_form import check_name
from tests.mirror.swarm_support import MIB, flip, make_pack

HASHER = Hasher()
HASHER.update(b"x")
RECORD = HASHER.finish()
AWKWARD = [1, 16_383, 16_384, 16_385, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 7]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=7))
def test_we_and_libtorrent_find_each_file_at_the_same_piece(tmp_path, sizes):
    pack = make_pack(tmp_path, {f"{n} {size}.ogg": size for n, size in enumerate(sizes)})
    loaded = load(pack.torrent)
    layout = loaded.info.layout()
    assert loaded.infohash == pack.v2
    for entry in loaded.entries:
        assert layout.root(entry.index).to_bytes() == entry.file.root
        assert layout.file_size(entry.index) == entry.file.size
        assert layout.file_offset(entry.index) == entry.first * MIB
        assert layout.file_name(entry.index) == entry.name
        assert list(matching(loaded.info, entry, pack.places[entry.name])) == list(
            range(entry.first, entry.end)
        )
    assert loaded.entries[-1].end == loaded.pieces == loaded.info.num_pieces()


def test_one_flipped_bit_costs_one_piece(tmp_path):
    pack = make_pack(tmp_path, {"a.ogg": 2 * MIB + 5, "b.ogg": 3 * MIB + 9})
    loaded = load(pack.torrent)
    entry = loaded.entries[1]
    for at, bad in [(0, 0), (MIB - 1, 0), (MIB, 1), (3 * MIB + 8, 3)]:
        flip(pack.places["b.ogg"], at)
        found = set(matching(loaded.info, entry, pack.places["b.ogg"]))
        assert set(range(entry.first, entry.end)) - found == {entry.first + bad}
        flip(pack.places["b.ogg"], at)


def test_a_cut_a_grown_and_a_missing_file_have_only_their_whole_pieces(tmp_path):
    pack = make_pack(tmp_path, {"a.ogg": 2 * MIB + 5})
    loaded = load(pack.torrent)
    path, entry = pack.places["a.ogg"], loaded.entries[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: 2 * MIB])
    assert list(matching(loaded.info, entry, path)) == [0, 1]
    path.write_bytes(whole + b"\0")
    assert list(matching(loaded.info, entry, path)) == [0, 1]
    assert not holds(path, entry.file.size)
    path.unlink()
    assert list(matching(loaded.info, entry, path)) == []
    assert not holds(path, entry.file.size)


def test_links_and_folders_are_no_files(tmp_path):
    pack = make_pack(tmp_path, {"a.ogg": 5})
    loaded = load(pack.torrent)
    link = tmp_path / "link"
    link.symlink_to(pack.places["a.ogg"])
    assert list(matching(loaded.info, loaded.entries[0], link)) == []
    assert not holds(tmp_path, tmp_path.stat().st_size)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert not holds(pipe, 0)


def test_libtorrent_is_not_told_of_similar_torrents(tmp_path):
    plain = make_pack(tmp_path, {"a.ogg": 5, "b.ogg": MIB + 1})
    pack = make_pack(tmp_path, {"a.ogg": 5, "b.ogg": MIB + 1}, similar=[b"s" * 20])
    loaded = load(pack.torrent)
    assert lt.load_torrent_buffer(pack.torrent).ti.similar_torrents() != []
    assert loaded.info.similar_torrents() == []
    assert loaded.infohash == plain.v2


def _renamed(torrent: bytes, name: bytes) -> bytes:
    top = decode(torrent)
    info = top[b"info"]
    ((_, leaf),) = info[b"file tree"].items()
    info[b"file tree"] = {name: leaf}
    info[b"files"][0][b"path"] = [name]
    return encode(top)


@pytest.mark.parametrize(
    "name", [b"..", b"../../x", b"/etc/passwd", b"a/b", b"a\\b", b".pad", b"\xff", b"a\0b", b""]
)
def test_a_torrent_that_names_files_elsewhere_is_refused(tmp_path, name):
    pack = make_pack(tmp_path, {"a.ogg": 5})
    assert load(_renamed(pack.torrent, b"b.ogg")).entries[0].name == "b.ogg"
    with pytest.raises(BrokenError):
        load(_renamed(pack.torrent, name))


def _allowed(name: str) -> bool:
    try:
        check_name(name)
    except SongarkError:
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(name=st.text(min_size=1, max_size=240).filter(_allowed))
def test_libtorrent_leaves_every_allowed_name_as_it_is(name):
    made = build_torrent("Pack", [TorrentFile(name, RECORD)])
    assert [entry.name for entry in load(made.data).entries] == [name]
    again = load_again(load(made.data).torrent)
    assert again.entries == load(made.data).entries


def test_torrents_of_another_form_are_refused(tmp_path):
    made = lt.create_torrent(
        lt.list_files(str(make_pack(tmp_path / "s", {"a": 70_000}).places["a"]))
    )
    lt.set_piece_hashes(made, str(tmp_path / "s"))
    for hostile in (lt.bencode(made.generate()), b"", b"d", b"d4:infodee", b"d" * 9_999_999):
        with pytest.raises(BrokenError):
            load(hostile)


def test_a_torrent_beyond_ten_megabytes_is_refused():
    with pytest.raises(BrokenError, match="10000001 bytes"):
        load(b"d" * 10_000_001)
