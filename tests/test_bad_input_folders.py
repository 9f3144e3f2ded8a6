"""Folders that cannot be written, by their mode or their disk: told, and the tree is as it was."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests import bad_input_stage
from tests.bad_input_stage import (
    HELP,
    RUN_05,
    SCRIPTED,
    TOP,
    assert_in_order,
    assert_well_told,
    both,
    ended,
    home,
    model,
    settings,
    start,
)
from tests.loop_stage import MODULE

AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
# To root modes mean nothing while it may overrule them.
MODES_COUNT = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if AS_ROOT else ()
NAMESPACE = ("unshare", "-m", "--") if AS_ROOT else ("unshare", "-rm", "--")
MOUNT = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'

# Fixtures, by the names that they have here.
assets, first_project = bad_input_stage.assets, bad_input_stage.first_project
root = bad_input_stage.root


def works(*command: str) -> bool:
    try:
        return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def mounted(options: str, place: Path) -> tuple[str, ...]:
    """What starts a program that sees a small or read-only file system at `place`."""
    return (*NAMESPACE, "sh", "-c", MOUNT, "sh", options, str(place))


@pytest.fixture
def locked_up() -> Iterable[list[Path]]:
    """Folders whose mode is put back, so that they can be deleted."""
    folders: list[Path] = []
    yield folders
    for folder in folders:
        folder.chmod(0o700)


@pytest.mark.skipif(AS_ROOT and not works(*MODES_COUNT), reason="root may write everywhere here")
class TestNoPermission:
    """Of the mode of a folder, which `locked_up` gives back."""

    def run(self, root: Path, args: str) -> tuple[int, str, str]:
        return ended(start(args, SCRIPTED, prefix=MODES_COUNT, cwd=root))

    def test_for_the_state_folder(self, root, locked_up):
        model()(root)
        locked_up.append(home())
        home().chmod(0o500)
        code, _, err = self.run(root, f"{RUN_05} --yes")
        assert code == 4
        wanted = ("no permission to write or read", "state", "look at its owner and mode: ls -ld")
        assert_well_told(err, wanted)
        assert (root / "calc.py").read_text() == MODULE

    def test_for_the_settings(self, root, locked_up):
        both(model(), settings(""))(root)
        locked_up.append(home())
        home().chmod(0o500)
        code, _, err = self.run(root, "models use 0.5b")
        assert code == 2
        wanted = ("config.toml cannot be written: Permission denied", "QWENAGENT_MODEL_NAME")
        assert_well_told(err, wanted)

    def test_for_the_cache(self, root, locked_up):
        locked_up.append(home() / "models")
        (home() / "models").mkdir(parents=True)
        (home() / "models").chmod(0o500)
        code, _, err = self.run(root, "models pull 0.5b")
        assert code == 4
        assert_well_told(err, ("models", "ermission denied"))

    def test_for_a_plan(self, root):
        (root / "plan.md").chmod(0)
        code, _, err = self.run(root, RUN_05)
        assert code == 2
        assert_well_told(err, ("invalid value for 'PLAN...': Path 'plan.md' is not readable", HELP))

    def test_for_the_repository(self, root, locked_up):
        model()(root)
        locked_up.append(root)
        root.chmod(0o500)
        code, out, err = self.run(root, f"{RUN_05} --yes")
        assert (code, err) == (1, "")
        assert_in_order(out, ("calc.py cannot be written: Permission denied", "step 1 blocked"))
        assert (root / "calc.py").read_text() == MODULE


@pytest.mark.skipif(not works(*mounted("size=1m", TOP / "tests")), reason="mounting is not allowed")
class TestSmallDisk:
    def test_a_full_disk_ends_the_run_and_leaves_the_tree(self, root):
        place = home() / "state"
        model()(root)
        place.mkdir()
        small = mounted("size=4k,nr_inodes=8", place)
        code, _, err = ended(start(f"{RUN_05} --yes", SCRIPTED, prefix=small, cwd=root))
        assert code == 4
        assert_well_told(err, ("no space left on the device for", "runs", ".jsonl", "free some"))
        assert (root / "calc.py").read_text() == MODULE

    def test_a_disk_that_is_mounted_read_only(self, root):
        model()(root)
        (home() / "state").mkdir()
        fixed = mounted("ro", home() / "state")
        code, _, err = ended(start(f"{RUN_05} --yes", SCRIPTED, prefix=fixed, cwd=root))
        assert code == 4
        assert_well_told(err, ("is on a file system that is mounted read-only", "mount it"))
