"""The sizes of a model's layers, read from its file without loading it."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as lib

from qwenagent.errors import ModelLoadFailed
from qwenagent.registry import Layers

_BLOCK = re.compile(r"blk\.(\d+)\.")
_F16_BYTES = 2


class _InitParams(ctypes.Structure):
    """`gguf_init_params` of gguf.h."""

    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


def read_layers(path: Path) -> Layers:
    """Return the layers of a GGUF file. Reads its head only: 0.1 s.

    Raises:
        ModelLoadFailed: it is no GGUF file, or one without transformer blocks.
    """
    gguf = _functions()
    head = gguf.gguf_init_from_file(str(path).encode(), _InitParams(no_alloc=True, ctx=None))
    if not head:
        raise ModelLoadFailed(
            f"{path} cannot be read as a GGUF file",
            hint="`qwenagent models verify` checks the file",
        )
    try:
        return _layers(gguf, head, path)
    finally:
        gguf.gguf_free(head)


def _layers(gguf: Any, head: int, path: Path) -> Layers:
    sizes: Counter[str] = Counter()
    for i in range(gguf.gguf_get_n_tensors(head)):
        name = gguf.gguf_get_tensor_name(head, i).decode(errors="replace")
        block = _BLOCK.match(name)
        sizes[block[1] if block else name] += gguf.gguf_get_tensor_size(head, i)
    blocks = tuple(sizes[key] for key in sorted((k for k in sizes if k.isdigit()), key=int))
    per_block = _kv_per_block(gguf, head)
    if not blocks or not per_block:
        raise ModelLoadFailed(f"{path} has {len(blocks)} blocks and {per_block} bytes of KV cache")
    # Without a matrix of its own the output layer gets a copy of the embeddings.
    output = sizes["output.weight"] or sizes["token_embd.weight"]
    return Layers(blocks, output, per_block * len(blocks))


def _kv_per_block(gguf: Any, head: int) -> int:
    """Return the bytes of keys and values of one block for one token in f16."""
    key = gguf.gguf_find_key(head, b"general.architecture")
    if key < 0:
        return 0
    family = gguf.gguf_get_val_str(head, key).decode(errors="replace")
    n_embd, n_heads, n_kv_heads = (
        _number(gguf, head, f"{family}.{name}")
        for name in ("embedding_length", "attention.head_count", "attention.head_count_kv")
    )
    return 2 * n_kv_heads * (n_embd // n_heads) * _F16_BYTES if n_heads else 0


def _number(gguf: Any, head: int, name: str) -> int:
    key = gguf.gguf_find_key(head, name.encode())
    return int(gguf.gguf_get_val_u32(head, key)) if key >= 0 else 0


def _functions() -> Any:
    """Declare the functions of gguf.h, which the binding does not."""
    gguf, pointer, index = lib._lib, ctypes.c_void_p, ctypes.c_int64
    for name, result, arguments in (
        ("init_from_file", pointer, [ctypes.c_char_p, _InitParams]),
        ("free", None, [pointer]),
        ("get_n_tensors", index, [pointer]),
        ("get_tensor_name", ctypes.c_char_p, [pointer, index]),
        ("get_tensor_size", ctypes.c_size_t, [pointer, index]),
        ("find_key", index, [pointer, ctypes.c_char_p]),
        ("get_val_str", ctypes.c_char_p, [pointer, index]),
        ("get_val_u32", ctypes.c_uint32, [pointer, index]),
    ):
        function = getattr(gguf, f"gguf_{name}")
        function.restype, function.argtypes = result, arguments
    return gguf
