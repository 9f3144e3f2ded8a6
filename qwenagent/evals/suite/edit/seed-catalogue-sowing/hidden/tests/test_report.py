from seedbook import Packet, table

TOMATO = Packet("T01", "Tomato Ruby Drop", 1285)
CRESS = Packet("C1", "Cress", 90)
BEAN = Packet("B12", "Bean", 240, frozenset(), (10, 2))
ASTER = Packet("A1", "Aster", 150, frozenset(), (4, 4))


def test_no_packets():
    assert table([]) == "no packets"


def test_table_without_windows_is_as_before():
    assert table([TOMATO, CRESS]).splitlines() == [
        "Code  Name              Price",
        "----  ----------------  -----",
        "T01   Tomato Ruby Drop  12.85",
        "C1    Cress              0.90",
        "2 packets, 13.75",
    ]


def test_column_for_the_windows():
    assert table([BEAN, TOMATO, ASTER]).splitlines() == [
        "Code  Name              Price  Sow",
        "----  ----------------  -----  -------",
        "B12   Bean               2.40  oct-feb",
        "T01   Tomato Ruby Drop  12.85  -",
        "A1    Aster              1.50  apr",
        "3 packets, 16.75",
    ]


def test_short_windows_only():
    assert table([ASTER]).splitlines() == [
        "Code  Name   Price  Sow",
        "----  -----  -----  ---",
        "A1    Aster   1.50  apr",
        "1 packets, 1.50",
    ]


def test_no_blanks_at_the_end_of_a_line():
    for packets in ([TOMATO, CRESS], [BEAN, TOMATO, ASTER]):
        assert all(line == line.rstrip() for line in table(packets).splitlines())
