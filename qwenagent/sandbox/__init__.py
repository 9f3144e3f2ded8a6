"""Runs the project's commands apart from this program: what they see and use up is a policy's."""

from qwenagent.sandbox.box import Box
from qwenagent.sandbox.candidate import Candidate
from qwenagent.sandbox.confine import Ran, find_program, run
from qwenagent.sandbox.environment import is_secret, scrubbed
from qwenagent.sandbox.explain import explain
from qwenagent.sandbox.output import clean_output
from qwenagent.sandbox.policy import PROTECTED, Level, Limits, Network, Overlay, Policy
from qwenagent.sandbox.probes import Probe, prove
from qwenagent.sandbox.sandbox import Sandbox

__all__ = [
    "PROTECTED",
    "Box",
    "Candidate",
    "Level",
    "Limits",
    "Network",
    "Overlay",
    "Policy",
    "Probe",
    "Ran",
    "Sandbox",
    "clean_output",
    "explain",
    "find_program",
    "is_secret",
    "prove",
    "run",
    "scrubbed",
]
