"""Whole documents in the shapes that models and people write, and the whole values they become."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from qwenagent.plan import Plan, Step, parse_plan, read_plan

PLANS = Path(__file__).parent / "data" / "plans"
# Read here: the settings of the person who runs the tests are taken away from each test.
UPDATE = bool(os.environ.get("QWENAGENT_UPDATE_SNAPSHOTS"))


def _step(number: int, line: int, title: str, *lines: str, **fields: Any) -> Step:
    given: dict[str, Any] = {
        "files": (),
        "mentions": (),
        "test": None,
        "test_code": None,
        "test_lang": "",
        "done_when": "",
        "depends_on": (),
        "checked": False,
        **fields,
    }
    text = "\n".join(lines)
    return Step(number=number, title=title, text=text, line=line, digest="", **given)


def _plan(
    title: str, preamble: list[str], test: str | None, steps: list[Step], warnings: list[str]
) -> Plan:
    return Plan("", title, "\n".join(preamble), test, tuple(steps), tuple(warnings), "")


def _bare(plan: Plan) -> Plan:
    """Take away what the tests of digests are about, and the path of this checkout."""
    steps = tuple(replace(step, digest="") for step in plan.steps)
    return replace(plan, path="", steps=steps, digest="")


def _unusable(step: int, name: str) -> str:
    what = "is not the path of a file inside the repository"
    return f"step {step}: {name!r} in `Files:` {what}; ignored"


EXPECTED = {
    "bold.md": _plan(
        "bold",
        ["Make it fast.", "", "Ask before deleting."],
        None,
        [
            _step(
                1,
                3,
                "Measure",
                "**Step 1: Measure**",
                "",
                "Write `bench/run.py`.",
                mentions=("bench/run.py",),
            ),
            _step(
                2,
                7,
                "Improve",
                "**Step 2: Improve**",
                "",
                "Test: open the page and look",
                done_when="open the page and look",
            ),
        ],
        [],
    ),
    "checkboxes.md": _plan(
        "Notes app",
        ["Standard library only. Run all tests with `python -m unittest`.", "", "- forgot the box"],
        "python -m unittest",
        [
            _step(
                1,
                5,
                "notes/model.py: a dataclass Note with id: int, text: str and done: bool = False.",
                "Step 1 - `notes/model.py`: a dataclass `Note` with `id: int`,",
                "`text: str` and `done: bool = False`.",
                "Files: `notes/model.py`, notes/__init__.py (new)",
                "Test: `python -m unittest tests.test_model`",
                files=("notes/model.py", "notes/__init__.py"),
                mentions=("notes/model.py", "notes/__init__.py"),
                test="python -m unittest tests.test_model",
                checked=True,
            ),
            _step(
                2,
                9,
                "notes/store.py: a class Store(path)",
                "Step 2 - `notes/store.py`: a class `Store(path)`",
                "    Depends on: step 1",
                "    Done when: a new `Store` on the same path",
                "    sees the notes.",
                "- [x] keep ids",
                "- [ ] lock the file",
                mentions=("notes/store.py",),
                done_when="a new Store on the same path sees the notes.",
                depends_on=(1,),
            ),
            _step(
                3,
                16,
                "notes/cli.py",
                "Step 3 - `notes/cli.py`",
                "Depends on: steps 1 and 2, 9",
                mentions=("notes/cli.py",),
                depends_on=(1, 2),
            ),
        ],
        [
            "the item in line 15 has no checkbox, unlike the steps around it",
            "step 3: depends on step 9, which does not exist; ignored",
        ],
    ),
    "claude.md": _plan(
        "Round prices to cents",
        [
            "## Context",
            "",
            "Totals in `shop/` are floats: https://example.com/floats.py says why that hurts.",
        ],
        "pytest -q",
        [
            _step(
                1,
                9,
                "shop/money.py (new)",
                "### `shop/money.py` (new)",
                "",
                "- A class `Money` on top of `decimal.Decimal`.",
                "- `Money.round()` rounds half up.",
                mentions=("shop/money.py",),
            ),
            _step(
                2,
                14,
                "shop/cart.py",
                "### `shop/cart.py`",
                "",
                "`Cart.total()` returns `Money`:",
                "",
                "```python",
                "# 1. not a step",
                "def total(self):",
                "    ...",
                "```",
                mentions=("shop/cart.py",),
            ),
            _step(
                3,
                24,
                "Tests",
                "### Tests",
                "",
                "Cover `shop/money.py` in tests/test_money.py.",
                mentions=("shop/money.py", "tests/test_money.py"),
            ),
        ],
        [],
    ),
    "cursor.md": _plan(
        "Dark mode",
        [],
        "npm test -- --run",
        [
            _step(
                1,
                11,
                "Add theme tokens",
                "### 1. Add theme tokens",
                "",
                "In [src/theme.ts](src/theme.ts), add `dark`.",
                mentions=("src/theme.ts",),
            ),
            _step(
                2,
                15,
                "Use them",
                "### 2. Use them",
                "",
                "Touch `src/app/[id]/page.tsx` and `package.json`;",
                "not Node.js or `window.document`.",
                mentions=("src/app/[id]/page.tsx", "package.json"),
            ),
        ],
        [],
    ),
    "german.md": _plan(
        "Plan: Preise",
        [
            "## Hintergrund",
            "",
            "Preise sind Zahlen.",
            "",
            "## Hinweise",
            "",
            "Nur Standardbibliothek.",
        ],
        None,
        [
            _step(
                1,
                9,
                "Modell in preise/modell.py anlegen",
                "Modell in `preise/modell.py` anlegen",
                mentions=("preise/modell.py",),
            ),
            _step(
                2,
                10,
                "Übersicht in preise/größe.py ändern",
                "Übersicht in `preise/größe.py` ändern",
                "Test: `pytest -q`",
                mentions=("preise/größe.py",),
                test="pytest -q",
            ),
        ],
        ["the step in line 12 is empty; left out"],
    ),
    "headings.md": _plan(
        "Move to async",
        ["## Overview", "All I/O becomes async."],
        None,
        [
            _step(
                1,
                6,
                "Client",
                "## Step 1: Client",
                "**Files to modify:**",
                "- `net/client.py` - holds `Client`",
                "- [session](net/session.py)",
                "",
                "**Test:**",
                "```python tests/test_client.py",
                "def test_get():",
                '    assert get("/") == 200',
                "```",
                files=("net/client.py", "net/session.py"),
                mentions=("net/client.py", "net/session.py", "tests/test_client.py"),
                test_code='def test_get():\n    assert get("/") == 200\n',
                test_lang="python tests/test_client.py",
                test_path="tests/test_client.py",
            ),
            _step(
                2,
                17,
                "Server",
                "## Step 2 - Server",
                "",
                "- [ ] accept loop",
                "- [x] shutdown",
                "",
                "#### Acceptance criteria",
                "- starts in 1 s",
                "- stops cleanly",
                "",
                "Depends on: 1",
                done_when="starts in 1 s; stops cleanly",
                depends_on=(1,),
            ),
            _step(
                3,
                30,
                "Write the docs in README.md.",
                "## Step 3",
                "",
                "Write the docs in README.md.",
                "",
                "```bash",
                "# build",
                "$ make docs",
                "built 3 pages",
                "```",
                "Verify: the pages look right",
                mentions=("README.md",),
                done_when="the pages look right",
            ),
        ],
        [],
    ),
    "japanese.md": _plan(
        "価格の計算",
        ["## 背景", "", "浮動小数点をやめる。"],
        "pytest -q tests",
        [
            _step(
                1,
                9,
                "price/model.pyを追加する",
                "`price/model.py`を追加する",
                mentions=("price/model.py",),
            ),
            _step(
                2,
                10,
                "price/cart.pyを変更し、合計を返す",
                "price/cart.pyを変更し、合計を返す",
                "Test\uff1a`pytest -q`",
                mentions=("price/cart.py",),
                test="pytest -q",
            ),
        ],
        [],
    ),
    "numbered.md": _plan(
        "Faster search",
        [
            "We index once and look up often.",
            "",
            "## Implementation plan",
            "",
            "Questions go to the team.",
        ],
        None,
        [
            _step(
                1,
                7,
                "Build the index in search/index.py:10-20",
                "**Build the index** in `search/index.py:10-20`",
                "1. one pass over the documents",
                "2. lower-case words",
                mentions=("search/index.py",),
            ),
            _step(
                2, 10, "Look it up", "Look it up:", "", "```python", "def find(word): ...", "```"
            ),
            _step(
                3,
                16,
                "Remove search\\scan.py and _old.py",
                "Remove `search\\scan.py` and \\_old.py",
                mentions=("search/scan.py", "_old.py"),
            ),
        ],
        ["the section 'Risks' in line 20 belongs to no step; ignored"],
    ),
    "openspec.md": _plan(
        "openspec",
        ["## 2. API", "Answers are JSON."],
        None,
        [
            _step(
                1,
                2,
                "Schema in db/schema.sql",
                "1.1 Schema in `db/schema.sql`",
                mentions=("db/schema.sql",),
            ),
            _step(2, 3, "Migration", "1.2 Migration", "Depends on: 1.1", depends_on=(1,)),
            _step(
                3,
                9,
                "Route in api/routes.rb",
                "2.1 Route in `api/routes.rb`",
                "",
                "```ruby",
                'get "/"',
                "```",
                mentions=("api/routes.rb",),
            ),
            _step(4, 15, "Docs", "2.2 Docs", "Depends on: 1.1-1.2, 2.1", depends_on=(1, 2, 3)),
        ],
        ["the verification has 2 commands; write `Test:` before the one that tests every step"],
    ),
    "short.md": _plan(
        "Two things",
        [],
        None,
        [
            _step(
                1,
                2,
                "add export_csv to store.py",
                "add `export_csv` to store.py",
                mentions=("store.py",),
            ),
            _step(2, 3, "add a flag", "add a flag"),
        ],
        [],
    ),
    "table.md": _plan(
        "Report",
        ["| File | Why |", "|------|-----|", "| `report/a.py` | 1. sums |"],
        None,
        [
            _step(
                1,
                7,
                "Numbers",
                "## Phase 1: Numbers",
                "",
                "| Column | From |",
                "|--------|------|",
                "| total  | `report/sum.py` |",
                mentions=("report/sum.py",),
            ),
            _step(
                2,
                13,
                "Letters",
                "## Phase 2: Letters",
                "Files: report/letters.py, report/*.txt, /etc/passwd, ../up.py",
                "Depends on: Phase 1",
                files=("report/letters.py",),
                mentions=("report/letters.py",),
                depends_on=(1,),
            ),
        ],
        [_unusable(2, "report/*.txt"), _unusable(2, "/etc/passwd"), _unusable(2, "../up.py")],
    ),
    "tricky_code.md": _plan(
        "Parser for plans",
        [
            "~~~markdown",
            "- [ ] no step",
            "1. no step",
            "## Step 9: no step",
            "~~~",
            "",
            "    - [ ] indented code",
            "",
            "> - [ ] a quotation",
        ],
        None,
        [
            _step(
                1,
                19,
                "write md/read.py",
                "write `md/read.py`",
                "",
                "````md",
                "- [ ] no step",
                "```",
                "# Step 7",
                "```",
                "````",
                mentions=("md/read.py",),
            ),
            _step(
                2,
                27,
                "write md/write.py",
                "write `md/write.py`",
                "Test:",
                "```sh",
                "cd md",
                "pytest -q \\",
                "  tests/",
                "```",
                mentions=("md/write.py",),
                test="cd md && pytest -q tests/",
            ),
        ],
        [],
    ),
}


SNAPSHOTS = sorted({path.name for path in PLANS.glob("*.md")} - set(EXPECTED))
"""Longer documents, whose values stand beside them; QWENAGENT_UPDATE_SNAPSHOTS=1 rewrites these."""


def test_every_document_has_its_expected_values():
    assert set(EXPECTED) <= {path.name for path in PLANS.glob("*.md")}
    assert {Path(name).stem for name in SNAPSHOTS} == {p.stem for p in PLANS.glob("*.json")}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_long_document(name):
    snapshot = PLANS / Path(name).with_suffix(".json").name
    # As JSON has it: lists for tuples.
    read = json.loads(json.dumps(asdict(_bare(read_plan(PLANS / name)))))
    if UPDATE:
        text = json.dumps(read, indent=1, ensure_ascii=False)
        snapshot.write_text(text + "\n", encoding="utf-8", newline="\n")
    assert read == json.loads(snapshot.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_document(name):
    assert _bare(read_plan(PLANS / name)) == EXPECTED[name]


@pytest.mark.parametrize("name", [*EXPECTED, *SNAPSHOTS])
@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_and_a_bom_change_nothing(name, line_end):
    text = (PLANS / name).read_text(encoding="utf-8")
    assert parse_plan("\ufeff" + text.replace("\n", line_end)) == parse_plan(text)


def test_sixty_steps_keep_order_and_numbers():
    text = "# Long\n\n" + "".join(f"- [ ] Step {n}: change `m{n}.py`\n" for n in range(1, 61))
    assert _bare(parse_plan(text)).steps == tuple(
        _step(n, n + 2, f"change m{n}.py", f"Step {n}: change `m{n}.py`", mentions=(f"m{n}.py",))
        for n in range(1, 61)
    )
