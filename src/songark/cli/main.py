"""The command line: verbs are loaded when they are called, so that ``--help`` is quick."""

from __future__ import annotations

import importlib
import json
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

    _listing = False

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own form
        return list(_VERBS)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The list needs no verb loaded, only its sentence.
        self._listing = True
        try:
            super().format_help(ctx, formatter)  # type: ignore[arg-type]
        finally:
            self._listing = False

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        if self._listing:
            return click.Command(cmd_name, help=_VERBS[cmd_name])
        command: click.Command = importlib.import_module(f"songark.cli.{cmd_name}").command
        return command


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="songark")
def songark() -> None:
    """Keep the world's music lawfully, with proofs, and give it away in bulk."""


def main(argv: list[str] | None = None) -> Any:  # noqa: ANN401 - never returns
    """Run the program; ends the process with one of the documented exit codes."""
    words = sys.argv[1:] if argv is None else argv
    try:
        songark.main(args=words, prog_name="songark", standalone_mode=False)
    except click.ClickException as error:
        if "--json" in words:
            told = {"message_type": "error", "error": error.format_message(), "place": ""}
            print(json.dumps(told | {"remedy": "See --help", "exit_code": error.exit_code}))
        else:
            error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)


if __name__ == "__main__":
    main()
