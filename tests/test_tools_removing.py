import pytest

from qwenagent.tools import may_go

PASTED = (
    "Write `fee`; nothing else is to be dropped.\n\n---\nThe tests failed:\n\n```\n"
    "E   ImportError: cannot import name 'fee'\n    from a import fee, total\n```\n"
)


@pytest.mark.parametrize(
    ("request_text", "goes"),
    [
        ("Delete `total`.", True),
        ("Keep `total` as it is.", False),
        ("Refactor a.py.\n\n`total` and `fee` become one.", True),
        ("Tidy up.\n\nRemove these functions:\n\n- `fee`\n- `total`\n", True),
        ("Tidy up.\n\nRemove these:\n- `fee`\n- `total`\n", True),
        ("Add these:\n- `fee`, instead of a number\n- `total`\n", False),
        ("Add seasons.\n\nThey run over the turn of the year.\n\nFix `total`.", False),
        ("Tidy up.\n\nRemove these:\n- `fee`\n\nThen write `total`.", False),
        ("Write `fee`.\n\n```python\nfrom a import total  # no longer used\n```\n", True),
        (PASTED, False),
    ],
)
def test_what_may_go(request_text, goes):
    assert may_go("total", request_text) is goes
