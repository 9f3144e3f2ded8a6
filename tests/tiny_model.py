"""A model that says what a table says: real llama.cpp, real vocabulary rules, no download.

The next token depends on the last one alone. Attention and feed-forward add nothing, embeddings are
unit vectors, and the output matrix holds the logarithms of the probabilities in the table. Text is
read byte by byte but for the words of the table; ids of control tokens are the family's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qwenagent.engine import family

END = "<|im_end|>"
SPREAD = "*"
"""In a row of the table: what all the other tokens have together."""
Table = Mapping[str, Mapping[str, float]]
"""By the last token: the probabilities of the next one. What follows others is left open."""

_N_VOCAB = 151_936
_N_EMBD = 64
# Not all alike: numpy takes 20 times as long to find the largest of many equal ones.
_NEVER = np.linspace(-30, -40, _N_VOCAB)
_U32, _I32, _F32, _STRING, _ARRAY = 4, 5, 6, 8, 9
_ALIGNMENT = 32


def write_model(path: Path, table: Table) -> None:
    """Write a GGUF file of 40 MB whose model follows the table, which has up to 63 rows."""
    tokens, merges = _vocabulary(
        {text for row, following in table.items() for text in (row, *following)} - {END, SPREAD}
    )
    tensors = {**_idle_block(), **_matrices(table, {text: i for i, text in enumerate(tokens)})}
    head = _head(tokens, merges)
    infos, at = b"", 0
    for name, values in tensors.items():
        kind = 1 if values.dtype == np.float16 else 0
        shape = values.shape[::-1]
        infos += _string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        infos += struct.pack("<IQ", kind, at)
        at += values.nbytes + -values.nbytes % _ALIGNMENT
    start = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(head)) + b"".join(head) + infos
    with path.open("wb") as file:
        file.write(start + bytes(-len(start) % _ALIGNMENT))
        for values in tensors.values():
            file.write(values.tobytes() + bytes(-values.nbytes % _ALIGNMENT))


def _vocabulary(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the tokens by id and the merges that make each word one token."""
    letters = _letters()
    tokens = [letters[byte] for byte in range(256)]
    merges = []
    for word in sorted(words):
        written = [letters[byte] for byte in word.encode()]
        for i in range(1, len(written)):
            if (joined := "".join(written[: i + 1])) not in tokens:
                tokens.append(joined)
                merges.append(f"{''.join(written[:i])} {written[i]}")
    tokens += [f"[unused{i}]" for i in range(len(tokens), _N_VOCAB)]
    tokens[family.IM_START], tokens[family.IM_END] = "<|im_start|>", END
    tokens[family.ENDOFTEXT] = "<|endoftext|>"
    return tokens, merges


def _letters() -> list[str]:
    """Return how byte-level BPE writes each byte: those that are no visible sign from 256 on."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in visible else chr(next(others)) for byte in range(256)]


def _matrices(table: Table, ids: Mapping[str, int]) -> dict[str, NDArray[np.generic]]:
    letters = _letters()

    def token(text: str) -> int:
        return ids["".join(letters[byte] for byte in text.encode())] if text != END else ids[END]

    # Column 0 is for what the table does not name: the single bytes, all alike.
    embeddings = np.zeros((_N_VOCAB, _N_EMBD), dtype=np.float16)
    embeddings[:, 0] = 1
    output = np.tile(_NEVER.astype(np.float16)[:, None], _N_EMBD)
    output[:256, 0] = -np.log(256)
    for column, (last, following) in enumerate(table.items(), 1):
        embeddings[token(last), [0, column]] = 0, 1
        if SPREAD in following:
            output[:, column] = np.log(following[SPREAD] / _N_VOCAB)
        for text, share in following.items():
            if text != SPREAD:
                output[token(text), column] = np.log(share)
    # The norm makes a unit vector sqrt(n_embd) long.
    norm = np.full(_N_EMBD, _N_EMBD**-0.5, dtype=np.float32)
    return {
        "token_embd.weight": embeddings,
        "output_norm.weight": norm,
        "output.weight": output,
    }


def _idle_block() -> dict[str, NDArray[np.generic]]:
    square = np.zeros((_N_EMBD, _N_EMBD), dtype=np.float16)
    flat = np.zeros(_N_EMBD, dtype=np.float32)
    matrices = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    vectors = ("attn_norm.weight", "ffn_norm.weight", "attn_q.bias", "attn_k.bias", "attn_v.bias")
    return {
        **{f"blk.0.{name}.weight": square for name in matrices},
        **{f"blk.0.{name}": flat for name in vectors},
    }


def _head(tokens: Sequence[str], merges: Sequence[str]) -> list[bytes]:
    control = {family.IM_START, family.IM_END, family.ENDOFTEXT}
    kinds = [3 if i in control else 1 for i in range(_N_VOCAB)]
    numbers = {
        "context_length": 2048,
        "embedding_length": _N_EMBD,
        "block_count": 1,
        "feed_forward_length": _N_EMBD,
        "attention.head_count": 1,
        "attention.head_count_kv": 1,
    }
    return [
        _pair("general.architecture", _STRING, _string("qwen2")),
        *(_pair(f"qwen2.{k}", _U32, struct.pack("<I", n)) for k, n in numbers.items()),
        _pair("qwen2.attention.layer_norm_rms_epsilon", _F32, struct.pack("<f", 1e-9)),
        _pair("tokenizer.ggml.model", _STRING, _string("gpt2")),
        _pair("tokenizer.ggml.pre", _STRING, _string("qwen2")),
        _pair("tokenizer.ggml.tokens", _ARRAY, _strings(tokens)),
        _pair("tokenizer.ggml.merges", _ARRAY, _strings(merges)),
        _pair(
            "tokenizer.ggml.token_type",
            _ARRAY,
            struct.pack(f"<IQ{_N_VOCAB}i", _I32, _N_VOCAB, *kinds),
        ),
        _pair("tokenizer.ggml.eos_token_id", _U32, struct.pack("<I", family.IM_END)),
    ]


def _pair(key: str, kind: int, value: bytes) -> bytes:
    return _string(key) + struct.pack("<I", kind) + value


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _strings(texts: Sequence[str]) -> bytes:
    return struct.pack("<IQ", _STRING, len(texts)) + b"".join(map(_string, texts))
