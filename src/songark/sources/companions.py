"""Files that belong beside music and are no music: counted, not taken, not rejected."""

from __future__ import annotations

_PICTURES = {"jpg", "jpeg", "png", "webp", "gif"}
_TEXTS = {"txt", "md", "html", "htm", "pdf", "nfo", "log", "license"}
_LISTS = {"cue", "m3u", "m3u8", "pls", "music"}
_ENDINGS = _PICTURES | _TEXTS | _LISTS
_NAMES = {"readme", "license", "licence", "copying", "copyright", "authors", "credits"}
_EVIDENCE = {"songark.rights.toml", "REUSE.toml"}
_FOLDERS = {"LICENSES", "debian"}
_KEPT = {"ogg", "oga", "opus", "flac", "mp3", "m4a", "m4b", "mp4", "wav"}
_OTHERS = {"aac", "aif", "aiff", "wma", "ape", "wv", "mka", "mpc", "tta", "spx"}
AUDIO_ENDINGS = frozenset(_KEPT | _OTHERS)


def is_companion(path: str) -> bool:
    """Whether a file is a companion by its path: a cover, a text, a play list, evidence, hidden."""
    *folders, name = path.split("/")
    if any(part.startswith(".") for part in (*folders, name)):
        return True
    if ending(name) in _ENDINGS or name.lower() in _NAMES or name in _EVIDENCE:
        return True
    return bool(_FOLDERS & set(folders)) and ending(name) not in AUDIO_ENDINGS


def ending(name: str) -> str:
    """The part behind the last dot in lower case, empty where there is none."""
    return name.rpartition(".")[2].lower() if "." in name else ""
