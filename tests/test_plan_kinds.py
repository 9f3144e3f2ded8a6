"""What steps ask for: an edit, a command, or something left to the user; by sentences."""

import pytest

from qwenagent.plan import commands, parse_plan

EDITS = [
    "run pytest and fix what fails",
    "Run `pytest` and fix what fails",
    "Run the linter and correct the warnings",
    "Add `requests` to pyproject.toml",
    "Add zod to package.json",
    "Install `requests` and add a client in src/client.py",
    "Install a signal handler in main.py",
    "Install the exception hook",
    "Release the lock in `pool.py`",
    "Release the lock",
    "Push the item onto the stack",
    "Push notifications for new orders",
    "Publish an event when the order is paid",
    "Publish the event to the queue",
    "Deploy command: print the URL",
    "Migrate the tests to pytest",
    "Migrate the database layer to async",
    "Ask the user for confirmation before deleting",
    "Rotate log files daily",
    "Buy button: disable while loading",
    "Create a pull request template",
    "Merge the two branches of the if in `f`",
    "Add a `deploy` target to the Makefile",
    "Open the file in binary mode",
    "Check the token in the browser before sending",
    "Run hooks before `git commit`",
    "Run `git status` when the panel opens and show the result",
    "Check `docker compose` version in doctor",
    "Notify users when a build fails",
    "Make tests pass",
    "go fix it",
    "Enable gzip in settings.py",
    "Create a settings page",
    "Set the timeout in the config",
    "Upgrade to Python 3.12 syntax",
    "Write a migration that adds the column",
    "Document how to install the package in README.md",
    "Order the results by date",
    "Tag each metric with the host",
    "Wait for the lock",
    "Commit the transaction",
    "Test the parser with empty input",
    "Verify the signature with `hmac.compare_digest`",
    "Update dependencies in package.json",
    "Datenbank-Schicht auf async umstellen",
    "Tests für den Parser schreiben",
    "Ajouter `zod` à package.json",
    "ログインをリリースノートに追加する",
    "Run the parser in a thread",
    "Run the migrations command: add `--fake`",
    "Open a connection to the server",
    "Merge the PR template into `docs/pr.md`",
    "Restart the animation when the tab opens",
    "Register the domain events in `bus.py`",
    "Check for WebGL support in the browser",
    "Ask the user whether to overwrite",
    "Set the token in the header",
    "Rename the release script",
    "Install command: print the version",
    "Announce the version in the footer",
    "Pip-Paket in pyproject.toml aufnehmen",
    "Déployer un gestionnaire d'erreurs dans `app.py`",
    "Crear un botón para publicar",
    "デプロイ用スクリプトを書く",
    "Run `pytest` from `tools/check.py` and show the result",
    "Run `npm run build` if anything fails",
    "Release the GIL around `f`",
    "Push to the queue in `q.py`",
    "Push changes to subscribers",
    "Commit changes in the transaction wrapper",
    "Publish the package metadata endpoint",
    "Create a branch node in the AST",
    "Create a branch for each condition",
    "Start the server in tests with a fixture",
    "Start the worker on import",
    "Create a release object",
    "Tag the commit message with the id",
    "Deploy the function on button click",
    "Roll out the changes of the layout",
    "Release a new version of the lock",
    "Buy a button component",
    "Backup the database before each test in conftest",
    "Restore the database connection after a timeout",
    "Dump the database schema as JSON",
    "Update DNS records view",
    "Open the app in a browser on start",
    "Open the dashboard in the browser when `--open` is given",
    "Restart the service on failure",
    "Apply migrations on startup",
    "Install packages in the container image",
    "Install dependencies lazily",
    "Human: parse names",
    "Allow editing in the admin dashboard",
    "Add a link to the Grafana dashboard",
    "Store tokens in the vault",
    "Rotate refresh tokens",
    "Request approval from the user before running",
    "Ask users whether to overwrite",
    "Notify the team about failed builds",
    "Open a PR automatically",
    "Create a pull request for each update",
    "Set debug to false in production",
    "Token im Browser prüfen",
    "Knopf zum Deployen",
    "Desplegar el menú a la izquierda",
    "Déployer le menu sur clic",
    "ロックをリリースする",
    "Comprar un producto",
    "Verify the signature manually",
    "Migrationen beim Start ausführen",
    "Create an account page",
    "Ask the customer for their address",
    "Deploy keys in the settings model",
]
YOURS = [
    "Install `requests`",
    "Install the dependencies",
    "`pip install requests`",
    "Run `npm install`",
    "npm install",
    "Install Redis locally",
    "Add the dependency with `npm install zod`",
    "Run the database migrations",
    "Run `alembic upgrade head`",
    "Migrate the production database",
    "Apply the migration to staging",
    "Release version 1.2.0",
    "Deploy to production",
    "Deploy the app to staging",
    "Publish to PyPI",
    "Publish the package",
    "Push the branch",
    "Open a PR",
    "Open a pull request with the changes",
    "Merge the PR",
    "Commit the changes",
    "Rotate the API key",
    "Rotate the Stripe secrets in Vault",
    "Set `STRIPE_KEY` in the GitHub repository secrets",
    "Enable branch protection in the GitHub repository settings",
    "Update the DNS record",
    "Buy a domain",
    "Ask the team whether the old API can go",
    "Manually test the login page",
    "Check the page in a browser",
    "Open the app in your browser and check the colours",
    "Start the dev server",
    "Create a branch",
    "Tag the release",
    "Cut a release",
    "Delete the old bucket (manual)",
    "[manual] Compare the two PDFs",
    "Manual: look at the logs",
    "You: choose the colours",
    "Abhängigkeiten installieren",
    "Datenbank migrieren",
    "Auf dem Server deployen",
    "Pull Request öffnen",
    "Seite im Browser prüfen",
    "Installer les dépendances",
    "Déployer en production",
    "Vérifier la page dans le navigateur",
    "Instalar las dependencias",
    "Desplegar en producción",
    "依存パッケージをインストールする",
    "本番環境にデプロイする",
    "ブラウザで表示を確認する",
    "Run `docker compose up -d`",
    "Run `./scripts/deploy.sh staging`",
    "Run `make deploy`",
    "Finally, push to origin",
    "Commit the changes and open a PR",
    "Wait for CI",
    "Ask Anna whether the colours are right",
    "Schedule a meeting with the team",
    "Upload the wheel to PyPI",
    "Start the app in staging (manual)",
    "変更をプッシュする",
    "\uff08手動\uff09請求書を確認する",
    "Ouvrir une pull request",
    "Comprar un dominio",
    "Deploy",
    "Deploy to Vercel",
    "Deploy the new version to production",
    "Install the development dependencies with `pip install -e .`",
    "Install dependencies",
    "Wait for review",
    "Test the login manually",
    "Start the local dev server and check the page",
    "Rotate the API keys",
    "Set the environment variable `X` on the server",
    "Tag v1.2.0",
    "Merge the branch into main",
    "Publish the release",
    "Buy a licence",
    "Ask the team",
    "Run migrations on staging",
    "Apply migrations to the production database",
    "Create a branch `feature/x`",
    'Commit the changes with message "x"',
    "Auf Staging deployen",
    "Installer `zod`",
]
COMMANDS = {
    "Run `make fmt`": "make fmt",
    "Run the full test suite: `pytest`": "pytest",
    "Regenerate the lock of snapshots with `python tools/gen.py`": "python tools/gen.py",
    "Run `npx prettier --write .` to fix the formatting": "npx prettier --write .",
    "Run `pytest -q` and make sure everything passes": "pytest -q",
    "Run `pytest`. All tests must pass.": "pytest",
    "Execute `npm run build`": "npm run build",
    "Update the snapshots with `npm test -- -u`": "npm test -- -u",
    "Verify that `npm run build` succeeds": "npm run build",
    "Format the code with `ruff format .`": "ruff format .",
    "`make fmt`": "make fmt",
    "pytest -q": "pytest -q",
    "Run `ruff check .` and `mypy src`": "ruff check . && mypy src",
    "Run `python manage.py makemigrations`": "python manage.py makemigrations",
    "Führe `make fmt` aus": "make fmt",
    "`make fmt` ausführen": "make fmt",
    "Alle Tests ausführen: `pytest -q`": "pytest -q",
    "Lancer tous les tests : `pytest -q`": "pytest -q",
    "Ejecutar `make fmt`": "make fmt",
    "`pytest -q` を実行する": "pytest -q",
    "テストを実行する: `pytest -q`": "pytest -q",
    "运行 `pytest`": "pytest",
    "Run mytool: `tools/regen --all`": "tools/regen --all",
    "Full test suite: `cargo test`": "cargo test",
    "Run `npm test` in `web/`": "npm test",
    "Build the docs with `make docs`": "make docs",
    "Run `make update-snapshots`": "make update-snapshots",
    "Run `python scripts/report.py` and check that no line is empty": "python scripts/report.py",
}


def _asked(text: str) -> tuple[str, str | None]:
    (step,) = parse_plan(f"- [ ] {text}\n").steps
    return step.kind, step.command


def test_no_sentence_is_there_twice():
    assert len({*EDITS, *YOURS, *COMMANDS}) == len(EDITS) + len(YOURS) + len(COMMANDS)


@pytest.mark.parametrize("text", EDITS)
def test_edits(text):
    assert _asked(text) == ("edit", None)


@pytest.mark.parametrize("text", YOURS)
def test_what_is_left_to_the_user(text):
    assert _asked(text) == ("you", None)


@pytest.mark.parametrize(("text", "command"), COMMANDS.items())
def test_commands(text, command):
    assert _asked(text) == ("command", command)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What the plan says itself wins.
        ("Add `f` to a.py\n  Kind: for you", ("you", None)),
        ("Deploy to production\n  Kind: edit", ("edit", None)),
        ("Deploy with `tools/ship --all`\n  **Kind:** command", ("command", "tools/ship --all")),
        ("Format\n  Kind: command\n\n  ```sh\n  make fmt\n  make lint\n  ```",
         ("command", "make fmt && make lint")),
        ("Everything\n  Kind: command\n  Test: `pytest -q`", ("command", "pytest -q")),
        ("Add `f` to a.py\n  Art: manuell", ("you", None)),
        ("Add `f` to a.py\n  種類: 手動", ("you", None)),
        ("Add `f(type)` to a.py\n  Type: string", ("edit", None)),
        ("Regenerate all (command): `tools/gen --all`", ("command", "tools/gen --all")),
        # A title that only announces what follows.
        ("Final verification\n  - Run `pytest -q`\n  - Run `ruff check .`",
         ("command", "pytest -q && ruff check .")),
        ("**Verify**\n\n  ```bash\n  npm test\n  npm run lint\n  ```",
         ("command", "npm test && npm run lint")),
        ("Run all tests\n  Test: `make test`", ("command", "make test")),
        ("Run all tests", ("edit", None)),
        ("Run `make fmt`\n\n  All files should be unchanged after a second run.\n"
         "  Done when: no diff", ("command", "make fmt")),
        # Anything to be edited makes it an edit.
        ("Run `pytest`\n  - fix what fails", ("edit", None)),
        ("Run `pytest`\n  Files: `a.py`", ("edit", None)),
        ("Run `pytest`\n\n  ```python\n  x = 1\n  ```", ("edit", None)),
        ("Run `pytest`\n  Test:\n\n  ```python\n  assert f()\n  ```", ("edit", None)),
        ("Deploy to production\n  - add the URL to `app/urls.py`", ("edit", None)),
        ("Install `zod`\n  Files: `package.json`", ("edit", None)),
        ("Publish to PyPI\n\n  ```yaml\n  on: push\n  ```", ("edit", None)),
        # One command from outside makes the step the user's.
        ("Set up\n  Kind: for you\n\n  ```sh\n  npm ci\n  ```", ("you", None)),
        ("Run `npm ci` and `npm test`", ("you", None)),
        ("Install the dependencies\n\n  ```sh\n  pip install -r requirements.txt\n  ```",
         ("you", None)),
        ("**Deploy to staging**\n  The pipeline is in `deploy.yml`, as before.", ("edit", None)),
        ("**Deploy to staging**\n  It takes ten minutes.", ("you", None)),
    ],
)  # fmt: skip
def test_whole_steps(text, expected):
    assert _asked(text) == expected


def test_a_command_step_without_a_command_is_an_edit_and_said_so():
    plan = parse_plan("- [ ] Run the generator\n  Kind: command\n")
    assert (plan.steps[0].kind, plan.warnings) == (
        "edit",
        ("step 1: is of the kind command, but names none; taken for an edit",),
    )


def test_a_kind_that_is_none_is_said_so():
    plan = parse_plan("- [ ] a\n  Kind: refactoring\n")
    what = "`Kind:` is 'refactoring', which is none of edit, command and you; ignored"
    assert (plan.steps[0].kind, plan.warnings) == ("edit", (f"step 1: {what}",))


def test_commands_of_steps_have_to_be_approved():
    plan = parse_plan("Test: `tox`\n\n- [ ] Run `make fmt`\n  Test: `pytest`\n- [ ] b\n")
    assert commands(plan) == ("tox", "make fmt", "pytest")


def test_the_digest_is_over_the_text_alone():
    def digest(text: str) -> str:
        return parse_plan(text).steps[0].digest

    assert digest("- [ ] Run `make fmt`\n") == digest("## Steps\n\n3. Run `make fmt`\n")
    assert digest("- [ ] a\n  Kind: edit\n") != digest("- [ ] a\n  Kind: for you\n")
