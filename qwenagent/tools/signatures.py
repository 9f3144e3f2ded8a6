"""Functions of Python that an edit gives other parameters: what calls them elsewhere would fail."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping

from qwenagent.syntax import python_tree

_SPAN = re.compile(r"(?<!`)`+[^`]+`+")
_ABOUT = re.compile(
    r"\b(?:param\w*|arg\w*|options?|flags?|switch\w*|signatures?|keywords?|inject\w*|depend\w*"
    r"|pass(?:e[sd]|ing)?|accepts?|takes)\b",
    re.I,
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def changed_parameters(old: str, new: str, request: str) -> str:
    """Return the first public function whose callers an edit breaks, and how; empty if none.

    It asks for more than it did, or has no place for what it asked for; another name is no break.
    What the request names as code, or speaks of as a parameter, is wanted. Functions of tests take
    what their runner gives them.
    """
    before, after = _functions(old), _functions(new)
    for name, function in after.items():
        if name not in before or _is_own_business(name):
            continue
        had, has = before[name].args, function.args
        more = [it for it in _required(has) if it not in _required(had)]
        if len(_required(has)) > len(_required(had)) and more and not _is_wanted(more[0], request):
            return f"`{name}` would ask for `{more[0]}`, which its callers do not give"
        less = [it for it in _required(had) if it not in _names(has)]
        if _most(has) < len(_required(had)) and less and not _is_wanted(less[0], request):
            return f"`{name}` would not take `{less[0]}` any more, which its callers give"
    return ""


def _functions(text: str) -> Mapping[str, _Function]:
    tree = python_tree(text)
    return dict(_found(tree.body, "")) if tree else {}


def _found(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, _Function]]:
    for node in body:
        if isinstance(node, _Function):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _found(node.body, f"{prefix}{node.name}.")


def _is_own_business(name: str) -> bool:
    *owners, last = name.split(".")
    is_private = last.startswith("_") and not last.endswith("__")
    return is_private or last.startswith("test") or any(it.startswith("_") for it in owners)


def _positional(args: ast.arguments) -> list[str]:
    return [it.arg for it in (*args.posonlyargs, *args.args)]


def _names(args: ast.arguments) -> list[str]:
    return [*_positional(args), *(it.arg for it in args.kwonlyargs)]


def _required(args: ast.arguments) -> list[str]:
    positional = _positional(args)
    given = positional[: len(positional) - len(args.defaults)]
    by_name = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return [*given, *(it.arg for it, default in by_name if default is None)]


def _most(args: ast.arguments) -> float:
    """Return how many arguments may be given."""
    return math.inf if args.vararg or args.kwarg else len(_names(args))


def _is_wanted(parameter: str, request: str) -> bool:
    word = re.compile(rf"(?<!\w){re.escape(parameter)}(?!\w)")
    if any(word.search(span) for span in _SPAN.findall(request)):
        return True
    return bool(word.search(request) and _ABOUT.search(request))
