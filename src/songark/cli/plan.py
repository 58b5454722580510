"""``songark plan``: what to keep under a budget."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from songark.ark.layout import Ark
from songark.cli.output import Output
from songark.cli.verb import ark_option, verb
from songark.model.size import parse_size, show_size

_SHOWN = 20


@click.command()
@ark_option
@click.option("--budget", help="How large the store may grow, such as 500GB; else no bound.")
@verb
def command(out: Output, ark_path: Path, budget: str | None) -> None:
    """Plan what to keep: listens first, a tenth of the room for the rare. Nothing is moved.

    `songark publish` carries the plan out, and keeps to its budget from then on.
    """
    from songark.api.publish import plan
    from songark.ark.tables import read_rows

    bound = parse_size(budget) if budget else None
    sealed = plan(Ark.open(ark_path), budget=bound)
    facts = sealed.facts
    path = sealed.path / "plan.parquet"
    rows = [
        (r["position"] + 1, r["reason"], r["listens"], show_size(r["size"]), r["path"])
        for r, _n in zip(read_rows(path), range(_SHOWN), strict=False)
    ]
    if rows:
        more = f" (the first {_SHOWN} of {facts['steps']})" if facts["steps"] > _SHOWN else ""
        out.table(f"To keep{more}", ("", "For", "Listens", "Size", "File"), rows)
    limit = f" of {show_size(bound)}" if bound is not None else ""
    out.say(
        f"Held {show_size(facts['held_bytes'])}, to bring in {show_size(facts['bytes'])}{limit}; "
        f"the plan is {path}"
    )
    out.summary(
        plan=str(path),
        steps=facts["steps"],
        bytes=facts["bytes"],
        held_bytes=facts["held_bytes"],
        budget=bound,
    )
