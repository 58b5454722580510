"""A file's hash record: what stands for its bytes from then on.

In a hybrid torrent with BEP 47 pad files each file starts at a piece, so the v2 piece layer and
the v1 piece hashes depend on that file alone. Hashed once, a file goes into any torrent by
arithmetic, and its audio is never read for that again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from songark.model.identity import FileId
from songark.model.merkle import HASH, PIECE, pieces, root_of_layer

SHA1 = 20
_DOMAIN = b"songark hash record 1\n"


@dataclass(frozen=True, slots=True)
class HashRecord:
    """The hashes of one file.

    file: BEP 52 root and size. sha256: of the plain bytes. layer: the root's piece layer at 1 MiB,
    32 bytes a piece, empty where the file has one piece only (BEP 52, ``piece layers``). v1: SHA-1
    of each 1 MiB piece, 20 bytes each, the last one as long as the file is. v1_last_padded: SHA-1
    of the last piece filled up with zeros to 1 MiB (BEP 47).

    Raises:
        ValueError: the lengths do not agree with the size.
    """

    file: FileId
    sha256: bytes
    layer: bytes
    v1: bytes
    v1_last_padded: bytes

    def __post_init__(self) -> None:
        count = pieces(self.file.size)
        if len(self.layer) != (HASH * count if count > 1 else 0):
            raise ValueError(f"{self.file}: the piece layer has {len(self.layer)} bytes")
        if len(self.v1) != SHA1 * count:
            raise ValueError(f"{self.file}: the v1 hashes have {len(self.v1)} bytes")
        if len(self.sha256) != HASH or len(self.v1_last_padded) != SHA1:
            raise ValueError(f"{self.file}: a hash has the wrong length")

    def check(self) -> None:
        """Check what can be checked without the file.

        A wrong SHA-1 does not show here: that is what `digest`, kept beside the record, is for.

        Raises:
            ValueError: the layer does not hash up to the root, or a last piece that needs no
                padding has two hashes.
        """
        if self.layer and root_of_layer(self.layer) != self.file.root:
            raise ValueError(f"{self.file}: the piece layer does not hash up to the root")
        if self.file.size % PIECE == 0 and self.v1[-SHA1:] != self.v1_last_padded:
            raise ValueError(f"{self.file}: a whole last piece has two v1 hashes")

    def digest(self) -> bytes:
        """SHA-256 over the record itself, to know it again: no field can change unseen."""
        own = hashlib.sha256(_DOMAIN)
        own.update(self.file.root + self.file.size.to_bytes(8, "big") + self.sha256)
        own.update(self.layer)
        own.update(self.v1)
        own.update(self.v1_last_padded)
        return own.digest()
