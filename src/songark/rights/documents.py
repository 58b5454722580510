"""Documents that claims rest on, kept beside the ledger and erasable.

A ledger line holds a salted commitment: SHA-256 over 32 random bytes and the document. The salt
lies with the document, so when the document is erased nothing about it can be guessed or proven
from the ledger.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from songark.ark.atomic import write_whole
from songark.model.errors import BrokenError

_SALT = 32


def keep_document(folder: Path, data: bytes) -> str:
    """Store a document; returns its commitment as 64 hex digits."""
    salted = secrets.token_bytes(_SALT) + data
    commitment = hashlib.sha256(salted).hexdigest()
    write_whole(folder / commitment, salted)
    return commitment


def read_document(folder: Path, commitment: str) -> bytes | None:
    """The document behind a commitment, or None where it was erased.

    Raises:
        BrokenError: what lies there is not what was committed to.
    """
    path = folder / commitment
    if not path.is_file():
        return None
    salted = path.read_bytes()
    if hashlib.sha256(salted).hexdigest() != commitment:
        raise BrokenError(
            "the document is not the one the ledger commits to",
            place=str(path),
            remedy="Restore it from a copy",
        )
    return salted[_SALT:]
