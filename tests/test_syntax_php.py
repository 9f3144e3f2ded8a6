from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.syntax import fence_info, header, symbols, syntax_error
from tests.syntax_stage import check_any, cuts, found, names, replaced, source

PHP = """\
#!/usr/bin/env php
<?php
/* Licence. */

declare(strict_types=1);

namespace Shop\\Stock;

use Shop\\Row;

const LIMIT = 10, OTHER = 2;
$config = ['debug' => false];
$add = fn($a, $b) => $a + $b;
[$x, $y] = [1, 2];

/** Keeps rows. */
#[Entity]
#[Table('rows')]
final class Store extends Base implements Countable
{
    use Logs;

    const KEYS = ['a'];
    public int $size = 0;
    public string $name { get => 'x'; }

    public function __construct(private array $rows = []) {}

    /** Saves. */
    #[Route('/save')]
    public static function save(Row $row): void
    {
        $local = function () { return 1; };
        function hidden() {}
    }

    abstract protected function load(): array;
}

interface Shape
{
    public function area(): float;
}

trait Logs
{
    private function log(string $größe): void {}
}

enum Suit: string
{
    case Hearts = 'H';

    public function label(): string { return 'x'; }
}

if (!function_exists('helper')) {
    $inner = 1;
    function helper(): int { return 1; }
}

$made = new class { public function hidden() {} };
?>
<ul>
<?php foreach ($rows as $row): ?>
  <li><?= $row ?></li>
<?php endforeach; ?>
</ul>
<?php
function &late()
{
    return 1;
}
"""


def test_symbols() -> None:
    assert found("src/Store.php", PHP) == [
        ("LIMIT", "value", 11, 11, "const LIMIT = 10, OTHER = 2;"),
        ("OTHER", "value", 11, 11, "const LIMIT = 10, OTHER = 2;"),
        ("$config", "value", 12, 12, "$config = ['debug' => false];"),
        ("$add", "function", 13, 13, "$add = fn($a, $b) => $a + $b;"),
        ("Store", "type", 17, 38, "final class Store extends Base implements Countable"),
        (
            "Store.__construct",
            "function",
            27,
            27,
            "public function __construct(private array $rows = []) {}",
        ),
        ("Store.save", "function", 30, 35, "public static function save(Row $row): void"),
        ("Store.load", "function", 37, 37, "abstract protected function load(): array;"),
        ("Shape", "type", 40, 43, "interface Shape"),
        ("Shape.area", "function", 42, 42, "public function area(): float;"),
        ("Logs", "type", 45, 48, "trait Logs"),
        ("Logs.log", "function", 47, 47, "private function log(string $größe): void {}"),
        ("Suit", "type", 50, 55, "enum Suit: string"),
        ("Suit.label", "function", 54, 54, "public function label(): string { return 'x'; }"),
        ("helper", "function", 59, 59, "function helper(): int { return 1; }"),
        ("$made", "value", 62, 62, "$made = new class { public function hidden() {} };"),
        ("late", "function", 70, 73, "function &late()"),
    ]


def test_namespaces_with_braces_are_symbols() -> None:
    text = (
        "<?php\nnamespace A\\B {\n    const ONE = 1;\n    class X { function f() {} }\n}\n"
        "namespace {\n    function g() {}\n}\n"
    )
    assert found("a.php", text) == [
        ("A.B", "type", 2, 5, "namespace A\\B {"),
        ("A.B.ONE", "value", 3, 3, "const ONE = 1;"),
        ("A.B.X", "type", 4, 4, "class X { function f() {} }"),
        ("A.B.X.f", "function", 4, 4, "class X { function f() {} }"),
        ("g", "function", 7, 7, "function g() {}"),
    ]


def test_the_body_of_an_edit_needs_no_tag() -> None:
    assert names("a.php", "class A { function f() {} }\n") == ["A", "A.f"]
    assert names("a.php", "<h1>class A { }</h1>\n") == []
    assert names("a.php", "Hello. This is a page.\n") == []


def test_replacing_leaves_the_rest(repo: Path) -> None:
    old = source("a.php", PHP, "Store.save")
    new = "    public static function save(): void\n    {\n        flush();\n    }"
    after = PHP.replace(old, new)
    assert after != PHP
    body = "public static function save(): void\n{\n    flush();\n}\n"
    assert replaced(repo, "a b.php", PHP, "Store.save", body) == after.encode()
    crlf = replaced(repo, "c.php", PHP.replace("\n", "\r\n"), "Store.save", body)
    assert crlf == after.replace("\n", "\r\n").encode()
    in_class = f"class Store\n{{\n{new}\n}}\n"
    assert replaced(repo, "d.php", PHP, "Store.save", in_class) == after.encode()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return 'x';", "return 'x' .;", "line 54: syntax error at"),
        ("case Hearts = 'H';", "case Hearts = ;", "line 52: syntax error"),
        ("<?php endforeach; ?>", "", "syntax error"),
    ],
)
def test_a_new_error_is_told(old: str, new: str, message: str) -> None:
    assert PHP.count(old) == 1
    assert message in syntax_error("a.php", PHP, PHP.replace(old, new))


def test_good_text_and_old_errors_are_fine() -> None:
    assert syntax_error("a.php", "", PHP) == ""
    assert syntax_error("a.php", "", "<h1>Hello</h1>\n") == ""
    assert syntax_error("a.php", "", "<?php\n// nothing yet\n") == ""
    broken = "<?php\nfunction f( {}\n"
    assert syntax_error("a.php", "", broken) != ""
    assert syntax_error("a.php", broken, broken + "function g() {}\n") == ""


def test_code_without_its_tag_is_an_error() -> None:
    code = "function f() {\n    return 1;\n}\n"
    message = "line 1: no `<?php` before the code"
    assert syntax_error("a.php", f"<?php\n{code}", code) == message
    assert syntax_error("a.php", "", code) == message
    assert syntax_error("a.php", code, code + code.replace("f", "g")) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PHP, "#!/usr/bin/env php\n<?php\n/* Licence. */\n\n"),
        ("<?php\n\nnamespace A;\n", "<?php\n\n"),
        ("<?php echo 1;\n", ""),
        ("<html>\n<?php echo 1;\n", ""),
    ],
)
def test_the_tag_is_in_the_header(text: str, expected: str) -> None:
    assert header("a.php", text) == expected
    assert fence_info("a.php") == "php"


def test_deep_and_long_texts() -> None:
    rows = "\n".join(f"function f{i}() {{}}" for i in range(5_000))
    text = f"<?php\n{rows}\n$x = {'(' * 3_000}1{')' * 3_000};\n"
    assert len(symbols("a.php", text)) == 5_001


@settings(max_examples=40, deadline=None)
@given(st.text() | cuts(PHP))
def test_any_text_has_symbols_within_it(text: str) -> None:
    check_any("a.php", text)
