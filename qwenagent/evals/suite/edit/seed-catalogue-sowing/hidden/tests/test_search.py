import pytest
from seedbook import Packet, Query, find

ASTER = Packet("A1", "Aster Dusk", 150, frozenset({"flower"}), (3, 4))
BEAN = Packet("B1", "Broad Bean Early Jack", 240, frozenset({"vegetable"}), (10, 2))
CRESS = Packet("C1", "Cress Plain", 90, frozenset({"vegetable"}), (1, 12))
TOMATO = Packet("T1", "Tomato Ruby Drop", 285, frozenset({"vegetable"}))
ALL = [TOMATO, CRESS, BEAN, ASTER]


def test_query_without_a_month_finds_packets_without_a_window():
    assert find(ALL, Query()) == [ASTER, BEAN, CRESS, TOMATO]


@pytest.mark.parametrize(
    ("month", "found"),
    [
        (1, [BEAN, CRESS]),
        (3, [ASTER, CRESS]),
        (4, [ASTER, CRESS]),
        (5, [CRESS]),
        (10, [BEAN, CRESS]),
        (12, [BEAN, CRESS]),
    ],
)
def test_month(month, found):
    assert find(ALL, Query(month=month)) == found


def test_month_is_combined_with_the_other_conditions():
    assert find(ALL, Query(words="bean", month=11)) == [BEAN]
    assert find(ALL, Query(words="bean", month=6)) == []
    assert find(ALL, Query(tags=frozenset({"flower"}), month=3)) == [ASTER]
    assert find(ALL, Query(max_price=100, month=1)) == [CRESS]


@pytest.mark.parametrize("month", [0, 13, -1])
def test_month_that_does_not_exist(month):
    for packets in (ALL, []):
        with pytest.raises(ValueError) as caught:
            find(packets, Query(month=month))
        assert str(caught.value) == f"month must be 1 to 12, not {month}"


def test_field_comes_last():
    assert Query("bean", frozenset(), 300, 11) == Query(words="bean", max_price=300, month=11)


def test_conditions_of_before():
    assert find(ALL, Query(words="jack EARLY")) == [BEAN]
    assert find(ALL, Query(max_price=150)) == [ASTER, CRESS]
    assert find(iter(ALL), Query(tags=frozenset({"vegetable"}))) == [BEAN, CRESS, TOMATO]
