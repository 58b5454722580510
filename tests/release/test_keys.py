import stat
import subprocess
import sys
import traceback

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from songark.release.keys import ROLES, KeysError, make_keys, open_keys


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_for_the_keeper_only_and_last(tmp_path):
    made = make_keys(tmp_path / "ark" / "keys")
    folder = tmp_path / "ark" / "keys"
    assert mode(folder) == 0o700
    assert {p.name: mode(p) for p in folder.iterdir()} == {f"{r}.pem": 0o600 for r in ROLES}
    opened = open_keys(folder)
    for role in ROLES:
        assert getattr(opened, role).public == getattr(made, role).public
    assert len({getattr(made, role).public for role in ROLES}) == 3


def test_a_loose_umask_does_not_open_them(tmp_path):
    code = (
        "import os, sys; os.umask(0); from pathlib import Path; "
        "from songark.release.keys import make_keys; make_keys(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "keys")], check=True)
    assert mode(tmp_path / "keys") == 0o700
    assert {mode(p) for p in (tmp_path / "keys").iterdir()} == {0o600}


def test_signatures_are_ed25519_over_the_bytes(tmp_path):
    keeper = make_keys(tmp_path / "keys").keeper
    public = ed25519.Ed25519PublicKey.from_public_bytes(keeper.public)
    signature = keeper.sign(b"statement")
    assert len(keeper.public) == 32
    assert signature == keeper.sign(b"statement")
    public.verify(signature, b"statement")
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"statemenT")


def test_made_once_even_when_the_root_key_was_moved_away(tmp_path):
    first = make_keys(tmp_path / "keys")
    (tmp_path / "keys" / "root.pem").rename(tmp_path / "offline.pem")
    again = make_keys(tmp_path / "keys")
    assert again.root is None
    assert again.online.public == first.online.public
    assert not (tmp_path / "keys" / "root.pem").exists()


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "keys").mkdir(mode=0o755)
    make_keys(tmp_path / "keys")
    assert mode(tmp_path / "keys") == 0o700


def test_all_keys_appear_or_none(tmp_path, monkeypatch):
    import songark.release.keys as module

    done = []

    def stop_at_second(path):
        done.append(path)
        if len(done) == 2:
            raise KeyboardInterrupt
        path.write_bytes(b"x")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write_key", stop_at_second)
        with pytest.raises(KeyboardInterrupt):
            make_keys(tmp_path / "keys")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bits", [0o040, 0o004, 0o020, 0o001])
@pytest.mark.parametrize("name", ["", "root.pem", "online.pem", "keeper.pem"])
def test_keys_that_others_can_reach_are_refused(tmp_path, name, bits):
    make_keys(tmp_path / "keys")
    path = tmp_path / "keys" / name
    path.chmod(mode(path) | bits)
    with pytest.raises(KeysError, match="others than the owner") as caught:
        open_keys(tmp_path / "keys")
    assert caught.value.place == str(path)
    assert "chmod" in caught.value.remedy


@pytest.mark.parametrize("name", ["online.pem", "keeper.pem"])
def test_a_missing_key_is_named(tmp_path, name):
    make_keys(tmp_path / "keys")
    (tmp_path / "keys" / name).unlink()
    with pytest.raises(KeysError, match="missing") as caught:
        open_keys(tmp_path / "keys")
    assert caught.value.place.endswith(name)


def test_no_keys_at_all(tmp_path):
    with pytest.raises(KeysError, match="no keys"):
        open_keys(tmp_path / "keys")


def pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


ED = ed25519.Ed25519PrivateKey.generate()
SPOILED = {
    "cut": pem(ED)[:-40],
    "another kind": pem(rsa.generate_private_key(65537, 2048)),
    "locked": pem(ED, BestAvailableEncryption(b"hush")),
    "noise": b"\x00\xff" * 50,
    "nothing": b"",
    "endless": b"-" * 100_000,
}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_spoiled_key_is_refused_without_a_word_of_it(tmp_path, kind):
    make_keys(tmp_path / "keys")
    path = tmp_path / "keys" / "online.pem"
    path.write_bytes(SPOILED[kind])
    with pytest.raises(KeysError, match="not an Ed25519 private key") as caught:
        open_keys(tmp_path / "keys")
    assert caught.value.__context__ is None
    told = "".join(traceback.format_exception(caught.value))
    assert not any(
        line in told for line in SPOILED[kind].decode("latin-1").split() if len(line) > 12
    )


def test_a_pipe_in_place_of_a_key_does_not_block(tmp_path):
    import os

    make_keys(tmp_path / "keys")
    (tmp_path / "keys" / "online.pem").unlink()
    os.mkfifo(tmp_path / "keys" / "online.pem", 0o600)
    with pytest.raises(KeysError, match="not a file"):
        open_keys(tmp_path / "keys")


def test_what_is_shown_of_a_key_is_public(tmp_path):
    keys = make_keys(tmp_path / "keys")
    secret = (tmp_path / "keys" / "keeper.pem").read_text().split("\n")[1]
    for text in (repr(keys), str(keys.keeper), repr(keys.keeper)):
        assert secret not in text
        assert keys.keeper.public.hex() in text
    with pytest.raises(TypeError):
        import pickle

        pickle.dumps(keys.keeper)
