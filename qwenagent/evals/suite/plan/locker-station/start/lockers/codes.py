"""Codes that open a box: box and day, with a check digit, easy to type."""


def check_digit(digits: str) -> str:
    """Return the check digit for a run of digits."""
    total = sum(int(digit) * weight for weight, digit in enumerate(digits, start=2))
    return str(total % 10)


def make_code(box: int, day: int) -> str:
    """Return the code for `box` on `day`: three digits each, and the check digit."""
    if not 0 <= box <= 999:
        raise ValueError(f"box out of range: {box}")
    digits = f"{box:03d}{day % 1000:03d}"
    return digits + check_digit(digits)


def read_code(code: str) -> int:
    """Return the box that `code` is for."""
    digits = code.replace(" ", "")
    if len(digits) != 7 or not digits.isdigit():
        raise ValueError("a code has seven digits")
    if check_digit(digits[:6]) != digits[6]:
        raise ValueError("mistyped code")
    return int(digits[:3])
