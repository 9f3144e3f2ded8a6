"""Plans of every kind of step over a project with one wrong function."""

from __future__ import annotations

from pathlib import Path

from qwenagent.config import LoopSettings, Settings
from qwenagent.protocol.events import Warned
from tests.loop_stage import Stage

CALC = "def add(a, b):\n    return a - b\n"
FIXED = CALC.replace("a - b", "a + b")
THOUGHT = "The operator is wrong."
ONE_TRY = Settings(loop=LoopSettings(repairs=0))
GIVEN = """- [ ] Fix `add` in `calc.py`.
      Test:

      ```python
      # test_calc.py
      import unittest

      from calc import add


      class Add(unittest.TestCase):
          def test_add(self):
              self.assertEqual(add(2, 3), 5)
      ```
"""
GIVEN_FILE = """# test_calc.py
import unittest

from calc import add


class Add(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 3), 5)
"""


def status(root: Path) -> str:
    return Stage(root).git("status", "--porcelain")


def warnings(stage: Stage) -> str:
    return "\n".join(event.message for event in stage.events(Warned))
