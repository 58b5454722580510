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


def seconds(work: Callable[[], object]) -> float:
    """How long one run takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(runs: Mapping[str, Callable[[], object]], times: int = 3) -> dict[str, float]:
    """The shortest of several runs of each, taken in turn, so that noise falls on all alike."""
    found = dict.fromkeys(runs, float("inf"))
    for _ in range(times):
        for name, work in runs.items():
            found[name] = min(found[name], seconds(work))
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
