"""The HTTP server: uvicorn on a thread of its own, on a socket opened before."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from songark.model.errors import SongarkError


class WebServer:
    """Serves an application until it is closed. `address` is (host, port) as bound."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            # From here on whoever connects waits for the thread instead of being turned away.
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise SongarkError(
                f"cannot listen ({error.strerror})",
                place=f"{host}:{port}",
                remedy="Set another address under [web] in songark.toml",
            ) from None
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="web", daemon=True
        )

    @property
    def url(self) -> str:
        """The base address, with a slash at its end."""
        host, port = self.address
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    async def _serve(self) -> None:
        await self._server.serve([self._socket])
        # Whoever still reads slowly would hold a socket that nobody closes. First the writers stop:
        # into a connection that was cut off they would write without end.
        writing = asyncio.all_tasks() - {asyncio.current_task()}
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        for connection in list(self._server.server_state.connections):
            if connection.transport:
                connection.transport.abort()
        await asyncio.sleep(0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(timeout=5)
        self._socket.close()
