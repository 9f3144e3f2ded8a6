import pytest

from qwenagent.sandbox import is_secret, scrubbed


@pytest.mark.parametrize(
    "name",
    [
        *("API_KEY", "OPENAI_API_KEY", "KEY", "SSH_KEY2", "ENCRYPTION_KEYS", "MYAPIKEY"),
        *("GITHUB_TOKEN", "GITHUBTOKEN", "npm_token", "ciJobToken", "TOKEN1"),
        *("CLIENT_SECRET", "DB_PASSWORD", "dbPassword", "db.password", "MYSQL_PWD", "PGPASSWORD"),
        *("MY_PASSWD", "SMTP_PASS", "CREDENTIALS", "NPM_AUTH", "_authToken", "SESSION_COOKIE"),
        *("PHP_SESSION", "FOO_API_URL", "AWS_PROFILE", "AZURE_TENANT_ID", "SUDO_ASKPASS"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "SSH_AUTH_SOCK", "GIT_ASKPASS", "GIT_DIR"),
        *("QWENAGENT_HOME", "GITLAB_PAT", "SENTRY_DSN"),
    ],
)
def test_secrets_are_known_by_name(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "LANG", "PWD", "OLDPWD", "MONKEY", "KEYBOARD_LAYOUT", "AUTHOR"),
        *("AUTHORS_FILE", "TOKENIZERS_PARALLELISM", "SECRETARY", "COMPASS", "KEYMAP", "PASSAGE"),
        *("AWSOME", "GITLAB_URL", "RAPID_MODE", "API_URL", "PATTERN", "CI", "VIRTUAL_ENV"),
        *("DIGITS", "SSHD", "PYTHONPATH", "CARGO_HOME", "HOKEY_POKEY"),
    ],
)
def test_look_alikes_stay(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("https://user:pw@index.example/simple", True),
        ("postgres://me:p/w@localhost/db", True),
        ("https://ghp_abc@host/repo", True),
        ("redis://:pw@host", True),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII", True),
        ("https://index.example/simple", False),
        ("ssh://git@host/repo", False),
        ("postgres://localhost/db", False),
        ("a:b@c", False),
        ("http://host:8080/a@b", False),
    ],
)
def test_secrets_are_known_by_value(value, secret):
    assert is_secret("PIP_INDEX_URL", value) is secret


def test_scrubbed_keeps_the_rest_and_asks_for_plain_output():
    environ = {
        "PATH": "/bin",
        "HOME": "/home/änne",
        "LANG": "C.UTF-8",
        "CI": "true",
        "TERM": "xterm-256color",
        "FORCE_COLOR": "3",
        "PYTHONSAFEPATH": "1",
        "MY_TOKEN": "s3cret",
    }
    before = dict(environ)
    assert scrubbed(environ) == {
        "PATH": "/bin",
        "HOME": "/home/änne",
        "LANG": "C.UTF-8",
        "CI": "true",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
    }
    assert environ == before


def test_without_a_path_the_system_s_default_is_used():
    assert scrubbed({})["PATH"]
