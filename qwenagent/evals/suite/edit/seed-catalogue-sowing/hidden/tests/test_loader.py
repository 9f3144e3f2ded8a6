import pytest
from seedbook import CatalogueError, Packet, load_catalogue


def error_of(text):
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(text)
    return str(caught.value)


def test_catalogue_without_windows():
    text = "# seeds\n\nT01 | Tomato | 285 | Vegetable, glasshouse,\nB12 | Broad Bean | 240\n"
    assert load_catalogue(text) == [
        Packet("T01", "Tomato", 285, frozenset({"vegetable", "glasshouse"})),
        Packet("B12", "Broad Bean", 240),
    ]


@pytest.mark.parametrize(
    ("column", "window"),
    [
        ("mar-may", (3, 5)),
        ("oct-feb", (10, 2)),
        ("apr", (4, 4)),
        ("apr-apr", (4, 4)),
        ("JAN-Dec", (1, 12)),
        ("  Jun  -  aug  ", (6, 8)),
        ("", None),
        ("   ", None),
    ],
)
def test_window_in_the_fifth_column(column, window):
    packet = Packet("T01", "Tomato", 285, frozenset({"fruit"}), window)
    assert load_catalogue(f"T01|Tomato|285|fruit|{column}") == [packet]


def test_tags_may_be_empty_before_a_window():
    assert load_catalogue("T01 | Tomato | 285 | | sep") == [
        Packet("T01", "Tomato", 285, frozenset(), (9, 9))
    ]


@pytest.mark.parametrize(
    "column",
    [
        "spring",
        "mar-",
        "-mar",
        "mar-may-jul",
        "march-may",
        "3-5",
        "mar may",
        "mar--may",
        "ma-y",
        "-",
    ],
)
def test_bad_window(column):
    text = f"# seeds\nA1 | Aster | 100\n\nT01 | Tomato | 285 | fruit |  {column}  \n"
    assert error_of(text) == f"line 4: bad sowing window '{column}'"


@pytest.mark.parametrize("line", ["T01 | Tomato", "T01", "T01 | Tomato | 285 | fruit | mar | x"])
def test_wrong_number_of_columns(line):
    assert error_of(f"\n{line}") == "line 2: wrong number of columns"


def test_errors_of_before():
    assert error_of("T01 | Tomato | 2.85 | fruit | mar") == "line 1: bad price '2.85'"
    assert error_of(" | Tomato | 285") == "line 1: code or name is missing"
    assert error_of("A | Aster | 1\nA | Aster | 1") == "line 2: code A is used twice"
