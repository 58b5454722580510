"""The demo: told whole, told again, told elsewhere, and killed at any moment."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tell(folder, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "songark", "demo", "--ark", str(folder / "ark"), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(running):
    out, err = running.communicate(timeout=300)
    assert running.returncode == 0, out + err
    assert "Traceback" not in err
    return json.loads(out.splitlines()[-1])


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told")
    return folder, finish(tell(folder))


def test_all_claims_hold(told):
    _folder, summary = told
    assert summary["edition"] == 2
    assert summary["refused_after_ms"] < 1000
    assert 0 < summary["proof_bytes"] <= 640
    assert len(set(summary["infohashes"])) == len(summary["infohashes"]) == 8


def test_a_second_run_changes_nothing(told):
    folder, first = told
    before = tree(folder / "ark")
    again = finish(tell(folder))
    assert not again["changed"]
    assert tree(folder / "ark") == before
    assert again["infohashes"] == first["infohashes"]


def test_another_folder_gives_the_same_release(told, tmp_path):
    _folder, first = told
    other = finish(tell(tmp_path))
    assert other["infohashes"] == first["infohashes"]
    assert other["manifest"] == first["manifest"]


def killed_and_told_again(folder, first, moments):
    for moment in moments:
        running = tell(folder, start_new_session=True)
        time.sleep(moment)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    last = finish(tell(folder))
    assert last["infohashes"] == first["infohashes"]
    assert last["manifest"] == first["manifest"]
    left = [p.name for p in (folder / "ark").rglob("*") if p.name.endswith((".part", ".draft"))]
    assert left == []


def test_killed_twice_it_goes_on_to_the_same_result(told, tmp_path):
    killed_and_told_again(tmp_path, told[1], [3.0, 9.0])


@pytest.mark.slow
def test_killed_at_ten_random_moments_it_goes_on_to_the_same_result(told, tmp_path):
    dice = random.Random()
    seed = dice.randrange(1 << 32)
    print(f"seed {seed}")
    dice.seed(seed)
    killed_and_told_again(tmp_path, told[1], [dice.uniform(0.5, 16.0) for _ in range(10)])
