"""What every verb shares: its options, the archive it works on, its errors and exit codes.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done, 10 no archive there, 11 locked,
130 interrupted (docs/exit-codes.md).
"""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from songark.cli.output import Output
from songark.model.errors import SongarkError

PARTLY = 3
INTERRUPTED = 130

_F = TypeVar("_F", bound=Callable[..., Any])


def ark_option(function: _F) -> _F:
    """Which archive: ``--ark DIR``, else ``$SONGARK_ARK``, else the current folder."""
    option = click.option(
        "--ark",
        "ark_path",
        type=click.Path(path_type=Path),
        envvar="SONGARK_ARK",
        default=Path(),
        help="The archive's folder; else $SONGARK_ARK, else the current folder.",
    )
    return option(function)


def verb(function: Callable[..., int | None]) -> Callable[..., None]:
    """Add ``--json``, hand in an `Output`, turn errors into words and exit codes."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON lines for programs.")
    @functools.wraps(function)
    def run(as_json: bool, **values: Any) -> None:  # noqa: ANN401 - click's values
        signal.signal(signal.SIGTERM, _interrupt)
        with Output(as_json=as_json) as out:
            sys.exit(_guarded(out, functools.partial(function, out, **values)))

    return run


def _guarded(out: Output, call: Callable[[], int | None]) -> int:
    try:
        return call() or 0
    except SongarkError as error:
        out.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        stopped = SongarkError("interrupted", remedy="Run the same command again to go on")
        out.error(stopped, INTERRUPTED)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        out.error(_of_system(error))
        return 1


def _of_system(error: OSError) -> SongarkError:
    remedy = {
        errno.ENOSPC: "Make room, then run the command again; what was done before stays",
        errno.EDQUOT: "Make room, then run the command again; what was done before stays",
        errno.EACCES: "Check who may read and write there",
        errno.EROFS: "The disk is mounted read-only",
    }.get(error.errno or 0, "")
    return SongarkError(
        error.strerror or str(error), place=str(error.filename or ""), remedy=remedy
    )


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
