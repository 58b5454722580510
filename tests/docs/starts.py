"""What a page of the documentation begins with: nothing, or an archive made so far."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.console import PATIENCE, ROOT

EXAMPLES = ROOT / "examples"

# What a start has that the one before it has not.
BEFORE = {"archive": "empty", "added": "archive", "published": "added"}
MAKES = {
    "archive": ("init", "--name", "ark"),
    "added": ("add", "Music/cc", "listens.csv"),
    "published": ("publish",),
}


def make_start(name: str, path: Path, before: Path | None) -> None:
    """Make what pages with this start find: ``Music`` and the logs, and the archive ``ark``.

    `before` is the start that this one goes on from, whose music stays where it was added.
    """
    path.mkdir(parents=True)
    for log in EXAMPLES.glob("listens*.csv"):
        shutil.copy(log, path / log.name)
    if before and name == "published":
        (path / "Music").symlink_to((before / "Music").resolve())
    else:
        shutil.copytree(EXAMPLES / "music", path / "Music" / "cc")
    if before and (before / "ark").is_dir():
        shutil.copytree(before / "ark", path / "ark")
    if name in MAKES:
        subprocess.run(
            [sys.executable, "-m", "songark", *MAKES[name], "--ark", "ark"],
            cwd=path,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            check=True,
            timeout=PATIENCE,
            stdout=subprocess.DEVNULL,
        )


def settle(name: str, start: Path, home: Path) -> str:
    """Bring a start into a new home; returns the command the shell begins with.

    Music that an archive knows stays where it was added, since a snapshot names that place.
    """
    if name in {"empty", "archive"}:
        shutil.copytree(start / "Music", home / "Music")
    else:
        (home / "Music").symlink_to(start / "Music")
    for log in start.glob("*.csv"):
        shutil.copy(log, home / log.name)
    if name == "empty":
        return "true"
    shutil.copytree(start / "ark", home / "ark")
    return "cd ~/ark" if name == "archive" else "export SONGARK_ARK=~/ark"
