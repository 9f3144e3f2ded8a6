from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.syntax import fence_info, header, symbols, syntax_error
from tests.syntax_stage import check_any, cuts, found, names, replaced, source

JAVA = """\
/* Licence. */

package shop.stock;

import java.util.List;

/** Keeps rows. */
@Entity
@Table(name = "rows")
public class Store<T extends Row> extends Base implements Closeable {
    static final int LIMIT = 10;
    private final Runnable task = new Runnable() {
        @Override public void run() { class Hidden {} }
    };
    static {
        Runnable r = () -> {};
    }

    @Inject
    public Store(List<T> rows) {
        super(rows);
    }

    public Store() { this(List.of()); }

    /** Saves. */
    @Override
    @Deprecated(since = "2")
    public <U> List<U> save(U row) throws IOException {
        class Local { void hidden() {} }
        return List.of(row);
    }

    abstract int size();

    enum Color {
        RED { int code() { return 1; } },
        BLUE;

        int code() { return 0; }
    }

    interface Shape {
        int SIDES = 3;
        double area();
        default double twice() { return 2 * area(); }
    }

    record Point(int x, int y) {
        Point { check(x); }
        static Point zero() { return new Point(0, 0); }
    }

    @interface Marked { String value() default ""; }
}

sealed interface Größe permits Klein {}
"""


def test_symbols() -> None:
    assert found("src/Store.java", JAVA) == [
        (
            "Store",
            "type",
            8,
            55,
            "public class Store<T extends Row> extends Base implements Closeable {",
        ),
        ("Store.Store", "function", 19, 22, "public Store(List<T> rows) {"),
        ("Store.Store#2", "function", 24, 24, "public Store() { this(List.of()); }"),
        (
            "Store.save",
            "function",
            27,
            32,
            "public <U> List<U> save(U row) throws IOException {",
        ),
        ("Store.size", "function", 34, 34, "abstract int size();"),
        ("Store.Color", "type", 36, 41, "enum Color {"),
        ("Store.Color.RED.code", "function", 37, 37, "RED { int code() { return 1; } },"),
        ("Store.Color.code", "function", 40, 40, "int code() { return 0; }"),
        ("Store.Shape", "type", 43, 47, "interface Shape {"),
        ("Store.Shape.area", "function", 45, 45, "double area();"),
        (
            "Store.Shape.twice",
            "function",
            46,
            46,
            "default double twice() { return 2 * area(); }",
        ),
        ("Store.Point", "type", 49, 52, "record Point(int x, int y) {"),
        ("Store.Point.Point", "function", 50, 50, "Point { check(x); }"),
        (
            "Store.Point.zero",
            "function",
            51,
            51,
            "static Point zero() { return new Point(0, 0); }",
        ),
        ("Store.Marked", "type", 54, 54, '@interface Marked { String value() default ""; }'),
        (
            "Store.Marked.value",
            "function",
            54,
            54,
            '@interface Marked { String value() default ""; }',
        ),
        ("Größe", "type", 57, 57, "sealed interface Größe permits Klein {}"),
    ]


def test_a_file_without_a_class() -> None:
    text = "int limit = 3;\nvoid main() {\n    int local = 1;\n}\n"
    assert found("A.java", text) == [
        ("limit", "value", 1, 1, "int limit = 3;"),
        ("main", "function", 2, 4, "void main() {"),
    ]


def test_annotations_belong_to_a_symbol_and_doc_comments_do_not() -> None:
    lines = source("Store.java", JAVA, "Store.save").split("\n")
    assert [lines[0].strip(), lines[-1]] == ["@Override", "    }"]


def test_replacing_leaves_the_rest(repo: Path) -> None:
    crlf = JAVA.replace("\n", "\r\n")
    body = "public <U> List<U> save(U row) {\n    return null;\n}\n"
    old = source("Store.java", JAVA, "Store.save")
    new = "    public <U> List<U> save(U row) {\n        return null;\n    }"
    after = JAVA.replace(old, new)
    assert after != JAVA
    assert replaced(repo, "Store.java", JAVA, "Store.save", body) == after.encode()
    written = replaced(repo, "My Store.java", crlf, "Store.save", body)
    assert written == after.replace("\n", "\r\n").encode()


def test_a_method_in_its_class_replaces_the_method_alone(repo: Path) -> None:
    text = "class A {\n    int one() { return 1; }\n    int two() { return 2; }\n}\n"
    body = "class A {\n    int two() { return 3; }\n}\n"
    after = b"class A {\n    int one() { return 1; }\n    int two() { return 3; }\n}\n"
    assert replaced(repo, "A.java", text, "A.two", body) == after


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("super(rows);", "super(rows;", "line 21: syntax error at 'super(rows;'"),
        ("        BLUE;\n", "        BLUE\n", "line 38: syntax error at 'BLUE'"),
        ("return List.of(row);\n    }", "return List.of(row);", "syntax error"),
    ],
)
def test_a_new_error_is_told(old: str, new: str, message: str) -> None:
    assert JAVA.count(old) == 1
    assert message in syntax_error("Store.java", JAVA, JAVA.replace(old, new))


def test_good_text_and_old_errors_are_fine() -> None:
    assert syntax_error("Store.java", "", JAVA) == ""
    broken = "class A { int f( { return 1; } }\n"
    assert syntax_error("A.java", "", broken) != ""
    assert syntax_error("A.java", broken, broken + "class B {}\n") == ""


def test_the_licence_is_the_header() -> None:
    assert header("Store.java", JAVA) == "/* Licence. */\n\n"
    assert fence_info("Store.java") == "java"


def test_deep_and_long_texts() -> None:
    rows = "\n".join(f"    int f{i}() {{ return {i}; }}" for i in range(5_000))
    deep = "int x = " + "(" * 3_000 + "1" + ")" * 3_000 + ";"
    text = f"class A {{\n{rows}\n}}\n{deep}\n"
    assert names("A.java", text)[:2] == ["A", "A.f0"]
    assert len(symbols("A.java", text)) == 5_002


@settings(max_examples=40, deadline=None)
@given(st.text() | cuts(JAVA))
def test_any_text_has_symbols_within_it(text: str) -> None:
    check_any("A.java", text)
