"""The settings: one frozen value read from ``songark.toml`` at the door and handed down."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from songark.model.errors import UsageError
from songark.model.size import parse_size

TEMPLATE = """\
# The settings of this archive: the only file in it that a person edits.

name = "{name}"            # what mirrors see

[release]
pack_size = "10 GB"        # a torrent holds about this much

[swarm]
listen = "0.0.0.0:42610"   # where the seeder takes BitTorrent connections
dht = true                 # find peers by the public DHT
lan = true                 # find peers on the local network
peers = []                 # addresses of this seeder that the feed names, "host:port"
trackers = []              # announce URLs written into torrents
web_seeds = []             # base URLs written into torrents

[web]
listen = "127.0.0.1:42680" # where the feed and the web seed are served
"""

_ADDRESS = re.compile(r"(?P<host>[^\s:/]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a keeper set. Sizes are bytes, addresses are ``host:port``."""

    name: str = "archive"
    pack_size: int = 10_000_000_000
    swarm_listen: str = "0.0.0.0:42610"
    dht: bool = True
    lan: bool = True
    peers: tuple[str, ...] = ()
    trackers: tuple[str, ...] = ()
    web_seeds: tuple[str, ...] = ()
    web_listen: str = "127.0.0.1:42680"


_KEYS = {
    ("", "name"): "name",
    ("release", "pack_size"): "pack_size",
    ("swarm", "listen"): "swarm_listen",
    ("swarm", "dht"): "dht",
    ("swarm", "lan"): "lan",
    ("swarm", "peers"): "peers",
    ("swarm", "trackers"): "trackers",
    ("swarm", "web_seeds"): "web_seeds",
    ("web", "listen"): "web_listen",
}


def read_settings(path: Path) -> Settings:
    """Read and check the settings file.

    Raises:
        UsageError: it is not TOML, or a key or value in it is not known; the error names the key.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UsageError(f"cannot be read ({error})", place=str(path)) from None
    values: dict[str, Any] = {}
    for section, key, value in _flat(told):
        field = _KEYS.get((section, key))
        name = f"{section}.{key}" if section else key
        if field is None:
            raise UsageError(
                f"unknown setting {name!r}",
                place=str(path),
                remedy="Known are: " + ", ".join(f"{s}.{k}".lstrip(".") for s, k in _KEYS),
            )
        values[field] = _checked(field, value, f"{path}, {name}")
    return Settings(**values)


def parse_address(text: str) -> tuple[str, int]:
    """Split ``host:port``.

    Raises:
        UsageError: the text has another form, or the port is above 65535.
    """
    found = _ADDRESS.fullmatch(text)
    if not found or int(found["port"]) > 65535:
        raise UsageError(f"not an address of the form host:port: {text[:100]!r}")
    return found["host"].strip("[]"), int(found["port"])


def _flat(told: dict[str, Any]) -> list[tuple[str, str, Any]]:
    rows: list[tuple[str, str, Any]] = []
    for key, value in told.items():
        if isinstance(value, dict):
            rows += [(key, inner, v) for inner, v in value.items()]
        else:
            rows.append(("", key, value))
    return rows


def _checked(field: str, value: Any, place: str) -> Any:  # noqa: ANN401 - TOML values
    kind = {f.name: f.type for f in fields(Settings)}[field]
    try:
        if field == "pack_size":
            return _pack_size(str(value))
        if kind == "bool" and isinstance(value, bool):
            return value
        if kind == "str" and isinstance(value, str):
            if field.endswith("listen"):
                parse_address(value)
            return value
        if kind.startswith("tuple") and _is_texts(value):
            if field == "peers":
                for one in value:
                    parse_address(one)
            return tuple(value)
    except UsageError as error:
        raise UsageError(error.message, place=place, remedy=error.remedy) from None
    raise UsageError(f"not a value of the right kind: {value!r}", place=place)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _pack_size(text: str) -> int:
    size = parse_size(text)
    if size < 1:
        raise UsageError("a torrent holds more than nothing", remedy="Write it like 10 GB")
    return size
