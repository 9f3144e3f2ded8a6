"""The test that a step of a plan gives as code: its file, and the command that runs it alone."""

from qwenagent.checks.given.written import GivenTest, given_test

__all__ = ["GivenTest", "given_test"]
