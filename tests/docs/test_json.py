"""What verbs print with ``--json``, held against docs/json.md."""

import ast
import json
import re
import shutil
import signal
import sys

import pytest

from songark.ark.layout import Ark
from songark.cli.main import songark
from songark.demo.strangers import serving
from tests.docs.console import ROOT
from tests.docs.pages import rows_of, text_of


@pytest.fixture
def said(capsys, monkeypatch, tmp_path):
    """Runs a verb in this process with --json; gives its lines and the code it ends with."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = signal.getsignal(signal.SIGTERM)

    def run(*words):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["songark", *words])
        with pytest.raises(SystemExit) as ended:
            songark.main(args=[*map(str, words), "--json"], prog_name="songark")
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()], ended.value.code

    yield run
    signal.signal(signal.SIGTERM, before)


def told_keys(row):
    return set(re.findall(r"\w+", row[1]))


def test_summaries_have_the_keys_of_the_page(said, starts, tmp_path):
    start = starts("published")
    ark, mirror = tmp_path / "ark", tmp_path / "mirror"
    shutil.copytree(start / "ark", ark)
    music = start / "Music" / "cc"
    page = tmp_path / "page.html"
    page.write_text(
        "Somebody: So the Tag Says https://creativecommons.org/licenses/by/4.0/", encoding="utf-8"
    )
    song = "ri2zsm3ebfo6iliwd"
    with serving(Ark.open(ark)) as served:
        peer = "{}:{}".format(*served.peer)
        loopback = ["--no-discovery", "--listen", "127.0.0.1:0", "--peer", peer]
        calls = [
            ["init", "--ark", tmp_path / "new"],
            ["add", music / "withheld", "--ark", tmp_path / "new"],
            ["explain", song, "--ark", ark],
            ["mirror", ark / "feed", mirror, *loopback],
            ["get", song, "--ark", ark, "--from", f"{served.web}music/", "--to", tmp_path],
            ["check", "--ark", ark],
            ["rebuild", ark / "feed", mirror, tmp_path / "again"],
            ["doctor", "--ark", ark],
            ["evidence", music / "withheld" / "bare-tag.mp3", page, "--ark", ark],
            ["plan", "--ark", ark],
            ["withdraw", song, "--ark", ark],
            ["publish", "--ark", ark],
            ["report", "--ark", ark],
        ]
        ran = {words[0]: said(*words) for words in calls}
    keys = {row[0]: told_keys(row) for row in rows_of("docs/json.md", "## Summaries")}
    for verb, (lines, code) in ran.items():
        assert code == 0, (verb, lines[-1])
        assert lines[-1]["message_type"] == "summary", verb
        assert set(lines[-1]) == keys[verb] | {"message_type"}, verb
        for line in lines[:-1]:
            assert line["message_type"] == "status"
            if "stage" in line:
                assert set(line) - {"bytes_total"} == {"message_type", "stage", "bytes_done"}
    assert set(keys) == set(ran) | {"seed", "demo"}
    assert set(songark.list_commands(None)) == set(keys)


def test_errors_have_the_keys_of_the_page(said, tmp_path):
    lines, code = said("check", "--ark", tmp_path)
    (row,) = (r for r in rows_of("docs/json.md", "# JSON for programs") if r[0] == "error")
    assert set(lines[-1]) == set(re.findall(r"\w+", row[2])) | {"message_type"}
    assert lines[-1]["exit_code"] == code == 10


def test_the_demo_says_what_the_page_says():
    # It takes too long to be told here; its own tests tell it.
    call = next(
        node
        for node in ast.walk(ast.parse(text_of("src/songark/cli/demo.py")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "summary"
    )
    figures = re.findall(r'self\.figures\["(\w+)"\] =', text_of("src/songark/demo/story.py"))
    (row,) = (r for r in rows_of("docs/json.md", "## Summaries") if r[0] == "demo")
    assert told_keys(row) == {k.arg for k in call.keywords if k.arg} | set(figures)


def test_every_event_is_on_the_page():
    told = {row[1] for row in rows_of("docs/json.md", "## Events")}
    code = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "src/songark/cli").glob("*.py"))
    assert set(re.findall(r'event="(\w+)"', code)) == told - {"the chapter"}
