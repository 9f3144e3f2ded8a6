"""The map of the repository: what is on it, in which order, and that it stays small."""

from __future__ import annotations

from pathlib import Path

from qwenagent.loop.editing import repomap
from qwenagent.loop.editing.repomap import repository_map
from qwenagent.plan import parse_plan
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import make_repository

FILES = {
    "shop/cart.py": "class Cart:\n    def add(self, item):\n        return item\n",
    "shop/deep/tax.py": "def rate(country):\n" + "    # by country\n" * 300 + "    return 0\n",
    "main.py": "def main():\n    pass\n",
    "blank.py": "\n",
    "constants.py": "A = 1\n",
    "tests/test_cart.py": "def test_add():\n    pass\n",
    "notes.md": "# Notes\n",
}


def mapped(folder: Path, files: dict[str, str], plan: str) -> str:
    tree = Workspace(Repository.open(make_repository(folder / "r", files)))
    return repository_map(parse_plan(plan), tree, lambda text: len(text) // 4)


def test_what_the_plan_names_comes_first_then_what_is_nearer_to_the_root(tmp_path):
    assert mapped(tmp_path, FILES, "- [ ] Tax in `shop/deep/tax.py`\n") == (
        "shop/deep/tax.py\n"
        "    def rate(country):\n"
        "constants.py\n"
        "    A = 1\n"
        "main.py\n"
        "    def main():\n"
        "shop/cart.py\n"
        "    class Cart:\n"
        "        def add(self, item):"
    )


def test_it_is_cut_at_whole_files_and_long_ones_at_a_number(tmp_path):
    many = "".join(f"def fun_{i}():\n    pass\n\n\n" for i in range(repomap.MAX_ROWS + 7))
    text = mapped(tmp_path, {f"m{i:02}.py": many for i in range(30)}, "- [ ] Do it\n")
    assert len(text) // 4 <= repomap.MAP_TOKENS
    assert text.endswith("    ... 7 more")
    assert text.startswith("m00.py\n    def fun_0():\n")


def test_a_repository_that_can_be_shown_as_it_is_has_none(tmp_path):
    small = {**FILES, "shop/deep/tax.py": "def rate(country):\n    return 0\n"}
    assert mapped(tmp_path, small, "- [ ] Tax in `shop/deep/tax.py`\n") == ""


def test_nothing_known_is_no_map(tmp_path):
    assert mapped(tmp_path, {"notes.md": "# Notes\n"}, "- [ ] Do it\n") == ""
