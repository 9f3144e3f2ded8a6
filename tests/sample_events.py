"""A whole run as records: three steps, one solved, one blocked after a repair, one skipped."""

from collections.abc import Sequence

from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import (
    Answered,
    ApprovalAnswered,
    ApprovalAsked,
    CandidateScored,
    CheckpointMade,
    CommandRan,
    ContextBuilt,
    ContextItem,
    EditApplied,
    Escalated,
    Event,
    Finished,
    LineTried,
    MessageSent,
    PlanStarted,
    Progress,
    Record,
    RunStarted,
    StepEnded,
    StepLine,
    StepStarted,
    TestsRan,
    TestsStarted,
    TokenDelta,
    ToolEnded,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    Warned,
)
from qwenagent.protocol.messages import EngineInfo, Usage
from qwenagent.protocol.tools import ToolCall, ToolResult

RUN_ID = "20261122-051903-9f3a1c"
START = 1_795_000_000.0

ENGINE = EngineInfo("qwen2.5-coder-1.5b-instruct-q4_k_m", "CPU", 8192, 2, "llama.cpp b6700")
PENDING = (
    StepLine("s1", 1, "Fix the rounding of the total in Cart.total"),
    StepLine("s2", 2, "Add a discount code that is checked against an expiry date"),
    StepLine("s3", 3, "Show the discount on the receipt"),
)
SOLVED = StepLine(
    "s1",
    1,
    PENDING[0].title,
    "solved",
    "test_total_rounds is green",
    41.3,
    "3 of 4 passed",
    "4 of 4 passed",
    commit="1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
)
BLOCKED = StepLine(
    "s2",
    2,
    PENDING[1].title,
    "blocked",
    "test_expired stayed red after 2 repairs",
    128.0,
    "4 of 6 passed",
    "4 of 6 passed",
    patch=".qwenagent/attempts/s2.patch",
)
SKIPPED = StepLine("s3", 3, PENDING[2].title, "skipped", "needs step 2")

CODE = """\
    def total(self) -> Decimal:
        \"\"\"Return the sum, rounded to cents.\"\"\"
        return self._sum().quantize(Decimal("0.01"), ROUND_HALF_UP)
"""
CALL = ToolCall("replace_symbol", {"path": "shop/cart.py", "symbol": "Cart.total"}, CODE)
DIFF = """\
diff --git a/shop/cart.py b/shop/cart.py
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -1,4 +1,4 @@
-from decimal import Decimal
+from decimal import ROUND_HALF_UP, Decimal
 
 
 class Cart:
@@ -12,5 +12,6 @@ class Cart:
     def total(self) -> Decimal:
-        return self._sum()
+        \"\"\"Return the sum, rounded to cents.\"\"\"
+        return self._sum().quantize(Decimal("0.01"), ROUND_HALF_UP)
 
     def __len__(self) -> int:
         return len(self._lines)
"""
COMMAND = "python -m pytest -q tests/test_cart.py"
CART = "tests/test_cart.py::"
BASELINE = TestRun(
    COMMAND,
    1,
    0.84,
    "1 failed, 3 passed",
    {
        f"{CART}test_empty": "passed",
        f"{CART}test_add": "passed",
        f"{CART}test_len": "passed",
        f"{CART}test_total_rounds": "failed",
    },
    {
        f"{CART}test_total_rounds": "E  AssertionError: assert Decimal('0.125') == Decimal('0.13')"
        "\ntests/test_cart.py:21: AssertionError"
    },
)
GREEN = TestRun(COMMAND, 0, 0.79, "4 passed", dict.fromkeys(BASELINE.statuses, "passed"))
RED = TestRun(
    "python -m pytest -q",
    1,
    1.32,
    "2 failed, 4 passed",
    {
        **GREEN.statuses,
        "tests/test_codes.py::test_valid": "failed",
        "tests/test_codes.py::test_expired": "failed",
    },
    {
        "tests/test_codes.py::test_valid": "E  NameError: name 'date' is not defined",
        "tests/test_codes.py::test_expired": "E  NameError: name 'date' is not defined",
    },
)
USAGE = Usage(2310, 1804, 120, 4.1, 4.6, 1, 118, 2, 0)
CALL_TEXT = '{"name": "replace_symbol", "arguments": {"path": "shop/cart.py"}}\n```python\n'

BEGIN: tuple[Event, ...] = (
    RunStarted(
        "plan",
        "Money that adds up",
        "/home/ada/src/shop with spaces",
        "qwenagent-money",
        ENGINE,
        PENDING,
        "python -m pytest -q",
        7,
        "0.1.0",
    ),
    PlanStarted("money.md", "Money that adds up", 1, 2, "python -m pytest -q"),
    ApprovalAsked(
        "commands", "The plan runs these commands:", (COMMAND, "make check"), "sha256:ab"
    ),
    ApprovalAnswered(True, "flag", "sha256:ab"),
    TestsStarted(COMMAND, "baseline", 120.0),
    TestsRan(BASELINE, "baseline"),
    CheckpointMade("snapshot", "refs/qwenagent/start", "before the first step"),
)
FIRST: tuple[Event, ...] = (
    StepStarted(1, 3, PENDING[0].title),
    ContextBuilt(
        (
            ContextItem("step", 96),
            ContextItem("file shop/cart.py", 811),
            ContextItem("failing test", 240, "excerpt"),
        ),
        (ContextItem("file README.md", 3120, "no room"),),
        2310,
        5000,
    ),
    TurnStarted(1, "edit"),
    Progress("reading the prompt", 512, 2310, "tokens"),
    Progress("reading the prompt", 2310, 2310, "tokens"),
    TokenDelta(CALL_TEXT),
    *(TokenDelta(line) for line in CODE.splitlines(keepends=True)),
    TokenDelta("```"),
    TurnEnded(1, "stop", USAGE),
    ToolStarted(CALL),
    EditApplied("shop/cart.py", "changed", DIFF, 3, 2),
    ToolEnded(CALL, ToolResult("replaced Cart.total", details={"summary": "3 lines"}), 0.02),
    TestsStarted(COMMAND, "step", 120.0),
    TestsRan(GREEN, "step"),
    CandidateScored(0, 4, 0, 1, 0, (1, 4, 0), True),
    CheckpointMade("commit", SOLVED.commit, "Fix the rounding of the total"),
    StepEnded(SOLVED, USAGE),
)
READ = ToolCall("read_file", {"path": "shop/codes.py", "start": 1, "end": 40})
REFUSED = ToolCall("write_file", {"path": "shop/cart.py"}, "class Cart:\n    pass\n")
ESCALATED = Escalated(
    kind="advice",
    provider="deepseek",
    model="deepseek-chat",
    reason="the step's tests are red: test_expired",
    outcome="answered",
    sent=(
        ContextItem("the step", 410, ""),
        ContextItem("the failing test", 962, "2 line(s) withheld"),
        ContextItem("file shop/codes.py", 1204, "1 secret(s) replaced"),
    ),
    left_out=(ContextItem("shop/prices.py", 0, "local_only"),),
    n_bytes=3105,
    redacted=1,
    fresh=871,
    cached=120,
    out=212,
    micro_dollars=1830,
    request=17,
    step_key="9f3a1c",
    host="api.deepseek.com",
    text="Import `date` from `datetime`.\nCompare `expires` with `date.today()`.\n",
)
CAPPED = Escalated(
    kind="patch",
    provider="anthropic",
    model="claude-sonnet-4-5",
    reason="the step's tests are red: test_expired",
    outcome="capped",
    sentence="the cap of $0.50 for a step is reached",
    step_key="9f3a1c",
)
SECOND: tuple[Event, ...] = (
    StepStarted(2, 3, PENDING[1].title),
    TurnStarted(1, "gather"),
    TurnEnded(1, "stop", USAGE),
    ToolStarted(READ),
    ToolEnded(READ, ToolResult("1: import re\n2:\n3: CODES = {}\n"), 0.003),
    TurnStarted(2, "edit"),
    TokenDelta("one", 0),
    TokenDelta("eins", 1),
    TokenDelta("two", 0),
    TurnEnded(2, "length", USAGE),
    ToolStarted(REFUSED),
    ToolEnded(
        REFUSED,
        ToolResult("shop/cart.py exists; call rewrite_file or replace_symbol", is_error=True),
        0.001,
    ),
    Warned("the answer was cut off after 120 tokens", "raise max_tokens or split the step"),
    TestsStarted("python -m pytest -q", "regression", 120.0),
    TestsRan(RED, "regression"),
    CandidateScored(1, 4, 2, 0, 0, (0, 4, -2), False),
    TurnStarted(3, "repair"),
    TurnEnded(3, "repetition", USAGE),
    TurnStarted(4, "repair"),
    LineTried("shop/cart.py", 12, "    return 0", "    return one", "one is not defined"),
    LineTried("shop/cart.py", 12, "    return 0", "    return 1", "", 5, 1, True),
    LineTried("shop/cart.py", 9, "    total = 0", "", "", 4, 2),
    TurnEnded(4, "stop", USAGE),
    ESCALATED,
    CAPPED,
    CheckpointMade("rollback", SOLVED.commit, "after step 1"),
    StepEnded(BLOCKED, USAGE + USAGE),
)
END: tuple[Event, ...] = (
    StepStarted(3, 3, PENDING[2].title),
    StepEnded(SKIPPED, Usage()),
    Finished(
        1,
        "1 of 3 steps solved, 1 blocked, 1 skipped",
        (SOLVED, BLOCKED, SKIPPED),
        USAGE + USAGE + USAGE + USAGE,
        171.2,
        "qwenagent-money",
        DIFF,
        (
            "git diff main...qwenagent-money  # see everything",
            "git merge --squash qwenagent-money  # take it as one commit",
        ),
    ),
)


SESSION: tuple[Event, ...] = (
    RunStarted(
        "session", "What is total?", "/home/ada/src/shop", "main", ENGINE, (), "", 7, "0.1.0"
    ),
    MessageSent("What is total?"),
    TurnStarted(1, "answer"),
    ContextBuilt((ContextItem("file shop/cart.py", 210),), (), 320, 5000),
    TokenDelta("The **sum**.\n\n```python\nreturn self._sum()\n```\n\nIt is"),
    TokenDelta(" not rounded"),
    TurnEnded(1, "cancelled", Usage(320, 0, 20, 2.0, 1.0, 1)),
    Answered(
        "The **sum**.\n\n```python\nreturn self._sum()\n```\n\nIt is not rounded", "cancelled"
    ),
    MessageSent("Round it"),
    RunStarted(
        "task", "Round it", "/home/ada/src/shop", "main", ENGINE, PENDING[:1], COMMAND, 7, "0.1.0"
    ),
    StepStarted(1, 1, "Round it"),
    EditApplied("shop/cart.py", "changed", DIFF, 3, 2),
    StepEnded(SOLVED, USAGE),
    Finished(0, "every step was done", (SOLVED,), USAGE, 41.3, "main", DIFF, ("git restore .",)),
    CommandRan("/undo", "undone: task 'Round it'\n"),
    Finished(0, "the session was ended", (SOLVED,), USAGE, 60.0, "main", "", ("qwenagent log",)),
)
"""A conversation: a question whose answer is stopped, a task, a command."""


def records(events: Sequence[Event] = (), every_s: float = 1.5) -> list[Record]:
    """Number the events (default: the whole sample) as a run does."""
    step, numbered = "", []
    for number, event in enumerate(events or (*BEGIN, *FIRST, *SECOND, *END), start=1):
        if isinstance(event, StepStarted):
            step = f"s{event.number}"
        numbered.append(Record(event, RUN_ID, number, START + number * every_s, step))
        if isinstance(event, StepEnded):
            step = ""
    return numbered
