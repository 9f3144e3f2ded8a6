"""Values as JSON on disk and back, also with names and arguments that are not UTF-8.

Python has the undecodable bytes of those as halves of surrogate pairs, which `msgspec` neither
writes nor reads.
"""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def encoded(value: object, indent: int | None = None) -> bytes:
    """Return a value as JSON, on one line or indented by so many blanks."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), indent=indent).encode()  # escaped: in ASCII
    return data if indent is None else msgspec.json.format(data, indent=indent)


def decoded(data: bytes, kind: type[_T]) -> _T:
    """Return the value that `encoded` has written.

    Raises:
        msgspec.MsgspecError: it is no JSON, or no value of this kind.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if b"\\u" not in data:
            raise msgspec.DecodeError(str(error)) from error
    try:
        raw = json.loads(data)
        # Only halves that stand for bytes, which is what names and arguments can have.
        json.dumps(raw, ensure_ascii=False).encode("utf-8", "surrogateescape")
        return msgspec.convert(raw, kind)
    except (ValueError, RecursionError) as error:  # also where it cannot say what it has found
        raise msgspec.DecodeError(ascii(error)) from error
