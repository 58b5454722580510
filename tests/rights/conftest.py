import shutil

import pytest

from songark.ark.layout import Ark
from songark.catalogue.build import build_catalogue
from songark.rights.decisions import decide_all
from tests.support import EVERY_PART, ingest_folder, new_ark, says, track

SONG = ["composition", "recording"]


@pytest.fixture(scope="session")
def decided(tmp_path_factory):
    """An archive with a file for each way a decision can go; leave it as it is."""
    ark = new_ark(tmp_path_factory.mktemp("rights") / "ark")
    ingest_folder(
        ark,
        [
            track("free", title_raw="Free", artist_raw="Jane Doe"),
            track("other", title_raw="Free to go", artist_raw="Jane Doe"),
            track("weak"),
            track("silent"),
            track("reserved"),
            track("picture", has_picture=True),
            track("composed", artist_raw="Jane Doe", composer_raw="John Roe"),
            track("titled", title_raw="Song (cover)"),
            track("twice"),
            track("pair-1", title_raw="Pair", artist_raw="Jane Doe", duration_ms=1000),
            track("pair-2", title_raw="Pair", artist_raw="Jane Doe", duration_ms=1000),
        ],
        statements=[
            says("free", "CC-BY-4.0", holder="Jane Doe"),
            says("free", "CC-BY-4.0", kind="tag", grade=1, holder="Jane & Co"),
            says("other", "CC-BY-NC-4.0"),
            says("weak", "CC-BY-4.0", kind="toml", grade=2),
            says("reserved", "LicenseRef-All-Rights-Reserved"),
            says("picture", "CC-BY-4.0", parts=SONG),
            says("composed", "CC-BY-4.0", parts=list(EVERY_PART)),
            says("titled", "CC-BY-4.0"),
            says("twice", "CC-BY-4.0"),
            says("pair-1", "CC-BY-4.0"),
            says("pair-2", "CC-BY-4.0"),
        ],
    )
    ingest_folder(ark, [track("twice")], statements=[says("twice", "CC0-1.0")], place="/elsewhere")
    decide_all(ark, build_catalogue(ark))
    return ark


@pytest.fixture
def ark(decided, tmp_path):
    """A copy of that archive to change."""
    shutil.copytree(decided.path, tmp_path / "ark")
    return Ark.open(tmp_path / "ark")
