"""Every bench, one after another: what `make bench` runs. Arguments go to each of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Run them; the first that fails ends the run."""
    for name in ("start", "hashing", "torrents", "release"):
        sys.stdout.flush()
        subprocess.run([sys.executable, str(HERE / f"{name}.py"), *sys.argv[1:]], check=True)
        print()


if __name__ == "__main__":
    main()
