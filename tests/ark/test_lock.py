import pytest

from songark.ark.lock import locked
from songark.model.errors import LockedError
from tests.support import kill_at, run_child, start_child

HOLDER = """
from pathlib import Path
from songark.ark.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
TAKER = """
from pathlib import Path
from songark.ark.lock import locked
from songark.model.errors import LockedError
try:
    with locked(Path(sys.argv[1])):
        pass
except LockedError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def test_a_second_process_is_told_that_it_is_locked(tmp_path):
    lock = tmp_path / "lock"
    with locked(lock):
        child = run_child(TAKER, lock)
    assert child.returncode == 11
    assert str(lock) in child.stdout
    assert "Wait until it is done" in child.stdout


def test_after_leaving_another_may_take_it(tmp_path):
    with locked(tmp_path / "lock"):
        pass
    assert run_child(TAKER, tmp_path / "lock").returncode == 0


def test_an_error_inside_frees_it(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock"):
        raise ZeroDivisionError
    assert run_child(TAKER, tmp_path / "lock").returncode == 0


def test_a_killed_holder_frees_it(tmp_path):
    child = start_child(HOLDER, tmp_path / "lock")
    try:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(LockedError), locked(tmp_path / "lock"):
            pass
    finally:
        child.kill()
        child.communicate()
    with locked(tmp_path / "lock"):
        pass


def test_waiting_takes_it_once_it_is_free(tmp_path):
    child = start_child(HOLDER, tmp_path / "lock")
    assert child.stdout.readline() == "held\n"
    child.stdin.close()
    with locked(tmp_path / "lock", wait=30.0):
        pass
    child.wait()
    child.stdout.close()


def test_a_killed_holder_leaves_nothing_to_clean_up(tmp_path):
    kill_at(start_child(HOLDER, tmp_path / "a" / "lock"), "held")
    assert run_child(TAKER, tmp_path / "a" / "lock").returncode == 0
