"""``songark check``: read everything kept again."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb
from songark.model.size import show_size


@click.command()
@ark_option
@verb
def command(out: Output, ark_path: Path) -> int:
    """Read every kept file again and compare root, SHA-256, v1 and v2 hashes with its record."""
    from songark.store.check import check_store
    from songark.store.records import held_files

    ark = Ark.open(ark_path)
    with ark.lock():
        total = sum(row["size"] for row in held_files(ark.store).to_pylist())
        out.stage("checking", total)
        found = check_store(ark, progress=out.done)
    out.rejects(found.bad, "Found wrong")
    out.say(
        f"{found.checked} files read again ({show_size(found.bytes)}): "
        f"{'all as they were' if not found.bad else f'{len(found.bad)} findings'}."
    )
    out.summary(checked=found.checked, bad=len(found.bad), bytes=found.bytes)
    return 1 if found.bad else 0
