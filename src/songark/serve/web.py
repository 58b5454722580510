"""Bytes over HTTP: the feed, and the release as a web seed, every byte through the gate.

``/feed/…`` is the feed's folder. ``/music/<pack>/<name>`` is a web seed (BEP 19) for every file of
every edition ever made that may be shared at this moment; ``/music/<pack>/.pad/<n>`` are the zeros
of BEP 47 that some clients ask for. What is withdrawn answers 451 (RFC 7725), also in mid-stream.
"""

from __future__ import annotations

import re
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from songark.ark.layout import Ark
from songark.ark.tables import read_rows
from songark.model.identity import FileId
from songark.release.history import edition_folders
from songark.release.packs import ATTRIBUTION
from songark.rights.acts import Act
from songark.rights.gate import Gate
from songark.store.files import place_of
from songark.store.records import read_extensions

# BEP 47 pads are shorter than a piece of 1 MiB.
_LONGEST_PAD = 1 << 20
_PAD = re.compile(r"[0-9]{1,7}")
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
_HEADERS = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}


class _Shelf:
    """Where each released name lies, in step with the editions."""

    def __init__(self, ark: Ark) -> None:
        self._ark = ark
        self._editions = -1
        self._files: dict[tuple[str, str], tuple[FileId, Path]] = {}
        self._texts: dict[str, Path] = {}

    def file(self, pack: str, name: str) -> tuple[FileId, Path] | None:
        """A track of any edition."""
        self._follow()
        return self._files.get((pack, name))

    def text(self, pack: str) -> Path | None:
        """The attribution of a pack, as of the last edition that has it."""
        self._follow()
        return self._texts.get(pack)

    def _follow(self) -> None:
        folders = edition_folders(self._ark.editions)
        if len(folders) == self._editions:
            return
        extensions = read_extensions(self._ark.store)
        for folder in folders[max(self._editions, 0) :]:
            for row in read_rows(folder / "manifest.parquet", ["root", "size", "pack", "name"]):
                file = FileId(row["root"], row["size"])
                if file in extensions:
                    place = place_of(self._ark.store, file, extensions[file])
                    self._files[row["pack"], row["name"]] = (file, place)
            for path in (folder / "attribution").glob("*.txt"):
                self._texts[path.stem] = path
        self._editions = len(folders)


class _Gated(FileResponse):
    """A file whose sending stops as soon as the gate closes."""

    def __init__(self, path: Path, file: FileId, gate: Gate) -> None:
        # Whatever its extension says, a browser must not take it for a page of ours.
        kind = guess_type(path.name)[0] or ""
        kind = kind if kind.startswith("audio/") else "application/octet-stream"
        super().__init__(path, headers=_HEADERS, media_type=kind)
        self._file = file
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.body":
                # Raises RefusedError: the server then breaks the connection off.
                await run_in_threadpool(self._gate.clear, self._file)
            await send(message)

        await super().__call__(scope, receive, guarded)


def make_app(ark: Ark) -> Starlette:
    """The web application of an archive: feed and web seed."""
    gate = Gate(ark, Act.SHARE)
    shelf = _Shelf(ark)

    def music(request: Request) -> Response:
        pack, name = request.path_params["pack"], request.path_params["name"]
        text = shelf.text(pack) if name == ATTRIBUTION else None
        if text:
            return FileResponse(text, headers=_HEADERS)
        found = shelf.file(pack, name)
        if found is None or not found[1].is_file():
            return PlainTextResponse("There is no such file in any release.\n", 404)
        file, place = found
        if not gate.is_clear(file):
            return PlainTextResponse("This recording was withdrawn.\n", 451)
        return _Gated(place, file, gate)

    def pad(request: Request) -> Response:
        name: str = request.path_params["length"]
        if not _PAD.fullmatch(name) or int(name) >= _LONGEST_PAD:
            return PlainTextResponse("No pad is this long.\n", 404)
        return _zeros(int(name), request.headers.get("range", ""))

    routes: list[Any] = [
        Route("/music/{pack}/.pad/{length}", pad),
        Route("/music/{pack}/{name}", music),
        Mount("/feed", _Feed(directory=ark.feed, check_dir=False)),
    ]
    return Starlette(routes=routes)


class _Feed(StaticFiles):
    """The feed's folder, without what is hidden in it; empty before the first release."""

    async def check_config(self) -> None:
        """Nothing: where there is no folder yet, there is no file."""

    def lookup_path(self, path: str) -> tuple[str, Any]:
        if any(part.startswith(".") for part in Path(path).parts):
            return "", None
        return super().lookup_path(path)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401
        """A file of the feed, which nobody between us and a mirror may keep for later."""
        response = super().file_response(*args, **kwargs)
        response.headers.update(_HEADERS)
        return response


def _zeros(length: int, wanted: str) -> Response:
    """So many zeros, or the one range of them that is asked for."""
    found = _RANGE.fullmatch(wanted)
    if not found:
        return Response(bytes(length), media_type="application/octet-stream")
    start = int(found[1])
    end = min(int(found[2] or length), length - 1)
    if start > end:
        return Response(status_code=416, headers={"content-range": f"bytes */{length}"})
    return Response(
        bytes(end - start + 1),
        status_code=206,
        headers={"content-range": f"bytes {start}-{end}/{length}"},
        media_type="application/octet-stream",
    )
