"""What the fields of a step say: commands, files, tests, needs, titles, in many languages."""

import pytest

from qwenagent.plan import Step, commands, parse_plan


def _only(step: str) -> Step:
    (found,) = parse_plan(f"- [ ] {step}").steps
    return found


# Fields


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Test: `pytest -q`", "pytest -q"),
        ("**Test:** `pytest -q` passes", "pytest -q"),
        ("*test*: pytest tests/a.py -k 'x and y'.", "pytest tests/a.py -k 'x and y'"),
        ("TESTS: run pytest -q", "pytest -q"),
        ("- Verify: `$ npm test`", "npm test"),
        ("Test: `go test ./...`", "go test ./..."),
        ("Test: `pytest -q` and `ruff check .`", "pytest -q && ruff check ."),
        ("Test: `pytest` or `make test`", "pytest"),
        ("Test: `PYTHONPATH=. python -m unittest`", "PYTHONPATH=. python -m unittest"),
        ("Test: `scripts/check`", "scripts/check"),
        ("Test: `./run.sh`", "./run.sh"),
        ("Test:\n  `pytest -q`", "pytest -q"),
        ("Test:\n\n  ```console\n  $ pytest -q\n  3 passed\n  ```", "pytest -q"),
        ("    Test:\n\n      ```sh\n      # all\n      make\n      make test\n      ```",
         "make && make test"),
        ("- Test:\n    - `pytest -q`", "pytest -q"),
        ("Test: the new tests pass", None),
        ("Test: make sure that it works", None),
        ("Test: `tests/test_a.py`", None),
        ("Test: `foo()` returns 3", None),
        ("Test:", None),
        ("The test: `pytest -q`", None),
        ("```\n  Test: `pytest -q`\n  ```", None),
    ],
)  # fmt: skip
def test_command_of_a_step(field, expected):
    assert _only(f"a\n  {field}").test == expected


def test_a_fenced_test_is_kept_as_code():
    step = _only("a\n\n  Test (first):\n\n  Test:\n\n  ```js a.test.js\n  ok(1)\n  ```")
    assert (step.test, step.test_code, step.test_lang) == (None, "ok(1)\n", "js a.test.js")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Files: `a.py`, `my docs/b c.md` (new)", ("a.py", "my docs/b c.md")),
        ("File: src\\a.py and ./b.py:12", ("src/a.py", "b.py")),
        ("**Files**: a.py, a.py; Makefile", ("a.py", "Makefile")),
        ("Files:\n  a.py,\n  b/c.d.ts", ("a.py", "b/c.d.ts")),
        ("Files:\n  - `a.py` (new): class `B` in `b.py`\n  - c/\\_\\_init\\_\\_.py - exports", (
            "a.py", "b.py", "c/__init__.py")),
        ("Files: [a](src/a.py)", ("src/a.py",)),
        ("Files: none", ()),
    ],
)  # fmt: skip
def test_files_of_a_step(field, expected):
    assert _only(f"x\n  {field}").files == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("change src/app.py.", ("src/app.py",)),
        ("`src/a.py::test_x` then `b.py:3`", ("src/a.py", "b.py")),
        ("os.path, `foo.bar()`, `a.py()`, self.c and v1.2", ()),
        ("https://x.org/a.py www.y.org/b.py me@x.py github.com/a/b.py", ()),
        ("Node.js, e.g. docs.rs or next.js", ()),
        ("the Makefile, `Dockerfile` and .gitignore", ("Makefile", "Dockerfile", ".gitignore")),
        ("`/etc/passwd.txt` ../../up.py ~/home.py C:\\a.py", ()),
        ("`src/*.py` or `<name>.py`", ()),
        ("run `pytest tests/test_a.py -q`", ("tests/test_a.py",)),
        ("src/data.xyz but not data.xyz, nor src/app/", ("src/data.xyz",)),
        ("src/größe.py, файл.py and a\u0308b.js", ("src/größe.py", "файл.py", "a\u0308b.js")),
        ("修改src/app.py文件 src/app.py를", ("src/app.py",)),
        ("`src/größe.py` und `设计/图.md`", ("src/größe.py", "设计/图.md")),
        ("`app/(auth)/login/page.tsx`", ("app/(auth)/login/page.tsx",)),
        ("`app/(a)/@m/(.)photo/[id]/page.tsx:12`", ("app/(a)/@m/(.)photo/[id]/page.tsx",)),
        ("`npx jest (auth)/a.test.js app/(b)/c.ts`", ("(auth)/a.test.js", "app/(b)/c.ts")),
        ("`f(src/a.py)`, `(src/b.py)`, `c/d.py(x)`, `e/(f)(g)/h.py()`", ("src/a.py", "src/b.py")),
    ],
)
def test_names_mentioned_in_a_step(text, expected):
    assert _only(text).mentions == expected


def test_depends_on_means_the_numbers_as_written():
    text = (
        "## Step 5: a\n\n## Step 6: b\nDepends on: 5\n\n## Step 7: c\nDepends on: steps 5-6, 7, 1\n"
    )
    plan = parse_plan(text)
    assert [step.depends_on for step in plan.steps] == [(), (1,), (1, 2)]
    assert plan.warnings == (
        "step 3: depends on step 7, which does not come before it; ignored",
        "step 3: depends on step 1, which does not exist; ignored",
    )


def test_numbers_that_repeat_are_counted_from_the_top():
    plan = parse_plan(
        "## Phase 1\n- [ ] 1. a\n- [ ] 2. b\n\n## Phase 2\n- [ ] 1. c\n  Depends on: 2\n"
    )
    assert [(step.number, step.title, step.depends_on) for step in plan.steps] == [
        (1, "a", ()),
        (2, "b", ()),
        (3, "c", (2,)),
    ]
    assert plan.warnings == ("several steps have the number 1; steps are counted from the top",)


# Which parts are the steps


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("## Task 1: A\n- [ ] x\n\n## Task 2: B\n- [ ] y\n", ["A", "B"]),
        ("## Phase 1: A\n- [ ] x\n\n## Phase 2: B\n- [ ] y\n", ["x", "y"]),
        ("- Backend\n  - [ ] x\n    - [ ] inner\n- Frontend\n  - [ ] y\n", ["x", "y"]),
        ("## 1. Context\nc\n## 2. A\na\n## 3. B\nb\n", ["A", "B"]),
        ("1. x\n2. y\n\n## Notes\n\n1. z\n", ["x", "y"]),
        ("Steps:\n\n1. x\n2. y\n\nVerification:\n\n1. z\n", ["x", "y"]),
        ("# Plan\n\n## Changes\n### A\n#### A1\n#### A2\n### B\n", ["A", "B"]),
        ("## Changes\n- x\n- y\n\n## Critical files\n- z\n", ["x", "y"]),
        ("1. x\n\n1. y\n\n1. z\n", ["x", "y", "z"]),
        ("Setext\n===\n\nStep 1: A\n---\n\nStep 2: B\n---\n", ["A", "B"]),
        ("- [ ] T001 [x](y) a\n- [ ] 3 new tests\n", ["x a", "3 new tests"]),
        ("- [ ] " + "word " * 40, ["word " * 18 + "word…"]),
        ("+ [ ] **Do**\n  at once\n", ["Do"]),
    ],
)
def test_titles_of_steps(text, titles):
    assert [step.title for step in parse_plan(text).steps] == titles


# The plan's own test


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("Test: `pytest -q`", "pytest -q"),
        ("Run all tests with `make check`.", "make check"),
        ("## Verification\n\nRun `npm install`, then `npm test`.", "npm test"),
        ("## Test plan\n\n```bash\npytest -q\n```", "pytest -q"),
        ("## Testing\n\n`pytest -q` and `ruff check .`", None),
        ("## Verification\n\nOpen `app.html` and look.", None),
    ],
)
def test_test_command_of_the_plan(rest, expected):
    assert parse_plan(f"- [ ] a\n\n{rest}\n").test == expected


def test_commands_are_each_there_once_the_plans_first():
    text = "- [ ] a\n  Test: `pytest a`\n- [ ] b\n  Test: `make t`\n- [ ] c\n  Test: `pytest a`\n"
    plan = parse_plan(f"{text}\n## Verification\n\n`make t`\n")
    assert commands(plan) == ("make t", "pytest a")


def test_hidden_characters_in_a_command_are_reported():
    assert parse_plan("- [ ] a\n  Test: `pytest \u202eq-`\n").warnings == (
        "the command 'pytest \\u202eq-' has characters that do not show",
    )


# Given tests, and fields in other languages


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("Test:\n\n  ```python tests/test_x.py\n  a\n  ```", (None, "a\n", "tests/test_x.py")),
        ('Test:\n  ```js title="test/x.test.js"\n  a\n  ```', (None, "a\n", "test/x.test.js")),
        (
            "Test:\n  ```py\n  # tests/test_x.py\n  ```",
            (None, "# tests/test_x.py\n", "tests/test_x.py"),
        ),
        (
            "Test:\n  ```ts\n  // src/x.test.ts\n  ```",
            (None, "// src/x.test.ts\n", "src/x.test.ts"),
        ),
        (
            "Test in\n  Test: in `tests/test_x.py`:\n\n  ```python\n  a\n  ```",
            (None, "a\n", "tests/test_x.py"),
        ),
        ("Test (tests/test_x.py):\n\n  ```python\n  a\n  ```", (None, "a\n", "tests/test_x.py")),
        (
            "**Test** (`tests/test_x.py`):\n\n  ```python\n  a\n  ```",
            (None, "a\n", "tests/test_x.py"),
        ),
        ("Test:\n\n  ```python\n  a\n  ```", (None, "a\n", "")),
        (
            "Test: `pytest tests/test_x.py::test_a`\n\n  ```py\n  def test_a(): assert 1\n  ```",
            ("pytest tests/test_x.py::test_a", "def test_a(): assert 1\n", "tests/test_x.py"),
        ),
        (
            "Test: `pytest -q`\n\n  In `tests/test_x.py`:\n\n  ```python\n  a\n  ```",
            ("pytest -q", "a\n", "tests/test_x.py"),
        ),
        (
            "Test:\n\n  ```sh\n  pytest -q\n  ```\n\n  ```python tests/test_x.py\n  a\n  ```",
            ("pytest -q", "a\n", "tests/test_x.py"),
        ),
        # Beside a command, a block that is no test is material.
        ("Test: `pytest -q`\n\n  ```python\n  def f(): ...\n  ```", ("pytest -q", None, "")),
        ("Test: `pytest -q`\n\n  The model:\n\n  ```python\n  a\n  ```", ("pytest -q", None, "")),
        ("Test:\n\n  ```python ../test_x.py\n  a\n  ```", (None, "a\n", "")),
        ("Test: none", (None, None, "")),
        ("```python tests/test_x.py\n  a\n  ```", (None, None, "")),
    ],
)
def test_a_test_that_is_given(step, expected):
    found = _only(f"Do it\n  {step}\n")
    assert (found.test, found.test_code, found.test_path) == expected


@pytest.mark.parametrize(
    ("files", "test", "done", "depends"),
    [
        ("Files", "Test", "Done when", "Depends on: step 1"),
        ("Dateien", "Prüfung", "Fertig, wenn", "Hängt ab von: Schritt 1"),
        ("**Betroffene Dateien**", "Testbefehl", "Akzeptanzkriterien", "Abhängig von: 1"),
        ("Fichiers", "Vérification", "Terminé quand", "Dépend de : l'étape 1"),
        ("Fichiers à modifier", "Test", "Critères d'acceptation", "Dépendances : 1"),
        ("Archivos", "Prueba", "Hecho cuando", "Depende de: paso 1"),
        ("Arquivos", "Teste", "Pronto quando", "Depende de: passo 1"),
        ("Ficheiros", "Verificação", "Critérios de aceitação", "Dependências: 1"),
        ("File", "Verifica", "Fatto quando", "Dipende da: passo 1"),
        ("Файлы", "Проверка", "Готово, когда", "Зависит от: шаг 1"),
        ("ファイル", "テスト", "完了条件", "依存: ステップ1"),
        ("対象ファイル", "検証", "受け入れ条件", "依存関係\uff1a1"),
        ("文件", "测试", "完成标准", "依赖\uff1a步骤1"),
        ("파일", "테스트", "완료 조건", "의존: 1단계"),
    ],
)
def test_fields_in_other_languages(files, test, done, depends):
    step = f"b\n  {files}: `x.py`\n  {test}: `pytest`\n  {done}: it works\n  {depends}\n"
    _, found = parse_plan(f"- [ ] a\n- [ ] {step}").steps
    assert (found.title, found.files, found.test, found.done_when, found.depends_on) == (
        ("b", ("x.py",), "pytest", "it works", (1,))
    )


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        ("Escalate: advice", "advice"),
        ("- **Escalate:** `Patch`.", "patch"),
        ("escalate: advice", "advice"),
        ("Escalate: to the manager on duty", None),
        ("Escalate:", None),
        ("Escalation: advice", None),
    ],
)
def test_a_step_may_wish_for_help(line, wish):
    [step] = parse_plan(f"- [ ] Fix `a.py`\n  Files: `a.py`\n  {line}\n").steps
    assert (step.escalate, step.files) == (wish, ("a.py",))
