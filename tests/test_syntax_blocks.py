import pytest

from qwenagent.syntax import block_end, opens_block


@pytest.mark.parametrize(
    ("line", "opens"),
    [
        (b"if a:", True),
        (b"    for x in y: ", True),
        (b"fn f() {", True),
        (b"late = [", True),
        (b"f(", True),
        (b"a = 1", False),
        (b"", False),
        (b"}", False),
    ],
)
def test_opens_block(line, opens):
    assert opens_block(line) is opens


@pytest.mark.parametrize(
    ("block", "rest"),
    [
        ("if a:\n    b()", "\nc"),
        ("if a:\n    b()\n\n    c()", "\n\nd"),
        ("    if a:\n        b()", "\n    c"),
        ("    if a:\n        b()", "\nc"),
        ("    if a {\n        b();\n    }", "\n"),
        ("    if a {\n        b();\n    }", "\n    c();\n"),
        ("x = [\n    1,\n]", "\n"),
        ("\tif a {\n\t\tb()\n\t}", "\n\treturn"),
        ("if a:", "\nb"),
    ],
)
def test_a_block_ends_before_what_is_not_indented_or_behind_its_bracket(block, rest):
    assert block_end((block + rest).encode()) == len(block.encode())


@pytest.mark.parametrize(
    "text",
    [
        "if a:\n",
        "if a:\n    b()",
        "if a:\n    b()\n",
        "if a:\n    b()\n\n",
        "f {\n  g\n}",
        "f {\n  ",
    ],
)
def test_a_block_may_go_on(text):
    assert block_end(text.encode()) is None
