"""The agent over suites of tasks: tried, judged in isolation, counted, compared.

A row of results has everything that is needed to get it again.
"""

from qwenagent.evals.arms import (
    AgentArm,
    Arm,
    CallArm,
    CommandArm,
    IdleArm,
    InsideArm,
    OracleArm,
    PlainArm,
)
from qwenagent.evals.askers import ASKERS
from qwenagent.evals.comparison import (
    Comparison,
    compare,
    compare_kinds,
    comparison_text,
)
from qwenagent.evals.evaluation import Chosen, Watcher, choose, evaluate, one_at_a_time
from qwenagent.evals.grading import Grade, Grader
from qwenagent.evals.plot import plot
from qwenagent.evals.provenance import (
    changed_settings,
    checkout_commit,
    code_digest,
    libraries,
    machine,
)
from qwenagent.evals.report import COLUMNS, grouped, markdown, summary_row
from qwenagent.evals.rows import (
    Machine,
    Row,
    Setup,
    append_row,
    read_all_rows,
    read_rows,
    require_writable,
)
from qwenagent.evals.shipped import shipped_tasks
from qwenagent.evals.study import FORMS, ONE_ANSWER, EditForm, study_table
from qwenagent.evals.suites import load_tasks, select
from qwenagent.evals.task import Check, Kind, Task
from qwenagent.evals.trial import Trial
from qwenagent.evals.watching import COLUMNS as TASK_COLUMNS
from qwenagent.evals.watching import Progress, row_cells

__all__ = [
    "ASKERS",
    "COLUMNS",
    "FORMS",
    "ONE_ANSWER",
    "TASK_COLUMNS",
    "AgentArm",
    "Arm",
    "CallArm",
    "Check",
    "Chosen",
    "CommandArm",
    "Comparison",
    "EditForm",
    "Grade",
    "Grader",
    "IdleArm",
    "InsideArm",
    "Kind",
    "Machine",
    "OracleArm",
    "PlainArm",
    "Progress",
    "Row",
    "Setup",
    "Task",
    "Trial",
    "Watcher",
    "append_row",
    "changed_settings",
    "checkout_commit",
    "choose",
    "code_digest",
    "compare",
    "compare_kinds",
    "comparison_text",
    "evaluate",
    "grouped",
    "libraries",
    "load_tasks",
    "machine",
    "markdown",
    "one_at_a_time",
    "plot",
    "read_all_rows",
    "read_rows",
    "require_writable",
    "row_cells",
    "select",
    "shipped_tasks",
    "study_table",
    "summary_row",
]
