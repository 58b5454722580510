"""Which machine a figure comes from, and how figures are printed."""

from __future__ import annotations

import json
import os
import platform
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple


def machine() -> dict[str, str | int]:
    """The processor, its cores that we may use, and the versions that decide speed."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
    }


class Took(NamedTuple):
    """Seconds by the clock, and seconds of processor time, which other work disturbs less."""

    wall: float
    cpu: float


def took(work: Callable[[], object]) -> Took:
    """How long one run takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def best(runs: Mapping[str, Callable[[], object]], times: int = 5) -> dict[str, Took]:
    """The shortest of several runs of each, taken in turn, so that noise falls on all alike."""
    found = dict.fromkeys(runs, Took(float("inf"), float("inf")))
    for _ in range(times):
        for name, work in runs.items():
            found[name] = Took(*map(min, found[name], took(work)))
    return found


def show(name: str, figures: Mapping[str, object], *, as_json: bool) -> None:
    """Print figures: one JSON line, or a line each for people."""
    whole = {"bench": name, **machine(), **figures}
    if as_json:
        sys.stdout.write(json.dumps(whole) + "\n")
        return
    for key, value in whole.items():
        shown = f"{value:,.3f}" if isinstance(value, float) else str(value)
        sys.stdout.write(f"{key:32} {shown}\n")
