"""The dated table of providers that ships, and the user's own over it.

Asks nobody anything and reads no settings file: it is given what the user's says.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta

from qwenagent import assets
from qwenagent.errors import AssetError, ConfigError
from qwenagent.escalate.keys import KeySource
from qwenagent.escalate.providers import FrontierModel, Price, Protocol, Provider, is_loopback

TABLE = "frontier/providers.toml"
"""In `models/`, not beside the cards, which are one file per model."""

Seconds = Annotated[float, Meta(gt=0, le=3600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A provider as a table has it: a preset, or the user's own. Each key of it may be missing."""

    protocol: Protocol = "chat"
    base_url: str = ""
    model: str = ""
    key_variable: str = ""
    key_keyring: str = ""
    key_command: tuple[str, ...] = ()
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    stream: bool = True
    use_environment: bool = False
    unencrypted: bool = False
    connect_s: Seconds = 10.0
    first_s: Seconds = 120.0
    between_s: Seconds = 60.0
    answer_s: Seconds = 900.0
    models: dict[str, _ModelRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModelRow:
    price: _PriceRow | None = None
    context_tokens: Annotated[int, Meta(gt=0)] | None = None
    output_tokens: Annotated[int, Meta(gt=0)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _PriceRow:
    fresh: Decimal
    out: Decimal
    as_of: str
    cached: Decimal | None = None
    up_to: Annotated[int, Meta(gt=0)] | None = None


def provider_names(own: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return the names of all providers: the presets, then the user's own."""
    return tuple(dict.fromkeys([*_presets(), *(own or {})]))


def find_provider(name: str, own: Mapping[str, Any] | None = None) -> Provider:
    """Return the provider `name`; `own` is what the user's `[escalate.providers]` says.

    What a user's table says of a preset goes over it, key by key; `models` model by model.

    Raises:
        ConfigError: there is none, something is missing, or a value cannot be meant.
    """
    place = f"escalate.providers.{name}"
    ours, theirs = _presets().get(name), (own or {}).get(name)
    if ours is None and theirs is None:
        raise _unknown(name, provider_names(own))
    if not isinstance(theirs if theirs is not None else {}, Mapping):
        raise ConfigError(f"{place} is no table", hint=f'[{place}]\nmodel = "..."')
    return _provider(name, _row(place, _over(ours or {}, theirs or {})), place)


def _over(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**ours, **theirs}
    models, own = ours.get("models", {}), theirs.get("models", {})
    if isinstance(own, Mapping):  # what is no table is told by whoever reads it
        merged["models"] = {**models, **own}
    keys = ("key_variable", "key_keyring", "key_command")
    moved = "base_url" in theirs and theirs["base_url"] != ours.get("base_url")
    if moved and ours and not any(key in theirs for key in keys):
        # The key of a preset belongs to its host, and goes to no other.
        merged = {key: value for key, value in merged.items() if key not in keys}
    return merged


def _unknown(name: str, names: tuple[str, ...]) -> ConfigError:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return ConfigError(
        f"no provider is called {name!r}; there are {', '.join(names)}",
        hint=f"{hint}[escalate.providers.{name}] with base_url and model makes one",
    )


# -- reading --------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)


def _presets() -> dict[str, Any]:
    """Return the table that ships.

    Raises:
        AssetError: it is missing or malformed.
    """
    try:
        return _parsed(assets.read("models", TABLE))
    except tomllib.TOMLDecodeError as error:
        raise AssetError(f"models/{TABLE}: {error}") from error


def _row(place: str, raw: Mapping[str, Any]) -> _Row:
    try:
        _refuse_unknown_keys(raw)
        return msgspec.convert(_exact(raw), _Row)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        path = where.strip("`").removeprefix("$")
        raise ConfigError(f"{place}{path}: {what}") from error


def _exact(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with its prices as they were written: 0.1 is a tenth."""
    models = raw.get("models")
    if not isinstance(models, Mapping):
        return dict(raw)
    return {**raw, "models": {name: _exact_model(model) for name, model in models.items()}}


def _exact_model(model: Any) -> Any:
    price = model.get("price") if isinstance(model, Mapping) else None
    if not isinstance(price, Mapping):
        return model
    written = (int, float, Decimal, date)
    exact = {
        key: str(item) if isinstance(item, written) and key != "up_to" else item
        for key, item in price.items()
    }
    return {**model, "price": exact}


def _refuse_unknown_keys(raw: Mapping[str, Any]) -> None:
    """Msgspec ignores keys that a dataclass does not have; a misspelt one must not pass."""
    _known("$", raw, _Row)
    models = raw.get("models")
    for name, model in models.items() if isinstance(models, Mapping) else ():
        _known(f"$.models.{name}", model, _ModelRow)
        price = model.get("price") if isinstance(model, Mapping) else None
        _known(f"$.models.{name}.price", price, _PriceRow)


def _known(place: str, table: Any, kind: type) -> None:
    names = {item.name for item in fields(kind)}
    unknown = set(table) - names if isinstance(table, Mapping) else set()
    if unknown:
        word = min(unknown, key=str)
        raise msgspec.ValidationError(
            f"there is no key {word!r}, only {', '.join(sorted(names))} - at `{place}`"
        )


# -- checking -------------------------------------------------------------------------------------


def _provider(name: str, row: _Row, place: str) -> Provider:
    if not row.model:
        raise ConfigError(
            f"{place} names no model",
            hint=f'[{place}]\nmodel = "..."' + _known_models(row),
        )
    return Provider(
        name=name,
        protocol=row.protocol,
        base_url=_address(place, row),
        model=_model(row.model, row.models.get(row.model, _ModelRow()), place),
        key=KeySource(row.key_variable, row.key_keyring, _command(place, row)),
        limit_field=row.limit_field,
        stream=row.stream,
        use_environment=row.use_environment,
        connect_s=row.connect_s,
        first_s=row.first_s,
        between_s=row.between_s,
        answer_s=row.answer_s,
    )


def _known_models(row: _Row) -> str:
    return f"; the table knows {', '.join(row.models)}" if row.models else ""


def _command(place: str, row: _Row) -> tuple[str, ...]:
    if row.key_command and not row.key_command[0]:
        raise ConfigError(f"{place}.key_command has no program", hint='["pass", "show", "key"]')
    return row.key_command


def _model(name: str, row: _ModelRow, place: str) -> FrontierModel:
    price = _price(row.price, f"{place}.models.{name}.price") if row.price else None
    return FrontierModel(name, price, row.context_tokens, row.output_tokens)


def _price(row: _PriceRow, place: str) -> Price:
    cached = row.fresh if row.cached is None else row.cached
    for label, value in (("fresh", row.fresh), ("cached", cached), ("out", row.out)):
        try:
            good = 0 <= value <= 100_000
        except InvalidOperation:  # not a number
            good = False
        if not good:
            raise ConfigError(f"{place}.{label} is {value}, not dollars for a million tokens")
    return Price(row.fresh, cached, row.out, row.as_of, row.up_to)


def _address(place: str, row: _Row) -> str:
    parts = _split(row.base_url)
    host = parts.hostname if parts else None
    if parts is None or not host or parts.query or parts.fragment:
        raise ConfigError(
            f"{place}.base_url is {row.base_url!r}, no address of a server",
            hint="for example https://api.example.com/v1",
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"{place}.base_url has a user name or password in it",
            hint="key_variable names an environment variable with the key",
        )
    if parts.scheme == "http" and not (is_loopback(host) or row.unencrypted):
        raise ConfigError(
            f"{place}.base_url sends code and key unencrypted to {host}",
            hint="use https, or set unencrypted = true if that network is yours",
        )
    path = parts.path.rstrip("/")
    if row.protocol == "messages":
        path = path.removesuffix("/v1").rstrip("/")  # which the SDK puts there
    return f"{parts.scheme}://{parts.netloc}{path}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # a port that is no number, half of a bracket
        good = False
    return parts if good and url.isprintable() and " " not in url else None
