"""A signed statement by whoever says the music is theirs.

The statement is a document beside the ledger and can be erased; the ledger holds a commitment to
it, what it grants and for which files. It is signed with the archive's keeper key: the keeper
vouches for who made it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from songark.ark.journal import canonical, now
from songark.ark.layout import Ark
from songark.model.errors import UsageError
from songark.model.evidence import Part, Statement
from songark.model.identity import FileId
from songark.model.licence import normalise
from songark.rights.documents import keep_document, read_document
from songark.rights.ledger import Claims, claim_licence
from songark.rights.terms import terms_of


def deposit(
    ark: Ark,
    files: Iterable[FileId],
    *,
    licence: str,
    by: str,
    parts: Iterable[Part],
    sign: Callable[[bytes], tuple[bytes, bytes]],
) -> int:
    """State who owns which works in files and under which licence; returns files newly covered.

    Args:
        ark: the archive.
        files: what the statement covers.
        licence: an SPDX expression, or what is commonly written for one.
        by: who makes the statement.
        parts: the works in the files that they own.
        sign: gives (signature, public key) for bytes.

    Raises:
        UsageError: the licence is not one that can be granted, or nothing is owned.
    """
    expression = normalise(licence)
    owned = sorted(set(parts))
    if not terms_of(expression).share:
        raise UsageError(
            f"{licence!r} is not a licence under which music can be shared",
            remedy="Use an SPDX name such as CC-BY-4.0, CC-BY-SA-4.0 or CC0-1.0",
        )
    if not owned or not by.strip():
        raise UsageError(
            "a statement says who makes it and what they own",
            remedy="Add --by NAME and --own-recordings and --own-songs where they are true",
        )
    claims = Claims()
    claims.read(ark.ledger)
    fresh = [file for file in sorted(set(files)) if not _covered(claims, file, expression, owned)]
    if not fresh:
        return 0
    statement = {
        "statement": f"{by} states that they own the {', '.join(owned)} in the files named and "
        f"licenses them to everyone under {expression}.",
        "by": by,
        "licence": expression,
        "parts": owned,
        "files": hashlib.sha256("\n".join(map(str, fresh)).encode()).hexdigest(),
        "at": now(),
    }
    signature, key = sign(canonical(statement))
    signed = {"statement": statement, "signature": signature.hex(), "key": key.hex()}
    return claim_licence(
        ark.ledger,
        "deposit",
        fresh,
        licence=expression,
        parts=owned,
        document=keep_document(ark.documents, canonical(signed)),
        place="signed statement",
    )


class Depositors:
    """Fills in who made a deposit's statement, from the document as long as it is there."""

    def __init__(self, documents: Path) -> None:
        self._documents = documents
        self._names: dict[str, str] = {}

    def fill(self, statement: Statement) -> Statement:
        """The statement with its holder, where it is a deposit and not erased."""
        if statement.kind != "deposit":
            return statement
        if statement.document not in self._names:
            raw = read_document(self._documents, statement.document)
            self._names[statement.document] = json.loads(raw)["statement"]["by"] if raw else ""
        return replace(statement, holder=self._names[statement.document])


def _covered(claims: Claims, file: FileId, licence: str, parts: list[Part]) -> bool:
    return any(
        s.kind == "deposit" and s.licence == licence and s.parts >= set(parts)
        for s in claims.statements.get(file, [])
    )
