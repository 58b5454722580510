"""Runs the ``console`` blocks of a page for real, as a reader would type them.

What a page may hold:

- Lines that begin with ``$ `` are commands; one that ends in a backslash goes on in the next line.
  They run in bash, in order, in one home folder with ``~/Music/cc`` (the example music),
  ``~/listens.csv`` and ``~/listens-elsewhere.csv``. Folder and exported variables carry over.
- The other lines are output that has to come. Each must be a line of the real output, in this
  order; lines between them may be left out. White space and rules of tables do not count, ``…``
  stands for anything in a line, the home folder is shown as ``/home/you``.
- A command must end with 0, unless the next one is ``echo $?`` and shows another code.
- ``songark seed`` and ``… --stay`` go on until the page ends, and are then stopped.
- ``<!-- start: empty|archive|added|published -->``: what is there before: nothing; an empty
  archive at ``~/ark``, which is also the current folder; one with the example music added, which
  ``$SONGARK_ARK`` names; the same with its first edition.
- ``<!-- run: COMMAND -->`` is run in its place and not shown.

Nothing leaves this machine: ports are free ones on 127.0.0.1, and neither the DHT nor the local
network is asked.
"""

import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN_HOME = "/home/you"
SHOWN_PORTS = ("42610", "42680")

_PART = re.compile(
    r"^```console\n(?P<block>.*?)^```$|^<!-- (?P<verb>start|run): (?P<words>.*?) -->$",
    re.MULTILINE | re.DOTALL,
)
_LONG = re.compile(r"songark seed\b|songark mirror .*--stay\b")
PATIENCE = 60.0
_RULE = re.compile(r"[─━\s]*")


@dataclass(slots=True)
class Step:
    """A command, where it stands, and the output that has to come."""

    command: str
    place: str
    shown: list[str] = field(default_factory=list)


def start_of(text: str) -> str:
    """The state that a page begins with."""
    found = re.search(r"^<!-- start: (\w+) -->$", text, re.MULTILINE)
    return found[1] if found else "empty"


def steps_of(text: str, name: str) -> list[Step]:
    """The commands of a page in order."""
    steps: list[Step] = []
    for part in _PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 1
        if part["verb"] == "run":
            steps.append(Step(part["words"], f"{name}:{line}"))
        elif part["block"] is not None:
            steps += _block(part["block"], name, line + 1)
    return steps


def _block(block: str, name: str, first: int) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(block.splitlines(), first):
        if line.startswith("$ "):
            steps.append(Step(line[2:], f"{name}:{number}"))
        elif steps and not steps[-1].shown and steps[-1].command.endswith("\\"):
            steps[-1].command = steps[-1].command[:-1] + line
        elif line.strip():
            assert steps, f"{name}:{number}: output before any command"
            steps[-1].shown.append(line)
    return steps


class Home:
    """A reader's home folder, and the shell they type into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self._ports = _free_ports()
        self._code = 0
        self._running: list[tuple[Step, subprocess.Popen[bytes], Path]] = []
        self._state = path.parent / f"{path.name}.state"
        tools = path.parent / f"{path.name}.bin"
        tools.mkdir()
        # A mirror has no settings file, so what keeps it on this machine is said here.
        (tools / "songark").write_text(
            '#!/bin/sh\n[ "$1" = mirror ] && set -- "$@" --no-discovery --listen 127.0.0.1:0\n'
            f'exec {sys.executable} -m songark "$@"\n'
        )
        (tools / "songark").chmod(0o755)
        self._state.write_text(f'cd "{path}"\n')
        self._env = {
            "HOME": str(path),
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "160",
            "LANG": "C.UTF-8",
        }

    def begin(self, command: str) -> None:
        """Begin the shell with a command that is not shown."""
        self.run(Step(command, "start"), {0})

    def run(self, step: Step, allowed: set[int]) -> None:
        """Run a command; it has to end with one of the codes and say what is shown."""
        command = self._own(step.command)
        self._keep_local()
        if _LONG.search(command) and not command.startswith("timeout"):
            self._begin(step, command)
            return
        script = (
            'source "$0"\n'
            """trap 'code=$?; { export -p; echo "cd \\"$PWD\\""; } >"$0"; exit $code' EXIT\n"""
            f"(exit {self._code})\n{command}\n"
        )
        ran = subprocess.run(
            ["bash", "-c", script, str(self._state)],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        said = self._shown(ran.stdout)
        self._code = ran.returncode
        assert ran.returncode in allowed, f"{step.place}: ended with {ran.returncode}:\n{said}"
        missing = first_missing(step.shown, said)
        assert missing is None, f"{step.place}: not said: {missing!r}\nbut:\n{said}"

    def close(self) -> None:
        """Stop what still runs; each has to end as one that was interrupted."""
        ended = []
        for step, process, log in self._running:
            process.terminate()
            try:
                ended.append((step, process.wait(20), log))
            except subprocess.TimeoutExpired:
                process.kill()
                ended.append((step, process.wait(), log))
        for step, code, log in ended:
            assert code == 130, f"{step.place}: ended with {code}:\n{log.read_text()}"

    def _begin(self, step: Step, command: str) -> None:
        log = self.path.parent / f"{self.path.name}.{len(self._running)}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                ["bash", "-c", f'source "$0"; exec {command}', str(self._state)],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        self._running.append((step, process, log))
        over = time.monotonic() + PATIENCE
        while True:
            said = self._shown(log.read_bytes())
            missing = first_missing(step.shown or ["…"], said)
            if missing is None:
                return
            assert process.poll() is None, f"{step.place}: it ended:\n{said}"
            assert time.monotonic() < over, f"{step.place}: not said: {missing!r}\nbut:\n{said}"
            time.sleep(0.05)

    def _own(self, command: str) -> str:
        for shown, real in zip(SHOWN_PORTS, self._ports, strict=True):
            command = command.replace(shown, real)
        return command.replace(SHOWN_HOME, str(self.path))

    def _shown(self, output: bytes) -> str:
        text = output.decode().replace(str(self.path), SHOWN_HOME)
        for shown, real in zip(SHOWN_PORTS, self._ports, strict=True):
            text = re.sub(rf"\b{real}\b", shown, text)
        return text

    def _keep_local(self) -> None:
        """Archives seed on free ports of this machine, and look for nobody."""
        for path in self.path.glob("*/songark.toml"):
            text = path.read_text()
            local = text.replace("0.0.0.0:42610", "127.0.0.1:42610")
            for shown, real in zip(SHOWN_PORTS, self._ports, strict=True):
                local = local.replace(shown, real)
            local = re.sub(r"(?m)^(dht|lan) = true", r"\1 = false", local)
            if local != text:
                path.write_text(local)


def allowed_codes(steps: list[Step], at: int) -> set[int]:
    """The codes a command may end with: 0, or the one that the next command shows."""
    after = steps[at + 1] if at + 1 < len(steps) else None
    if after and after.command == "echo $?":
        return {int(after.shown[0])}
    return {0}


def first_missing(shown: list[str], said: str) -> str | None:
    """The first shown line that is not said in its place, None where all are."""
    real = [_plain(line) for line in said.splitlines()]
    at = 0
    for line in shown:
        if _RULE.fullmatch(line):
            continue
        form = ".*".join(re.escape(part.strip()) for part in _plain(line).split("…"))
        found = next((n for n in range(at, len(real)) if re.fullmatch(form, real[n])), None)
        if found is None:
            return line
        at = found + 1
    return None


def _plain(line: str) -> str:
    return " ".join(line.split())


def _free_ports() -> tuple[str, str]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1]), str(other.getsockname()[1])
