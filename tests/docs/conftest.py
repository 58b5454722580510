"""The starts of pages, made once."""

import os

import pytest

from songark.ark.lock import locked
from tests.docs.starts import BEFORE, make_start


@pytest.fixture(scope="session")
def starts(tmp_path_factory):
    """Gives the folder of a start, made once for all processes of this run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def start(name):
        before = start(BEFORE[name]) if name in BEFORE else None
        folder = shared / "docs-starts" / name
        with locked(shared / f"docs-{name}.lock", wait=120):
            if not folder.is_dir():
                make_start(name, folder, before)
        return folder

    return start
