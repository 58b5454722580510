import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songark.ark.settings import TEMPLATE, Settings, parse_address, read_settings
from songark.model.errors import UsageError


def read(tmp_path, text):
    path = tmp_path / "songark.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_the_template_says_what_is_the_case_without_it(tmp_path):
    assert read(tmp_path, TEMPLATE.format(name="archive")) == Settings() == read(tmp_path, "")


def test_every_setting_is_read(tmp_path):
    told = read(
        tmp_path,
        """
        name = "n"
        [release]
        pack_size = "1.5 GiB"
        [swarm]
        listen = "[::1]:1"
        dht = false
        lan = false
        peers = ["a.example:2", "10.0.0.1:3"]
        trackers = ["udp://t.example"]
        web_seeds = ["https://w.example/"]
        [web]
        listen = "localhost:4"
        """,
    )
    assert told == Settings(
        "n",
        3 * 2**29,
        "[::1]:1",
        False,
        False,
        ("a.example:2", "10.0.0.1:3"),
        ("udp://t.example",),
        ("https://w.example/",),
        "localhost:4",
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("nmae = 'x'", "nmae"),
        ("[swarm]\nlisten_on = 'x'", "swarm.listen_on"),
        ("[rights]\nshare = 'all'", "rights.share"),
        ("release = 5", "release"),
        ("pack_size = '1 GB'", "pack_size"),
    ],
)
def test_an_unknown_setting_is_named_with_those_that_are_known(tmp_path, text, key):
    with pytest.raises(UsageError, match="unknown setting") as caught:
        read(tmp_path, text)
    assert repr(key) in caught.value.message
    assert caught.value.place == str(tmp_path / "songark.toml")
    assert "swarm.listen" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name = 7", "name"),
        ("[release]\npack_size = 'much'", "release.pack_size"),
        ("[release]\npack_size = true", "release.pack_size"),
        ("[release]\npack_size = 0", "release.pack_size"),
        ("[release]\npack_size = '0 GB'", "release.pack_size"),
        ("[release]\npack_size = -1", "release.pack_size"),
        ("[release]\npack_size = []", "release.pack_size"),
        ("[swarm]\nlisten = 'nowhere'", "swarm.listen"),
        ("[swarm]\nlisten = 42610", "swarm.listen"),
        ("[swarm]\nlisten = 'a:65536'", "swarm.listen"),
        ("[swarm]\ndht = 'yes'", "swarm.dht"),
        ("[swarm]\nlan = 1", "swarm.lan"),
        ("[swarm]\npeers = 'a:1'", "swarm.peers"),
        ("[swarm]\npeers = [1]", "swarm.peers"),
        ("[swarm]\npeers = ['a']", "swarm.peers"),
        ("[swarm]\ntrackers = [true]", "swarm.trackers"),
        ("[swarm]\nweb_seeds = [['x']]", "swarm.web_seeds"),
        ("[web]\nlisten = {}", "web.listen"),
        ("[web.listen]\na = 1", "web.listen"),
    ],
)
def test_a_wrong_value_is_refused_with_its_file_and_key(tmp_path, text, key):
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert caught.value.place == f"{tmp_path / 'songark.toml'}, {key}"


@pytest.mark.parametrize("data", [b"name = ", b"\xff", b"a = 1\na = 2", b"\x00"])
def test_a_file_that_is_not_toml_is_refused(tmp_path, data):
    (tmp_path / "songark.toml").write_bytes(data)
    with pytest.raises(UsageError, match="cannot be read") as caught:
        read_settings(tmp_path / "songark.toml")
    assert caught.value.place == str(tmp_path / "songark.toml")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_settings(tmp_path / "songark.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("example.org:80", ("example.org", 80)),
        ("[::1]:65535", ("::1", 65535)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ],
)
def test_addresses(text, told):
    assert parse_address(text) == told


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text):
    try:
        host, port = parse_address(text)
    except UsageError:
        return
    assert host
    assert 0 <= port <= 65535
