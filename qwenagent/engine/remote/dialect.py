"""How each kind of server is asked, and how it answers: routes, fields, nothing of the network."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Protocol

from qwenagent.engine import family
from qwenagent.engine.remote.connection import Connection
from qwenagent.engine.remote.failures import Refused
from qwenagent.engine.remote.served import Piece, Served
from qwenagent.errors import ModelLoadFailed
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Cancel, Sampling, StopReason

_SEEDS = 0xFFFFFFFF
"""This one itself means "at random" for llama.cpp."""


class Dialect(Protocol):
    """One kind of server."""

    lacks: str
    """What it cannot do that the embedded engine does, for people."""

    def served(self, connection: Connection) -> Served:
        """Ask which model is served, and how much of it one conversation may have."""
        ...

    def tokenize(
        self, connection: Connection, text: str, *, marks: bool, cancel: Cancel | None = None
    ) -> list[int]:
        """Return the ids of a text; control tokens are read in it only with `marks`."""
        ...

    def request(
        self, ids: list[int], sampling: Sampling, grammar: Grammar | None
    ) -> tuple[str, dict[str, Any]]:
        """Return the path and the body that ask for one answer as a stream of events."""
        ...

    def piece(self, event: dict[str, Any]) -> Piece:
        """Read one event."""
        ...


class LlamaServer:
    """llama.cpp's own server, which reads GBNF and token ids as they are."""

    lacks = (
        "each of several candidates reads the prompt itself; no prompt lookup, no forced text; "
        "prompts are kept by the server alone"
    )

    def served(self, connection: Connection) -> Served:
        """See `Dialect.served`."""
        props = connection.ask("GET", "/props")
        meta = _first(connection.ask("GET", "/v1/models")).get("meta") or {}
        path, alias = str(props.get("model_path", "")), str(props.get("model_alias", ""))
        if alias in ("", path):
            alias = PurePosixPath(path.replace("\\", "/")).name
        return Served(
            name=alias or "an unnamed model",
            n_ctx=_whole(_object(props.get("default_generation_settings")).get("n_ctx")),
            n_slots=max(1, _whole(props.get("total_slots"))),
            library=f"llama.cpp server {props.get('build_info', '')}".strip(),
            parameters=_whole(_object(meta).get("n_params")) / 1e9,
        )

    def tokenize(
        self, connection: Connection, text: str, *, marks: bool, cancel: Cancel | None = None
    ) -> list[int]:
        """See `Dialect.tokenize`."""
        body = {"content": text, "add_special": False, "parse_special": marks}
        return _ids(connection.ask("POST", "/tokenize", body, cancel))

    def request(
        self, ids: list[int], sampling: Sampling, grammar: Grammar | None
    ) -> tuple[str, dict[str, Any]]:
        """See `Dialect.request`."""
        body: dict[str, Any] = {
            "prompt": ids,
            "n_predict": sampling.max_tokens,
            "stream": True,
            "cache_prompt": True,
            "return_progress": True,
            "timings_per_token": True,
            # Pinned: the server's owner may have set others.
            "samplers": ["top_k", "top_p", "min_p", "temperature"],
            "temperature": sampling.temperature,
            "top_k": sampling.top_k if sampling.temperature > 0 else 1,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
            "repeat_penalty": 1.0,
            "mirostat": 0,
            "stop": [],
            "seed": sampling.seed % _SEEDS,
            "logit_bias": [[token, False] for token in sorted(family.NEVER_WRITTEN)],
        }
        if grammar:
            body["grammar"] = grammar.text
        return "/completion", body

    def piece(self, event: dict[str, Any]) -> Piece:
        """See `Dialect.piece`."""
        timings = _object(event.get("timings"))
        progress = _object(event.get("prompt_progress"))
        cached = progress.get("cache", timings.get("cache_n"))
        is_text = bool(event.get("content"))
        return Piece(
            text=str(event.get("content", "")),
            tokens=tuple(event.get("tokens", ())) if is_text else (),
            read=_read(progress) if progress else None,
            stop=_stop(event) if event.get("stop") is True else None,
            cached_tokens=None if cached is None else _whole(cached),
            completion_tokens=event.get("tokens_predicted") if is_text else None,
            prefill_s=_seconds(timings.get("prompt_ms")),
            decode_s=_seconds(timings.get("predicted_ms")),
        )


class Vllm:
    """vLLM's server with its structured outputs. UNTESTED against a real one.

    Written from its documentation (releases from 0.12 on). Its tokenizer always reads control
    tokens in a text; whoever asks has to cut such a text (see `Tokens`). The grammar goes out as
    GBNF, which its backend xgrammar says it reads.
    """

    lacks = f"vLLM is untested; {LlamaServer.lacks}"
    _SIDE_BY_SIDE = 8

    def __init__(self) -> None:
        self._model = ""

    def served(self, connection: Connection) -> Served:
        """See `Dialect.served`."""
        model = _first(connection.ask("GET", "/v1/models"))
        self._model = str(model.get("id", ""))
        n_ctx = _whole(model.get("max_model_len"))
        return Served(self._model, n_ctx, self._SIDE_BY_SIDE, "vLLM")

    def tokenize(
        self, connection: Connection, text: str, *, marks: bool, cancel: Cancel | None = None
    ) -> list[int]:
        """See `Dialect.tokenize`; `marks` makes no difference here."""
        body = {"model": self._model, "prompt": text, "add_special_tokens": False}
        return _ids(connection.ask("POST", "/tokenize", body, cancel))

    def request(
        self, ids: list[int], sampling: Sampling, grammar: Grammar | None
    ) -> tuple[str, dict[str, Any]]:
        """See `Dialect.request`."""
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": ids,
            "max_tokens": sampling.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True, "continuous_usage_stats": True},
            "return_token_ids": True,
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
            "repetition_penalty": 1.0,
            "seed": sampling.seed % _SEEDS,
            # The least that vLLM takes; "never" cannot be said.
            "logit_bias": {str(token): -100 for token in sorted(family.NEVER_WRITTEN)},
        }
        if grammar:
            body["structured_outputs"] = {"grammar": grammar.text}
        return "/v1/completions", body

    def piece(self, event: dict[str, Any]) -> Piece:
        """See `Dialect.piece`."""
        choices = event.get("choices")
        choice = _object(choices[0]) if isinstance(choices, list) and choices else {}
        usage = _object(event.get("usage"))
        details = _object(usage.get("prompt_tokens_details"))
        reason = choice.get("finish_reason")
        return Piece(
            text=str(choice.get("text", "")),
            tokens=tuple(choice.get("token_ids") or ()),
            stop=None if reason is None else "stop" if reason == "stop" else "length",
            cached_tokens=details.get("cached_tokens"),
            completion_tokens=usage.get("completion_tokens"),
        )


def find_dialect(connection: Connection) -> Dialect:
    """Return the dialect that the endpoint names, else the one its server speaks.

    Raises:
        ModelLoadFailed: it speaks neither.
        EngineError: see `Connection.ask`.
    """
    kind = connection.endpoint.kind
    if not kind:
        kind = "llama.cpp" if _has(connection, "/props") else "vllm"
        if kind == "vllm" and not _has(connection, "/v1/models"):
            raise ModelLoadFailed(
                f"{connection.endpoint.host} is neither llama.cpp's server nor vLLM's: it has no "
                "/props and no /v1/models",
                hint="start it with `llama-server -m MODEL.gguf` and give its address",
            )
    return Vllm() if kind == "vllm" else LlamaServer()


def _has(connection: Connection, path: str) -> bool:
    try:
        connection.ask("GET", path)
    except Refused as error:
        if error.status in (404, 405, 501):
            return False
        raise
    return True


def _read(progress: dict[str, Any]) -> tuple[int, int]:
    cached = _whole(progress.get("cache"))
    total = _whole(progress.get("total")) - cached
    return min(max(_whole(progress.get("processed")) - cached, 0), total), total


def _stop(event: dict[str, Any]) -> StopReason:
    return "length" if event.get("stop_type") == "limit" else "stop"


def _seconds(milliseconds: object) -> float | None:
    return milliseconds / 1000 if isinstance(milliseconds, (int, float)) else None


def _first(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    return _object(data[0]) if isinstance(data, list) and data else {}


def _ids(answer: dict[str, Any]) -> list[int]:
    found = answer.get("tokens")
    return [_whole(token) for token in found] if isinstance(found, list) else []


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) else 0
