"""Where the grammar refused most of what the model wanted for an argument."""

from __future__ import annotations

import json

import pytest

from qwenagent.config import LoopSettings, Settings
from qwenagent.engine import ScriptedEngine
from qwenagent.grammar import Offer, OneOf, Switch
from qwenagent.grammar.calls import OPENING
from qwenagent.loop.editing.asker import Asker, Overruled, Question, header_text
from qwenagent.loop.stop import Stop
from qwenagent.protocol.events import EventStream
from qwenagent.protocol.messages import Completion, Doubt, Message, Sampling, Usage
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import SPECS
from tests.loop_stage import COMMAND, MODULE, Stage, body, make_repository

CODE = (
    "class Store:\n    def save(self):\n        return 1\n\n    def load(self):\n        return 2\n"
)
NAMES = ("Store", "Store.save", "Store.load")
LINE = {"name": "replace_symbol", "arguments": {"path": "a.py", "symbol": "Store.save"}}
SAVE = "    def save(self):\n        return 3\n"


@pytest.mark.parametrize(
    ("wanted", "is_overruled"),
    [("remove", True), ("save", False), (" sav", False), ("Store", True), ("", True)],
)
def test_a_symbol_is_meant_by_the_end_of_its_name(wanted, is_overruled):
    line = json.dumps(LINE)
    doubt = Doubt(line.index("Store") - len(OPENING), "Store", wanted, 0.95, 0.0)
    header = Completion(line.removeprefix(OPENING), "stop", Usage(), (doubt,))
    engine = ScriptedEngine([header, body(SAVE)])
    asker = Asker(engine, EventStream("r", ()), Stop())
    choice = Switch({"a.py": {"symbol": OneOf(NAMES)}})
    action = asker.ask(
        Question(
            messages=(Message("user", "Mend it."),),
            offers=[Offer(SPECS["replace_symbol"], {"path": choice})],
            phase="edit",
            sampling=Sampling(max_tokens=512),
            texts={"a.py": CODE},
        )
    )
    assert action.call is not None
    assert action.overruled == (Overruled("symbol", doubt) if is_overruled else None)


def test_who_looks_for_a_name_that_is_not_there_is_to_add_it(tmp_path):
    tests = "import unittest\n\nfrom calc import less\n\n\nclass Less(unittest.TestCase):\n"
    tests += "    def test_less(self):\n        self.assertEqual(less(5, 3), 2)\n"
    files = {"calc.py": MODULE, "test_calc.py": tests, ".gitignore": "__pycache__/\n"}
    root = make_repository(tmp_path / "repo", files)
    line = header_text(ToolCall("replace_symbol", {"path": "calc.py", "symbol": "add"}))
    doubt = Doubt(line.index('"add"') + 1 - len(OPENING), "add", "less", 0.95, 0.0)
    wrong = Completion(line.removeprefix(OPENING), "stop", Usage(), (doubt,))
    right = header_text(ToolCall("insert_symbol", {"path": "calc.py", "after": "twice"}))
    code = "def less(a, b):\n    return a - b\n"
    stage = Stage(
        root,
        [
            wrong,
            body("def add(a, b):\n    return 0\n"),
            "It is missing.",
            right.removeprefix(OPENING),
            body(code),
        ],
        settings=Settings(loop=LoopSettings(form="symbol")),
    )
    plan = f"- [ ] `calc.py` has to know how to subtract.\n      Test: `{COMMAND}`\n"
    assert stage.run_plan(plan) == 0
    assert stage.states == ["solved"]
    orders = [p.messages[-1].text for p in stage.engine.prompts]
    assert "replace_symbol" in orders[0]
    assert "replace_symbol" not in orders[3]
    assert "insert_symbol" in orders[3]
    assert (root / "calc.py").read_text() == f"{MODULE}\n\n{code}"
