"""How long `songark --help` takes, beside a bare start of the same Python."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from machine import show

RUNS = 15


def median_ms(command: list[str]) -> float:
    """The median wall time of a command over several runs, in milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--json", action="store_true", help="one JSON line")
    bare = median_ms([sys.executable, "-c", "pass"])
    ours = median_ms([sys.executable, "-m", "songark", "--help"])
    figures = {"bare_python_ms": bare, "songark_help_ms": ours, "ratio": ours / bare}
    show("start", figures, as_json=asked.parse_args().json)


if __name__ == "__main__":
    main()
