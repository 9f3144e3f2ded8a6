import pytest
from lockers.codes import check_digit, make_code, read_code


def test_check_digit():
    assert check_digit("002004") == "6"


def test_make_code():
    assert make_code(2, 4) == "0020046"


def test_long_running_station():
    assert make_code(2, 3004) == make_code(2, 4)


def test_box_out_of_range():
    with pytest.raises(ValueError):
        make_code(1000, 4)


def test_read_code():
    assert read_code("002 004 6") == 2


@pytest.mark.parametrize("code", ["", "002004", "00200x4"])
def test_not_a_code(code):
    with pytest.raises(ValueError, match="seven digits"):
        read_code(code)


def test_mistyped():
    with pytest.raises(ValueError, match="mistyped"):
        read_code("0020045")
