import pytest

from qwenagent.errors import InvalidGrammar
from qwenagent.grammar import Recogniser, accepts
from tests.grammar_tables import INVALID, TABLES, Table


def _verdict(gbnf: str, text: str) -> str:
    recogniser = Recogniser(gbnf)
    alive = recogniser.feed(text)
    assert alive == recogniser.alive
    if recogniser.complete:
        return "sentence"
    return "beginning" if alive else "dead"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_tables(table: Table) -> None:
    texts = {
        **dict.fromkeys(table.accepted, "sentence"),
        **dict.fromkeys(table.rejected, "dead"),
        **dict.fromkeys(table.prefixes, "beginning"),
    }
    assert len(texts) == len(table.accepted + table.rejected + table.prefixes)
    assert {text: _verdict(table.gbnf, text) for text in texts} == texts


@pytest.mark.parametrize(("gbnf", "message"), INVALID, ids=lambda value: value[:40])
def test_what_cannot_be_read_is_refused_with_its_line(gbnf: str, message: str) -> None:
    with pytest.raises(InvalidGrammar) as raised:
        Recogniser(gbnf)
    assert message in raised.value.message


def test_every_beginning_of_a_sentence_is_alive() -> None:
    for table in TABLES:
        for sentence in table.accepted:
            recogniser = Recogniser(table.gbnf)
            assert all(recogniser.feed(char) for char in sentence), (table.name, sentence)
            assert recogniser.complete


def test_a_dead_recogniser_stays_dead() -> None:
    recogniser = Recogniser('root ::= "ab"')
    assert [recogniser.feed(text) for text in ("a", "x", "b", "")] == [True, False, False, False]
    assert not recogniser.complete
    assert recogniser.next_chars() == ()


def test_text_may_come_in_any_pieces() -> None:
    whole = Recogniser('root ::= "a"* "é"')
    pieces = Recogniser('root ::= "a"* "é"')
    assert whole.feed("aaé")
    assert [pieces.feed(piece) for piece in ("", "a", "aé")] == [True, True, True]
    assert whole.complete
    assert pieces.complete


def test_stacks_may_grow_high() -> None:
    gbnf = 'root ::= "(" root ")" | "x"'
    assert accepts(gbnf, "(" * 20_000 + "x" + ")" * 20_000)
    assert not accepts(gbnf, "(" * 20_000 + "x" + ")" * 19_999)


def test_a_long_text_under_an_ambiguous_grammar() -> None:
    assert accepts('root ::= word*\nword ::= ("a" | "aa" | "aaa") "b"?', "ab" * 2_000 + "a" * 2_000)


def test_a_rule_that_may_be_empty_may_stand_before_others() -> None:
    assert accepts('root ::= a b root2\na ::= "x"*\nb ::= a\nroot2 ::= "y" | a', "xxxy")
