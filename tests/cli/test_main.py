"""The command line as a whole: verbs, exit codes, JSON lines."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from songark.ark.lock import locked

ROOT = Path(__file__).parents[2]
MUSIC = ROOT / "examples" / "music"
VERBS = [
    *("init", "add", "explain", "evidence", "plan", "publish", "seed", "mirror", "get"),
    *("withdraw", "check", "rebuild", "report", "demo", "doctor"),
]
HEAVY = {"libtorrent", "av", "duckdb", "pyarrow", "ibis", "tuf", "starlette", "license_expression"}


def songark(*words, cwd=None, **env):
    return subprocess.run(
        [sys.executable, "-m", "songark", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | env,
        timeout=120,
        check=False,
    )


def lines(ran):
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """An archive with one small package released."""
    ark = tmp_path_factory.mktemp("cli") / "ark"
    assert songark("init", "--ark", ark, "--name", "small").returncode == 0
    assert songark("add", MUSIC / "vonsh", "--ark", ark).returncode == 0
    assert songark("publish", "--ark", ark).returncode == 0
    return ark


def test_every_verb_has_help():
    listed = songark("--help").stdout
    for verb in VERBS:
        assert f" {verb} " in listed
        ran = songark(verb, "--help")
        assert ran.returncode == 0
        assert "--json" in ran.stdout


@pytest.mark.parametrize("words", [("--help",), ("add", "--help"), ("publish", "--help")])
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys\nfrom songark.cli.main import main\n"
        f"sys.argv = ['songark', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('loaded', sorted(set(m.partition('.')[0] for m in sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ran.stderr.rpartition("loaded ")[2]
    assert not [name for name in HEAVY if f"'{name}'" in loaded]


def test_add_ends_with_the_summary(tmp_path):
    ark = tmp_path / "ark"
    songark("init", "--ark", ark)
    ran = songark("add", MUSIC, "--ark", ark, "--json")
    told = lines(ran)
    assert ran.returncode == 0
    assert [one["message_type"] for one in told].count("summary") == 1
    summary = told[-1]
    assert summary["message_type"] == "summary"
    assert (summary["tracks"], summary["shareable"], summary["withheld"]) == (30, 25, 5)
    assert summary["rejects"] == 0
    assert summary["bytes"] == sum(
        p.stat().st_size for p in MUSIC.rglob("*") if p.suffix in {".ogg", ".mp3", ".flac"}
    )
    reasons = {one["code"] for one in told if one.get("event") == "withheld"}
    assert reasons == {"conflict", "no-evidence", "not-licensed", "weak-evidence"}


def test_publish_mirror_and_check_say_what_they_did(released, tmp_path):
    again = lines(songark("publish", "--ark", released, "--json"))[-1]
    assert (again["edition"], again["packs"], again["tracks"], again["new"]) == (1, 2, 2, False)
    checked = lines(songark("check", "--ark", released, "--json"))[-1]
    assert (checked["checked"], checked["bad"]) == (4, 0)


def test_explain_names_the_reason_and_the_fix(tmp_path):
    ark = tmp_path / "ark"
    songark("init", "--ark", ark)
    songark("add", MUSIC / "withheld", "--ark", ark)
    told = lines(songark("explain", MUSIC / "withheld/bare-tag.mp3", "--ark", ark, "--json"))[-1]
    by_act = {one["act"]: one for one in told["decisions"]}
    assert by_act["keep"]["allowed"]
    assert not by_act["share"]["allowed"]
    assert "bare tag" in by_act["share"]["why"]
    assert "songark evidence" in by_act["share"]["fix"]
    words = songark("explain", told["recording"], "--ark", ark, COLUMNS="300")
    assert "a bare tag" in words.stdout


def test_exit_2_wrong_usage(released, tmp_path):
    assert songark("nonsense").returncode == 2
    assert songark("plan", "--ark", released, "--budget", "a lot").returncode == 2
    assert songark("add", tmp_path / "missing", "--ark", released).returncode == 2
    assert songark("withdraw", "rnosuchrecording", "--ark", released).returncode == 2
    ran = songark("plan", "--ark", released, "--budget", "a lot", "--json")
    assert lines(ran)[-1]["message_type"] == "error"
    assert "500MB" in lines(ran)[-1]["remedy"]


def test_exit_3_partly_done(tmp_path):
    ark, folder = tmp_path / "ark", tmp_path / "music"
    songark("init", "--ark", ark)
    folder.mkdir()
    shutil.copy(MUSIC / "vonsh/idle_tune.mp3", folder)
    (folder / "empty.ogg").touch()
    ran = songark("add", folder, "--ark", ark, "--json")
    assert ran.returncode == 3
    assert lines(ran)[-1]["rejects"] == 1
    assert lines(ran)[-1]["tracks"] == 1


def test_exit_10_no_archive(tmp_path):
    ran = songark("publish", "--ark", tmp_path)
    assert ran.returncode == 10
    assert "songark init" in ran.stderr
    assert songark("publish", cwd=tmp_path).returncode == 10


def test_exit_10_nothing_to_publish(tmp_path):
    ark = tmp_path / "ark"
    songark("init", "--ark", ark)
    assert songark("add", ROOT / "examples/listens.csv", "--ark", ark).returncode == 0
    ran = songark("publish", "--ark", ark)
    assert ran.returncode == 10
    assert "no music was added" in ran.stderr
    assert not (ark / "editions").exists()


def test_exit_11_locked(released):
    with locked(released / "lock"):
        ran = songark("publish", "--ark", released)
    assert ran.returncode == 11
    assert str(released) in ran.stderr


def test_exit_130_interrupted(released):
    running = subprocess.Popen(
        [sys.executable, "-m", "songark", "seed", "--ark", str(released), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout
    with running.stdout:
        assert json.loads(running.stdout.readline())["event"] == "serving"
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 130


def test_the_ark_is_named_by_option_environment_or_folder(released, tmp_path):
    for ran in (
        songark("publish", "--ark", released, "--json", cwd=tmp_path),
        songark("publish", "--json", cwd=tmp_path, SONGARK_ARK=str(released)),
        songark("publish", "--json", cwd=released),
    ):
        assert lines(ran)[-1]["edition"] == 1


def test_a_full_pipe_reader_that_leaves_is_no_traceback(released):
    running = subprocess.Popen(
        [sys.executable, "-m", "songark", "explain", str(MUSIC / "vonsh/idle_tune.mp3"),
         "--ark", str(released), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert running.stdout
    running.stdout.close()
    assert "Traceback" not in running.communicate(timeout=60)[1]


def test_withdraw_is_refused_within_the_seeders_beat(released, tmp_path):
    ark = tmp_path / "ark"
    shutil.copytree(released, ark)
    settings = (ark / "songark.toml").read_text()
    settings = settings.replace("0.0.0.0:42610", "127.0.0.1:0").replace(":42680", ":0")
    (ark / "songark.toml").write_text(settings.replace("= true", "= false"))
    file = MUSIC / "vonsh/idle_tune.mp3"
    told = lines(songark("explain", file, "--ark", ark, "--json"))[-1]
    running = subprocess.Popen(
        [sys.executable, "-m", "songark", "seed", "--ark", str(ark), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout
    with running.stdout:
        web = json.loads(running.stdout.readline())["web"]
        here = ("--ark", ark, "--from", f"{web}music/", "--json")
        state = {"XDG_STATE_HOME": str(tmp_path / "state")}
        got = songark("get", told["recording"], "--to", tmp_path / "one", *here, **state)
        assert Path(lines(got)[-1]["path"]).read_bytes() == file.read_bytes()
        assert songark("withdraw", told["recording"], "--ark", ark).returncode == 0
        again = songark("get", told["recording"], "--to", tmp_path / "two", *here, **state)
        assert again.returncode == 1
        assert "withdrawn" in lines(again)[-1]["error"]
        assert not list((tmp_path / "two").glob("*.mp3"))
        running.terminate()
        running.wait(30)
