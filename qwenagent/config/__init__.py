"""Settings: flags over environment over the repository's file over the user's over defaults.

A repository's own file can only make things stricter: nothing that runs without being asked for,
nothing that leaves the machine. Files named `.env` are never read.
"""

from qwenagent.config.loading import DERIVED, Origin, explain_settings, load_settings
from qwenagent.config.repository import REPOSITORY, REPOSITORY_FILE, AtMost, Lower, RepositoryRule
from qwenagent.config.settings import (
    CommandSettings,
    EscalateSettings,
    GitSettings,
    LoopSettings,
    ModelSettings,
    SandboxSettings,
    Settings,
    TestSettings,
    UiSettings,
    setting_paths,
)
from qwenagent.config.source import user_file
from qwenagent.config.writing import write_user_setting

__all__ = [
    "DERIVED",
    "REPOSITORY",
    "REPOSITORY_FILE",
    "AtMost",
    "CommandSettings",
    "EscalateSettings",
    "GitSettings",
    "LoopSettings",
    "Lower",
    "ModelSettings",
    "Origin",
    "RepositoryRule",
    "SandboxSettings",
    "Settings",
    "TestSettings",
    "UiSettings",
    "explain_settings",
    "load_settings",
    "setting_paths",
    "user_file",
    "write_user_setting",
]
