import shutil

import pytest

from songark.ark.pointer import current, set_current
from songark.ark.seal import Draft
from songark.ark.tables import write_table
from songark.catalogue.schema import REDIRECT, REGISTRY
from songark.model.errors import NoArkError, UsageError
from songark.rights.ledger import Claims
from songark.rights.withdraw import withdraw
from tests.support import file_id, new_ark, rows


def pretend(ark, registry, redirects):
    """Make a catalogue current that has a registry and redirects only."""
    with Draft(ark.catalogue, "catalogue") as draft:
        told = [{"key": key, "recording": name} for key, name in sorted(registry.items())]
        moved = [{"old": o, "new": n, "kind": k} for o, n, k in redirects]
        write_table(draft.path / "registry.parquet", REGISTRY, told)
        write_table(draft.path / "redirect.parquet", REDIRECT, moved)
        set_current(draft.seal({}))


def key(name):
    return f"file:{file_id(name)}"


def test_without_a_catalogue_there_is_nothing_to_withdraw(tmp_path):
    with pytest.raises(NoArkError):
        withdraw(new_ark(tmp_path / "ark"), "rany")


@pytest.mark.parametrize("name", ["rnobody", "", "../x", "file:x"])
def test_an_unknown_id_is_an_error_and_claims_nothing(ark, name):
    with pytest.raises(UsageError, match="no recording has the id") as caught:
        withdraw(ark, name)
    assert "songark explain" in caught.value.remedy
    assert not ark.ledger.path.exists()


def test_the_claim_is_in_the_ledger_when_it_returns(ark):
    member = next(r for r in rows(current(ark.catalogue), "membership") if r["path"] == "free.ogg")
    assert withdraw(ark, member["recording"]) == [file_id("free")]
    claims = Claims()
    claims.read(ark.ledger)
    assert set(claims.withdrawn) == {file_id("free")}
    assert set(claims.recordings) == {member["recording"]}


def test_withdrawing_twice_adds_nothing(ark):
    name = rows(current(ark.catalogue), "recording")[0]["recording"]
    files = withdraw(ark, name)
    before = ark.ledger.path.read_bytes()
    assert withdraw(ark, name) == files
    assert ark.ledger.path.read_bytes() == before


def test_every_file_it_ever_had_is_withdrawn_through_merges_and_splits(tmp_path):
    ark = new_ark(tmp_path / "ark")
    registry = {
        key("own"): "r1",
        key("gone from every folder"): "r1",
        "packets:x": "r1",
        key("merged"): "r3",
        key("split off"): "r4",
        key("another's"): "r5",
    }
    chain = [
        ("r0", "r1", "merged"),
        ("r1", "r4", "split"),
        ("r2", "r3", "merged"),
        ("r1", "r2", "merged"),
        ("r5", "r6", "split"),
    ]
    pretend(ark, registry, sorted(chain))
    everything = {file_id(n) for n in ("own", "gone from every folder", "merged", "split off")}
    for name, files in (
        ("r5", {file_id("another's")}),
        ("r4", {file_id("split off")}),
        ("r0", everything),
    ):
        assert withdraw(ark, name) == sorted(files)
    assert [line.body["files"] for line in ark.ledger.lines()][2] == sorted(
        map(str, everything - {file_id("split off")})
    )


def test_redirects_that_go_round_do_not_hang(tmp_path):
    ark = new_ark(tmp_path / "ark")
    pretend(ark, {key("a"): "r1"}, [("r1", "r2", "split"), ("r2", "r1", "split")])
    assert withdraw(ark, "r2") == [file_id("a")]


def test_a_registry_that_is_gone_is_not_taken_for_an_empty_one(ark):
    name = rows(current(ark.catalogue), "recording")[0]["recording"]
    shutil.rmtree(current(ark.catalogue).path)
    with pytest.raises(Exception, match="not a sealed folder"):
        withdraw(ark, name)
