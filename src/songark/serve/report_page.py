"""The page: templates filled, style and script inside, and nothing that asks the network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from songark.serve.report_text import FILTERS

_TEMPLATES = Path(__file__).with_name("templates")


def render(values: Mapping[str, Any]) -> bytes:
    """The page as UTF-8. Every value is escaped; style and script are ours and named by hash.

    The policy (CSP level 3) allows that one style and that one script, pictures that lie in the
    page, and nothing else.
    """
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    pages = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters |= FILTERS
    style, script = (_text(name) for name in ("report.css", "report.js"))
    page = pages.get_template("report.html").render(
        **values,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704
        policy=policy(style, script),
    )
    return page.encode()


def policy(style: str, script: str) -> str:
    """The content security policy for a page with one style and one script inside."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def numbers(data: Mapping[str, Any]) -> Markup:
    """Numbers and truth values as JSON for a script element, where nothing could end it.

    Raises:
        ValueError: there is anything else in it.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    if any(mark in text for mark in "<>&"):
        raise ValueError("only numbers and plain names go into a script element")
    return Markup(text)  # noqa: S704 - checked above


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
