import pytest
from seedbook import Packet

BEAN = Packet("B12", "Broad Bean Early Jack", 240, frozenset({"vegetable"}), (10, 2))


def test_packet_without_a_window():
    packet = Packet("T01", "Tomato Ruby Drop", 285)
    assert packet.sow is None
    assert packet.sow_text() == "-"
    assert not any(packet.sowable_in(month) for month in range(1, 13))


@pytest.mark.parametrize(
    ("window", "months"),
    [
        ((3, 5), [3, 4, 5]),
        ((4, 4), [4]),
        ((10, 2), [1, 2, 10, 11, 12]),
        ((12, 1), [1, 12]),
        ((1, 12), list(range(1, 13))),
    ],
)
def test_sowable_in(window, months):
    packet = Packet("X", "Any", 100, sow=window)
    assert [month for month in range(1, 13) if packet.sowable_in(month)] == months


@pytest.mark.parametrize(
    ("window", "text"),
    [((3, 5), "mar-may"), ((4, 4), "apr"), ((10, 2), "oct-feb"), ((12, 9), "dec-sep")],
)
def test_sow_text(window, text):
    assert Packet("X", "Any", 100, sow=window).sow_text() == text


def test_what_packets_could_do_before():
    assert BEAN.has_tags(frozenset({"vegetable"}))
    assert not BEAN.has_tags(frozenset({"vegetable", "annual"}))
    assert BEAN.price_text() == "2.40"
