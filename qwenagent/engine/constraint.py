"""A compiled grammar and how far it has been followed.

`accept` of a refused token would abort the process, so each `accept` belongs to a check of the same
token in the same state.
"""

from __future__ import annotations

import ctypes
import re
from collections import OrderedDict
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np
from numpy.typing import NDArray

from qwenagent.engine import family
from qwenagent.engine.llama import Model
from qwenagent.engine.sampler import Candidates
from qwenagent.errors import InvalidGrammar
from qwenagent.grammar import Grammar

_EQUAL = np.ones(256, dtype=np.float32)
_KEPT = 32
"""Compiled grammars that are kept; those of one step are few."""
_DEEPEST = 5_000
"""llama.cpp recurses into brackets and into rules that begin with a rule: 20,000 end it."""
_TEXTS = re.compile(r'#[^\n]*+|"(?:\\.|[^"\\])*+"?|\[(?:\\.|[^\]\\])*+\]?', re.DOTALL)
_NAMES = re.compile(r'(")? ?[\w-]++( ?::=)?')
"""Rules by name, with the text in front of them or the sign that defines them."""


class Constraint:
    """Where one answer is in its grammar."""

    def __init__(self, model: Model, sampler: Any) -> None:
        """Takes over a compiled grammar, which `close` frees."""
        self._model = model
        self._sampler = sampler
        self._one = (lib.llama_token_data * 1)()
        self._array = lib.llama_token_data_array(self._one, 1, -1, False)

    def allows(self, token: int) -> bool:
        """Return whether `token` may come next; an id that is none may not."""
        if not 0 <= token < self._model.n_vocab:  # would abort the process
            return False
        entry = self._one[0]
        entry.id, entry.logit, entry.p = token, 1.0, 0.0
        self._array.size, self._array.selected, self._array.sorted = 1, -1, False
        lib.llama_sampler_apply(self._sampler, ctypes.byref(self._array))
        return bool(entry.logit > 0.0)

    def mask(self, candidates: Candidates) -> None:
        """Set the logits of refused candidates to -inf."""
        lib.llama_sampler_apply(self._sampler, candidates.reference)

    def accept(self, token: int) -> None:
        """Follow `token`, which `allows` has just allowed."""
        lib.llama_sampler_accept(self._sampler, token)

    def first_bytes(self) -> list[int]:
        """Return the bytes with which the text may go on, those inside a character too."""
        singles = self._model.single_bytes
        candidates = Candidates(singles[singles >= 0], _EQUAL[singles >= 0])
        self.mask(candidates)
        return np.flatnonzero(np.isin(singles, candidates.possible())).tolist()

    def possible(self) -> NDArray[np.int32]:
        """Return every token that may come next, and some that may not.

        The whole vocabulary takes 25 ms to check. What begins with a byte that cannot come next
        need not be: where the grammar names paths or keys, that leaves a few thousand.
        """
        parts = [self._model.starting_with(byte) for byte in self.first_bytes()]
        return np.concatenate([*parts, np.array(family.ENDS_OF_TURN, dtype=np.int32)])

    def forced(self, limit: int = 200) -> tuple[bytes, bool]:
        """Return the bytes that have to come next, and whether the turn may end behind them.

        As far as there is one way to go on; nothing where the turn may end already.
        """
        found = bytearray()
        ahead = self.clone()
        ended = ahead.may_end()
        try:
            while len(found) < limit and not ended:
                allowed = ahead.first_bytes()
                if len(allowed) != 1:
                    break
                token = int(self._model.single_bytes[allowed[0]])
                if not ahead.allows(token):
                    break
                ahead.accept(token)
                found.append(allowed[0])
                ended = ahead.may_end()
        finally:
            ahead.close()
        return bytes(found), ended

    def ends_within(self, text: bytes) -> bool:
        """Return whether the turn may end behind some beginning of `text`."""
        if not text or not self.allows(int(self._model.single_bytes[text[0]])):
            return False
        ahead = self.clone()
        try:
            for byte in text:
                token = int(self._model.single_bytes[byte])
                if not ahead.allows(token):
                    return False
                ahead.accept(token)
                if ahead.may_end():
                    return True
        finally:
            ahead.close()
        return False

    def may_end(self) -> bool:
        """Return whether the turn may end here."""
        return self.allows(family.IM_END)

    def clone(self) -> Constraint:
        """Return another one at the same place."""
        return Constraint(self._model, lib.llama_sampler_clone(self._sampler))

    def close(self) -> None:
        """Free the compiled grammar."""
        lib.llama_sampler_free(self._sampler)


class Grammars:
    """Compiled grammars by their text: each answer follows a clone."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._compiled: OrderedDict[str, Constraint] = OrderedDict()

    def constraint(self, grammar: Grammar) -> Constraint:
        """Return a fresh constraint, which the caller closes.

        Raises:
            InvalidGrammar: llama.cpp cannot read the grammar.
        """
        pristine = self._compiled.pop(grammar.text, None) or self._compile(grammar)
        self._compiled[grammar.text] = pristine
        if len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)[1].close()
        return pristine.clone()

    def _compile(self, grammar: Grammar) -> Constraint:
        # llama.cpp would take an empty text for no grammar at all, and end a text at a NUL byte.
        if not grammar.text.strip() or "\0" in grammar.text or _is_deep(grammar.text):
            raise _unreadable(grammar)
        try:
            text = grammar.text.encode()
        except UnicodeEncodeError:  # a lone surrogate
            raise _unreadable(grammar) from None
        sampler = lib.llama_sampler_init_grammar(self._model.vocab, text, b"root")
        if not sampler:
            raise _unreadable(grammar)
        return Constraint(self._model, sampler)


def _unreadable(grammar: Grammar) -> InvalidGrammar:
    return InvalidGrammar(f"llama.cpp could not read the grammar of {grammar.origin}")


def _is_deep(text: str) -> bool:
    """Return whether brackets or rules may nest so deep that the stack would overflow."""
    if len(text) < 2 * _DEEPEST:
        return False
    bare = " ".join(_TEXTS.sub(lambda found: '"' if found[0][1:-1] else " ", text).split())
    leading = sum(not (behind or defined) for behind, defined in _NAMES.findall(bare))
    return bare.count("(") + leading > _DEEPEST
