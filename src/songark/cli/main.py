"""The command line: verbs are loaded when they are called, so that ``--help`` is quick."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import rich_click as click

from songark import __version__

_VERBS = {
    "init": "Make an empty archive.",
    "add": "Add folders of music and logs of listens; say what may be shared.",
    "explain": "Say why a recording or file is where it is and what may be done with it.",
    "evidence": "Store a licence page as evidence for the files it names.",
    "plan": "Plan what to keep under a budget of disk.",
    "publish": "Keep what is planned and release what may be shared.",
    "seed": "Serve the release: torrents, web seed and feed.",
    "mirror": "Mirror somebody's release to the size of your disk.",
    "get": "Fetch one track from any web server and prove it.",
    "withdraw": "Withdraw a recording: refused here within a second, gone from the next release.",
    "check": "Read everything kept again and compare it with its hashes.",
    "rebuild": "Make an archive anew from a feed and one mirror's folders.",
    "report": "Write a page that shows the archive.",
    "demo": "Tell the whole story on real music.",
    "doctor": "Look at this machine and this archive.",
}


class _Verbs(click.RichGroup):
    """A group whose commands live in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own form
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        if not ctx.args and _only_listing():
            return click.Command(cmd_name, help=_VERBS[cmd_name])
        module = importlib.import_module(f"songark.cli.{cmd_name}")
        command: click.Command = module.command
        return command


def _only_listing() -> bool:
    """Whether the whole program is asked for help, where no verb needs to be loaded."""
    words = sys.argv[1:]
    return not words or words[0] in {"--help", "-h"}


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="songark")
def songark() -> None:
    """Keep the world's music lawfully, with proofs, and give it away in bulk."""


def main(argv: list[str] | None = None) -> Any:  # noqa: ANN401 - never returns
    """Run the program; ends the process with one of the documented exit codes."""
    return songark.main(args=argv, prog_name="songark")


if __name__ == "__main__":
    main()
