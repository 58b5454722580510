import hashlib
import json
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Metadata

from songark.model.errors import BrokenError, RefusedError, UsageError
from songark.release.feed import (
    TargetSource,
    check_name,
    fingerprint,
    publish_feed,
    refresh_feed,
)
from songark.release.feed_roles import LIFETIME
from songark.release.keys import Keys, make_keys

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ONE = {
    "editions/1/SHA256SUMS": TargetSource(b"one", {"edition": 1}),
    "withdrawn.jsonl": TargetSource(b""),
    "swarm.json": TargetSource(b"{}"),
}
TWO = ONE | {"editions/2/SHA256SUMS": TargetSource(b"two", {"edition": 2})}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return make_keys(tmp_path_factory.mktemp("ark") / "keys")


@pytest.fixture
def feed(tmp_path):
    return tmp_path / "feed"


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def versions(feed):
    """What a reader sees: the versions the timestamp leads to."""
    timestamp = load(feed / "metadata" / "timestamp.json")
    snapshot = load(
        feed / "metadata" / f"{timestamp['meta']['snapshot.json']['version']}.snapshot.json"
    )
    return (
        timestamp["version"],
        snapshot["version"],
        snapshot["meta"]["targets.json"]["version"],
    )


def load(path):
    return json.loads(path.read_bytes())["signed"]


def listed(feed):
    path = feed / "metadata" / f"{versions(feed)[2]}.targets.json"
    return load(path)["targets"]


def test_the_layout_is_a_consistent_snapshot(feed, keys):
    told = publish_feed(feed, keys, ONE, now=NOW)
    assert told.signed == ("root", "targets", "snapshot", "timestamp")
    assert told.expires == NOW + LIFETIME["timestamp"]
    assert (told.root_expires, told.root_due) == (NOW + LIFETIME["root"], False)
    v = int(NOW.timestamp())
    digest = {name: hashlib.sha256(source.data).hexdigest() for name, source in ONE.items()}
    assert set(tree(feed)) == {
        "metadata/1.root.json",
        f"metadata/{v}.targets.json",
        f"metadata/{v}.snapshot.json",
        "metadata/timestamp.json",
        f"targets/editions/1/{digest['editions/1/SHA256SUMS']}.SHA256SUMS",
        f"targets/{digest['withdrawn.jsonl']}.withdrawn.jsonl",
        f"targets/{digest['swarm.json']}.swarm.json",
    }
    assert listed(feed)["editions/1/SHA256SUMS"]["custom"] == {"edition": 1}
    assert "custom" not in listed(feed)["swarm.json"]


def test_root_key_signs_root_only(feed, keys):
    publish_feed(feed, keys, ONE, now=NOW)
    root = Metadata.from_file(str(feed / "metadata" / "1.root.json")).signed
    roles = {kind: role.keyids for kind, role in root.roles.items()}
    assert len({*roles["root"], *roles["timestamp"]}) == 2
    assert roles["targets"] == roles["snapshot"] == roles["timestamp"]
    public = {key.keyval["public"] for key in root.keys.values()}
    assert public == {keys.root.public.hex(), keys.online.public.hex()}
    assert root.consistent_snapshot


def test_same_input_same_bytes(tmp_path, keys):
    for name in "ab":
        publish_feed(tmp_path / name, keys, ONE, now=NOW)
        publish_feed(tmp_path / name, keys, dict(reversed(TWO.items())), now=NOW + DAY)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_the_same_targets_sign_nothing(feed, keys, tmp_path):
    publish_feed(feed, keys, ONE, now=NOW)
    before = tree(feed)
    (tmp_path / "swarm").write_bytes(b"{}")
    again = ONE | {
        "swarm.json": TargetSource(tmp_path / "swarm"),
        "editions/1/SHA256SUMS": TargetSource(b"one", {"edition": 1}),
    }
    assert publish_feed(feed, keys, again, now=NOW + DAY).signed == ()
    assert tree(feed) == before


@pytest.mark.parametrize(
    "changed",
    [
        {"swarm.json": TargetSource(b"[]")},
        {"swarm.json": TargetSource(b"{}", {"peers": 1})},
        {"more.json": TargetSource(b"{}")},
    ],
)
def test_any_change_is_signed_with_higher_versions(feed, keys, changed):
    publish_feed(feed, keys, ONE, now=NOW)
    before = versions(feed)
    told = publish_feed(feed, keys, ONE | changed, now=NOW)
    assert told.signed == ("targets", "snapshot", "timestamp")
    assert all(new > old for new, old in zip(versions(feed), before, strict=True))


def test_versions_rise_even_when_the_clock_falls_back(feed, keys):
    publish_feed(feed, keys, ONE, now=NOW)
    before = versions(feed)
    publish_feed(feed, keys, TWO, now=NOW - 30 * DAY)
    assert versions(feed) == tuple(v + 1 for v in before)


def test_superseded_targets_go_and_metadata_stays(feed, keys):
    publish_feed(feed, keys, TWO, now=NOW)
    old = {name for name in tree(feed) if name.startswith("metadata/")}
    (feed / "targets" / "notice.txt").write_bytes(b"not ours")
    publish_feed(feed, keys, ONE, now=NOW + DAY)
    now = set(tree(feed))
    assert old <= now
    assert not any("editions/2" in name for name in now)
    assert not (feed / "targets" / "editions" / "2").exists()
    assert "targets/notice.txt" in now


def test_a_rotten_target_is_written_again(feed, keys):
    publish_feed(feed, keys, ONE, now=NOW)
    (path,) = (feed / "targets" / "editions" / "1").iterdir()
    path.write_bytes(b"eno")
    publish_feed(feed, keys, ONE, now=NOW)
    assert path.read_bytes() == b"one"


def test_refresh_signs_only_what_is_past_half_of_its_life(feed, keys):
    publish_feed(feed, keys, ONE, now=NOW)
    assert refresh_feed(feed, keys, NOW + 7 * DAY).signed == ()
    assert refresh_feed(feed, keys, NOW + 7 * DAY + timedelta(seconds=1)).signed == ("timestamp",)
    content = listed(feed)
    assert refresh_feed(feed, keys, NOW + 91 * DAY).signed == ("targets", "snapshot", "timestamp")
    told = refresh_feed(feed, keys, NOW + 366 * DAY)
    assert told.signed == ("root", "targets", "snapshot", "timestamp")
    assert load(feed / "metadata" / "2.root.json")["version"] == 2
    assert listed(feed) == content
    assert refresh_feed(feed, keys, NOW + 366 * DAY).signed == ()


def test_an_hourly_refresh_never_lets_the_feed_expire(feed, keys):
    expires = publish_feed(feed, keys, ONE, now=NOW).expires
    signed = []
    for hour in range(0, 24 * 100, 6):
        now = NOW + timedelta(hours=hour)
        assert expires - now > timedelta(days=6)
        told = refresh_feed(feed, keys, now)
        expires = told.expires
        signed += told.signed
    # Each week, and once more at day 90 together with the targets.
    assert signed.count("timestamp") == 14
    assert signed.count("targets") == 1


def test_root_can_be_away(feed, keys):
    away = Keys(None, keys.online, keys.keeper)
    with pytest.raises(RefusedError, match="wants the root key"):
        publish_feed(feed, away, ONE, now=NOW)
    publish_feed(feed, keys, ONE, now=NOW)
    assert not publish_feed(feed, away, TWO, now=NOW + DAY).root_due
    told = refresh_feed(feed, away, NOW + 366 * DAY)
    assert told.root_due
    assert "root" not in told.signed
    with pytest.raises(RefusedError, match="root has expired"):
        refresh_feed(feed, away, NOW + 731 * DAY)
    told = refresh_feed(feed, keys, NOW + 731 * DAY)
    assert (told.signed[0], told.root_due) == ("root", False)


@pytest.mark.parametrize("role", ["root", "online"])
def test_other_keys_are_refused_before_anything_is_signed(feed, keys, tmp_path, role):
    publish_feed(feed, keys, ONE, now=NOW)
    before = tree(feed / "metadata")
    other = make_keys(tmp_path / "other")
    mixed = {"root": keys.root, "online": keys.online, "keeper": keys.keeper}
    mixed[role] = getattr(other, role)
    with pytest.raises(RefusedError, match=f"the {role} key is not this feed's"):
        publish_feed(feed, Keys(**mixed), TWO, now=NOW + 366 * DAY)
    assert tree(feed / "metadata") == before


def test_nothing_is_published_yet(feed, keys):
    with pytest.raises(RefusedError, match="no feed here yet"):
        refresh_feed(feed, keys, NOW)
    with pytest.raises(RefusedError, match="no feed here yet"):
        fingerprint(feed)


def test_the_fingerprint_is_the_first_roots_for_ever(feed, keys):
    publish_feed(feed, keys, ONE, now=NOW)
    print_ = fingerprint(feed)
    first = (feed / "metadata" / "1.root.json").read_bytes()
    assert print_ == hashlib.sha256(first).hexdigest()
    refresh_feed(feed, keys, NOW + 400 * DAY)
    assert (feed / "metadata" / "2.root.json").exists()
    assert fingerprint(feed) == print_


@pytest.mark.parametrize(
    "name",
    [
        *["", "/etc/passwd", "../x", "a/../x", "a//b", ".hidden", "a/.b", "a b", "a?b", "a#b"],
        *["a%2e", "ü", "a\\b", "a\n", "x" * 129, "/".join("abcdefghi")],
    ],
)
def test_unsafe_target_names_are_refused(feed, keys, name):
    with pytest.raises(UsageError, match="not a name for a target"):
        check_name(name)
    with pytest.raises(UsageError):
        publish_feed(feed, keys, {name: TargetSource(b"")}, now=NOW)
    assert not (feed / "metadata").exists()


@pytest.mark.parametrize("custom", [{"x": 0.5}, {"x": {1}}, {"x": float("nan")}, {"x": "\ud800"}])
def test_custom_is_plain_json(feed, keys, custom):
    publish_feed(feed, keys, ONE, now=NOW)
    before = versions(feed)
    with pytest.raises(UsageError, match="JSON"):
        publish_feed(feed, keys, {"a": TargetSource(b"", custom)}, now=NOW)
    assert versions(feed) == before


def test_too_many_targets_are_refused_before_readers_would_fail(feed, keys):
    many = {f"t/{n}": TargetSource(b"", {"pad": "x" * 5000}) for n in range(1000)}
    with pytest.raises(UsageError, match="clients take 5000000"):
        publish_feed(feed, keys, many, now=NOW)
    assert not (feed / "metadata" / "timestamp.json").exists()


def test_files_are_published_as_they_are(feed, keys, tmp_path):
    (tmp_path / "index").write_bytes(b"x" * 3_000_000)
    publish_feed(feed, keys, {"a/index": TargetSource(tmp_path / "index")}, now=NOW)
    (path,) = (feed / "targets" / "a").iterdir()
    assert path.read_bytes() == b"x" * 3_000_000


def test_a_file_that_changes_while_it_is_read_is_not_published(feed, keys, tmp_path, monkeypatch):
    from songark.release import feed as module

    real = module._describe

    def describe(name, source):
        told = real(name, source)
        source.data.write_bytes(b"other")
        return told

    (tmp_path / "index").write_bytes(b"index")
    monkeypatch.setattr(module, "_describe", describe)
    with pytest.raises(BrokenError, match="changes while"):
        publish_feed(feed, keys, {"index": TargetSource(tmp_path / "index")}, now=NOW)
    assert tree(feed) == {}


DAMAGE = [
    (kind, damage)
    for kind in ("timestamp", "snapshot", "targets", "root")
    for damage in ("cut", "changed", "gone")
    if (kind, damage) != ("timestamp", "gone")  # a publication that was not finished
]


@pytest.mark.parametrize(("kind", "damage"), DAMAGE)
def test_damage_is_named_and_not_built_upon(feed, keys, kind, damage):
    publish_feed(feed, keys, ONE, now=NOW)
    (path,) = (feed / "metadata").glob(f"*{kind}.json")
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.write_bytes(path.read_bytes().replace(b'"expires":"20', b'"expires":"21', 1))
    with pytest.raises(BrokenError, match="damaged") as caught:
        publish_feed(feed, keys, TWO, now=NOW + DAY)
    assert caught.value.place == str(path)


@pytest.mark.parametrize("kind", ["snapshot", "targets"])
def test_an_older_file_under_the_newer_name_is_damage(feed, keys, kind):
    publish_feed(feed, keys, ONE, now=NOW)
    publish_feed(feed, keys, TWO, now=NOW + DAY)
    old, new = sorted((feed / "metadata").glob(f"*.{kind}.json"))
    new.write_bytes(old.read_bytes())
    with pytest.raises(BrokenError, match="damaged"):
        refresh_feed(feed, keys, NOW + DAY)


def test_what_a_killed_run_left_is_not_overwritten(feed, keys, monkeypatch):
    """A reader may have copied it: a version is used once."""
    publish_feed(feed, keys, ONE, now=NOW)
    before = tree(feed)
    assert _stop_at(monkeypatch, 3, feed, keys, TWO, NOW)
    left = {n: data for n, data in tree(feed).items() if n.endswith(".targets.json")}
    assert len(left) == 2
    assert not before.items() - tree(feed).items()
    publish_feed(feed, keys, ONE | {"new": TargetSource(b"")}, now=NOW)
    assert not left.items() - tree(feed).items()


def test_a_lost_root_is_never_made_anew(feed, keys):
    publish_feed(feed, keys, ONE, now=NOW)
    refresh_feed(feed, keys, NOW + 400 * DAY)
    refresh_feed(feed, keys, NOW + 800 * DAY)
    for name in ("1.root.json", "2.root.json"):
        lost = (feed / "metadata" / name).read_bytes()
        (feed / "metadata" / name).unlink()
        with pytest.raises(BrokenError, match="damaged"):
            publish_feed(feed, keys, TWO, now=NOW)
        (feed / "metadata" / name).write_bytes(lost)
    publish_feed(feed, keys, TWO, now=NOW)


def test_the_remedy_for_damage_works(feed, keys):
    publish_feed(feed, keys, ONE, now=NOW)
    before = versions(feed)
    (path,) = (feed / "metadata").glob("*.snapshot.json")
    path.write_bytes(b"")
    (feed / "metadata" / "timestamp.json").unlink()
    publish_feed(feed, keys, ONE, now=NOW + DAY)
    assert all(new > old for new, old in zip(versions(feed), before, strict=True))


def readable(feed, keys):
    """Everything the timestamp leads to is there and right; returns the names listed."""
    for name, told in listed(feed).items():
        folder, _, last = name.rpartition("/")
        data = (feed / "targets" / folder / f"{told['hashes']['sha256']}.{last}").read_bytes()
        assert hashlib.sha256(data).hexdigest() == told["hashes"]["sha256"]
    assert refresh_feed(feed, keys, NOW).signed == ()
    return set(listed(feed))


@pytest.mark.parametrize("start", ["nothing", "a feed"])
def test_stopped_at_any_step_readers_see_old_or_new(tmp_path, keys, monkeypatch, start):
    """Every rename and removal in turn is the one that does not happen any more."""
    three = {"editions/3/SHA256SUMS": TargetSource(b"three"), "swarm.json": TargetSource(b"[]")}
    for step in range(40):
        feed = tmp_path / str(step)
        if start == "a feed":
            publish_feed(feed, keys, TWO, now=NOW)
        stopped = _stop_at(monkeypatch, step, feed, keys, three)
        if (feed / "metadata" / "timestamp.json").exists():
            assert readable(feed, keys) in (set(TWO), set(three))
        else:
            assert start == "nothing"
        # The next run proceeds and leaves no trace of the one that was stopped.
        publish_feed(feed, keys, three, now=NOW + DAY)
        assert readable(feed, keys) == set(three)
        assert len([n for n in tree(feed) if n.startswith("targets/")]) == len(three)
        assert not [n for n in tree(feed) if n.endswith(".part")]
        if not stopped:
            assert step > 5
            return
    pytest.fail("never ran through")


def _stop_at(monkeypatch, step, feed, keys, targets, now=NOW + DAY):
    """Run a publication in which the file operation number `step` raises; whether it came to it."""
    from pathlib import Path

    class Killed(BaseException):
        pass

    left = [step]

    def counted(real):
        def act(self, *args, **kwargs):
            if self.name.endswith(".lock") or kwargs:
                return real(self, *args, **kwargs)
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(self, *args)

        return act

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "rmdir"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        try:
            publish_feed(feed, keys, targets, now=now)
        except Killed:
            return True
    return False


KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
import songark.ark.atomic as atomic
from songark.release.feed import TargetSource, publish_feed
from songark.release.keys import open_keys

left = [int(sys.argv[3])]
real = os.fsync
def fsync(handle):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    real(handle)
os.fsync = fsync
targets = {"editions/3/SHA256SUMS": TargetSource(b"three"), "swarm.json": TargetSource(b"[]")}
publish_feed(Path(sys.argv[1]), open_keys(Path(sys.argv[2])), targets,
             now=datetime(2026, 11, 21, 12, tzinfo=UTC))
"""


@pytest.mark.parametrize("step", [0, 1, 3, 4, 6, 8, 9])
def test_kill_9_at_a_sync(tmp_path, step):
    keys = make_keys(tmp_path / "keys")
    feed = tmp_path / "feed"
    publish_feed(feed, keys, TWO, now=NOW)
    args = [sys.executable, "-c", KILLED, str(feed), str(tmp_path / "keys"), str(step)]
    assert subprocess.run(args, check=False).returncode == -signal.SIGKILL
    new = {"editions/3/SHA256SUMS", "swarm.json"}
    assert readable(feed, keys) == (new if step == 9 else set(TWO))
    publish_feed(feed, keys, TWO, now=NOW + 2 * DAY)
    assert readable(feed, keys) == set(TWO)
    assert not [n for n in tree(feed) if n.endswith(".part")]


def test_two_publishers_wait_for_each_other(tmp_path, keys):
    from concurrent.futures import ThreadPoolExecutor

    feed = tmp_path / "feed"

    def one(n):
        publish_feed(feed, keys, {"n": TargetSource(b"%d" % n)}, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(24)))
    assert readable(feed, keys) == {"n"}
    assert versions(feed)[0] == int(NOW.timestamp()) + 23


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["a", "b/c", "b/d"]), st.binary(max_size=3)),
            st.integers(-10, 400),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_history_stays_readable_and_rises(tmp_path, keys, history):
    feed = tmp_path / "history"
    shutil.rmtree(feed, ignore_errors=True)
    before = (0, 0, 0)
    now = NOW
    for content, days in history:
        now += days * DAY
        told = publish_feed(feed, keys, {n: TargetSource(d) for n, d in content.items()}, now=now)
        after = versions(feed)
        assert set(listed(feed)) == set(content)
        for role, old, new in zip(("timestamp", "snapshot", "targets"), before, after, strict=True):
            assert (new > old) == (role in told.signed)
        held = {n for n in tree(feed) if n.startswith("targets/")}
        assert len(held) == len(content)
        before = after
