"""What of an answer is judged in single calls."""

from __future__ import annotations

import pytest

from qwenagent.evals.arms.single import definitions

FUNCTION = "def double(n):\n    return 2 * n\n"


@pytest.mark.parametrize(
    ("answer", "judged"),
    [
        (FUNCTION, FUNCTION),
        (f"{FUNCTION}\n\nassert double(2) == 5\nprint(double(3))\n", FUNCTION),
        (f"{FUNCTION}\n\nprint(double([5, 5, 5,\n", FUNCTION),
        (
            f"import math\nfrom typing import List\nLIMIT = 3\n\n{FUNCTION}",
            f"import math\nfrom typing import List\nLIMIT = 3\n{FUNCTION}",
        ),
        ("I cannot do that.\n", "I cannot do that.\n"),
    ],
    ids=["nothing else", "an example that fails", "cut short", "what it needs", "no Python"],
)
def test_only_definitions_are_judged(answer, judged):
    assert definitions(answer) == judged
