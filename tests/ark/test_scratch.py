"""Scratch folders: one's own, gone afterwards, swept where their process was killed."""

import os
import signal
import subprocess
import sys

import pytest

from songark.ark.scratch import scratch

HOLD = """
import sys, time
from pathlib import Path
from songark.ark.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "table").write_text("rows")
    print(folder, flush=True)
    time.sleep(60)
"""


def folders(parent):
    return sorted(p.name for p in parent.iterdir() if p.is_dir())


def test_it_is_gone_afterwards_also_after_an_error(tmp_path):
    with scratch(tmp_path / "spill") as one, scratch(tmp_path / "spill") as other:
        assert one != other
        (one / "table").write_text("rows")
    assert [p.name for p in (tmp_path / "spill").iterdir()] == ["lock"]
    with pytest.raises(RuntimeError), scratch(tmp_path / "spill"):
        raise RuntimeError
    assert [p.name for p in (tmp_path / "spill").iterdir()] == ["lock"]


def test_one_that_is_in_use_stays_and_that_of_a_killed_process_goes(tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout
    with running.stdout:
        name = os.path.basename(running.stdout.readline().strip())  # noqa: PTH119 - text
        with scratch(tmp_path):
            assert name in folders(tmp_path)
        running.send_signal(signal.SIGKILL)
        running.wait()
    with scratch(tmp_path) as own:
        assert folders(tmp_path) == [own.name]
