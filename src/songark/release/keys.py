"""The keys of an archive: Ed25519 in PEM, in a folder that only the keeper can read.

``root.pem`` says which keys may sign the feed and is needed once a year: keep it off this machine.
``online.pem`` signs the feed. ``keeper.pem`` signs statements. What is secret never leaves this
module: not in a representation, a message, or the context of an error.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from songark.ark.atomic import sync_folder
from songark.model.errors import SongarkError

ROLES = ("root", "online", "keeper")
_MAX_PEM = 16_384


class KeysError(SongarkError):
    """The keys are missing, unreadable, or readable by others."""


class SigningKey:
    """A private key that signs and shows only its public half."""

    __slots__ = ("_private", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes_raw()
        """The public key: 32 bytes, RFC 8032."""

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`: 64 bytes, RFC 8032; the same data gives the same bytes."""
        return self._private.sign(data)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()})"


@dataclass(frozen=True, slots=True)
class Keys:
    """An archive's keys. `root` is None where it is kept elsewhere."""

    root: SigningKey | None
    online: SigningKey
    keeper: SigningKey


def make_keys(path: Path) -> Keys:
    """Make the three keys in a new folder at `path`; where keys are already, open those.

    All of them appear at once or not at all, and none is ever made beside others, so that a root
    key that was moved elsewhere is not replaced.

    Raises:
        KeysError: what is there cannot be used.
    """
    if path.is_dir() and any(path.iterdir()):
        return open_keys(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        for role in ROLES:
            _write_key(draft / f"{role}.pem")
        sync_folder(draft)
        draft.rename(path)
    except OSError:
        # Another process was faster: a folder is not renamed over one that holds files.
        if not path.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync_folder(path.parent)
    return open_keys(path)


def open_keys(path: Path) -> Keys:
    """Read the keys in the folder at `path`.

    Raises:
        KeysError: a key is missing (the root key may be), is not an Ed25519 key in PEM, or the
            folder or a file is open to others than its owner.
    """
    if not path.is_dir():
        raise KeysError("no keys here", place=str(path), remedy="Make them with `songark init`")
    _refuse_open(path, path.stat(), "700")
    online, keeper = _read_key(path / "online.pem"), _read_key(path / "keeper.pem")
    if online is None or keeper is None:
        raise KeysError(
            "the key is missing",
            place=str(path / ("keeper.pem" if online else "online.pem")),
            remedy="Put it back from your copy; mirrors do not accept a new one",
        )
    return Keys(_read_key(path / "root.pem"), online, keeper)


def _write_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())


def _read_key(path: Path) -> SigningKey | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeysError(f"cannot be read ({error.strerror})", place=str(path)) from None
    with os.fdopen(handle, "rb") as stream:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise KeysError("not a file", place=str(path))
        _refuse_open(path, about, "600")
        key = _parse(stream.read(_MAX_PEM))
    if key is None:
        raise KeysError(
            "not an Ed25519 private key in PEM without a password",
            place=str(path),
            remedy="Put the key back from your copy",
        )
    return key


def _parse(pem: bytes) -> SigningKey | None:
    """The key, or None: a parser's own error could quote what it read."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return SigningKey(key) if isinstance(key, Ed25519PrivateKey) else None


def _refuse_open(path: Path, about: os.stat_result, mode: str) -> None:
    if about.st_mode & 0o077:
        raise KeysError(
            "others than the owner can reach this",
            place=str(path),
            remedy=f"Run `chmod {mode} {path}`; if others may have read it, make new keys",
        )
