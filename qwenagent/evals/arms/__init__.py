"""Who is given a task: the agent, one plain call of the model, another agent, or nobody."""

from qwenagent.evals.arms.arm import Arm, Attempt, Effort
from qwenagent.evals.arms.command import AgentArm, CommandArm
from qwenagent.evals.arms.fixed import IdleArm, OracleArm
from qwenagent.evals.arms.inside import InsideArm
from qwenagent.evals.arms.plain import PlainArm
from qwenagent.evals.arms.single import CallArm

__all__ = [
    "AgentArm",
    "Arm",
    "Attempt",
    "CallArm",
    "CommandArm",
    "Effort",
    "IdleArm",
    "InsideArm",
    "OracleArm",
    "PlainArm",
]
