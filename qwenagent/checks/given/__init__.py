"""The test that a step of a plan gives as code: its file, and the command that runs it alone."""

from qwenagent.checks.given.written import GivenTest, Place, given_test, place_for

__all__ = ["GivenTest", "Place", "given_test", "place_for"]
