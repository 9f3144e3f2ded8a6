"""How files and symbols are named in a message: `@src/store.py`, `@Store.save`, `@"my file.py"`."""

from __future__ import annotations

import re

_BEFORE = r"(?:^|(?<=[\s(\[{<,;:'`|=]))"
_MENTION = re.compile(_BEFORE + r'@(?:"(?P<quoted>[^"\n]+)"|(?P<bare>[^\s"@]+))', re.MULTILINE)
_BEGUN = re.compile(_BEFORE + r'@(?:"(?P<quoted>[^"\n]*)|(?P<bare>[^\s"@]*))\Z', re.MULTILINE)
_AFTER = ".,;:!?)]}>'`"
"""What ends a sentence and no name."""


def mentions(text: str) -> tuple[str, ...]:
    """Return what is mentioned in a message, each once, in order. It need not exist."""
    found = (match["quoted"] or match["bare"].rstrip(_AFTER) for match in _MENTION.finditer(text))
    return tuple(dict.fromkeys(name for name in found if name))


def mention(name: str) -> str:
    """Return a name as it is mentioned, in quotes if it would not be read whole without."""
    written = f"@{name}"
    return written if mentions(written) == (name,) else f'@"{name}"'


def begun(before: str) -> tuple[int, str] | None:
    """Return where the mention starts that the cursor is in, and its name so far.

    `before` is the text before the cursor.
    """
    match = _BEGUN.search(before)
    if match is None:
        return None
    return match.start(), match["bare"] if match["quoted"] is None else match["quoted"]
