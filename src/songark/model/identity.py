"""What a file is: its BEP 52 root together with its size."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"([0-9a-f]{64})-([1-9][0-9]{0,18})")


@dataclass(frozen=True, order=True, slots=True)
class FileId:
    """A file's identity.

    `root` is the 32-byte root of BEP 52's merkle tree over 16 KiB blocks, `size` the length in
    bytes, at least 1. The root alone has twins: the 64 bytes of a tree's two top hashes have the
    same root as the tree itself.

    Raises:
        ValueError: the root is not 32 bytes long, or the size is less than 1.
    """

    root: bytes
    size: int

    def __post_init__(self) -> None:
        if len(self.root) != 32:
            raise ValueError(f"a root has 32 bytes, not {len(self.root)}")
        if self.size < 1:
            raise ValueError("an empty file has no identity")

    def __str__(self) -> str:
        return f"{self.root.hex()}-{self.size}"

    @classmethod
    def parse(cls, text: str) -> FileId:
        """Read the form ``<64 hex digits>-<size>``.

        Raises:
            ValueError: the text has another form.
        """
        found = _FORM.fullmatch(text)
        if not found:
            raise ValueError(f"not a file id (64 hex digits, '-', size): {text[:100]!r}")
        return cls(bytes.fromhex(found[1]), int(found[2]))
