from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.syntax import fence_info, header, symbols, syntax_error
from tests.syntax_stage import check_any, cuts, found, names, replaced, source

C = """\
/* Licence. */

#include <stdio.h>
#ifndef LIMIT
#define LIMIT 10
#endif
#define MAX(a, b) \\
    ((a) > (b) ? (a) : (b))
#define EMPTY

typedef struct node {
    struct node *next;
    int (*visit)(int);
} Node, *NodeList;
typedef unsigned char uint8_t;
typedef int (*callback)(void *);
struct opaque;

struct point {
    int x;
    union { int a; float b; } u;
} origin = {0}, *last;
enum color { RED, GREEN };
union value { int i; };

static int total(const int *rows, size_t n);
extern int verbose;
int (*handler)(int) = NULL;
static const char *names[] = { "a", "b" };
int a, *b;

/* Sums. */
static int
total(const int *rows, size_t n)
{
    struct hidden { int x; } local;
    return rows[0];
}

char **split(const char *text) { return NULL; }
int (*chosen(int which))(int) { return handler; }
EXPORT int exported(void) { return 1; }
int old_style(a, b) int a; char b; { return a; }
static inline __attribute__((unused)) void naïve(void) {}

#ifdef _WIN32
void quit(void) { ExitProcess(0); }
#else
void quit(void) { exit(0); }
#endif

int main(int argc, char *argv[])
{
    list_for_each(item, head) {
        visit(item);
    }
    return 0;
}
"""

HEADER = """\
// Licence.
#ifndef STORE_H
#define STORE_H
#ifdef __cplusplus
extern "C" {
#endif

#define STORE_MAX 3
struct store;
API struct store *store_open(const char *path);
void store_close(struct store *class);

#ifdef __cplusplus
}
#endif
#endif /* STORE_H */
"""

CPP_HEADER = """\
#pragma once
namespace shop {
class API Store : public Base {
  Q_OBJECT
public:
  Store();
  void save() const;
private:
  int rows_;
};
}
"""


def test_symbols() -> None:
    assert found("src/store.c", C) == [
        ("LIMIT", "value", 5, 5, "#define LIMIT 10"),
        ("MAX", "function", 7, 8, "#define MAX(a, b) \\"),
        ("Node", "type", 11, 14, "} Node, *NodeList;"),
        ("NodeList", "type", 11, 14, "} Node, *NodeList;"),
        ("node", "type", 11, 14, "typedef struct node {"),
        ("uint8_t", "type", 15, 15, "typedef unsigned char uint8_t;"),
        ("callback", "type", 16, 16, "typedef int (*callback)(void *);"),
        ("origin", "value", 19, 22, "} origin = {0}, *last;"),
        ("last", "value", 19, 22, "} origin = {0}, *last;"),
        ("point", "type", 19, 22, "struct point {"),
        ("color", "type", 23, 23, "enum color { RED, GREEN };"),
        ("value", "type", 24, 24, "union value { int i; };"),
        ("total#2", "function", 26, 26, "static int total(const int *rows, size_t n);"),
        ("verbose", "value", 27, 27, "extern int verbose;"),
        ("handler", "value", 28, 28, "int (*handler)(int) = NULL;"),
        ("names", "value", 29, 29, 'static const char *names[] = { "a", "b" };'),
        ("a", "value", 30, 30, "int a, *b;"),
        ("b", "value", 30, 30, "int a, *b;"),
        ("total", "function", 33, 38, "total(const int *rows, size_t n)"),
        ("split", "function", 40, 40, "char **split(const char *text) { return NULL; }"),
        ("chosen", "function", 41, 41, "int (*chosen(int which))(int) { return handler; }"),
        ("exported", "function", 42, 42, "EXPORT int exported(void) { return 1; }"),
        ("old_style", "function", 43, 43, "int old_style(a, b) int a; char b; { return a; }"),
        (
            "naïve",
            "function",
            44,
            44,
            "static inline __attribute__((unused)) void naïve(void) {}",
        ),
        ("quit", "function", 47, 47, "void quit(void) { ExitProcess(0); }"),
        ("quit#2", "function", 49, 49, "void quit(void) { exit(0); }"),
        ("main", "function", 52, 58, "int main(int argc, char *argv[])"),
    ]


def test_a_header_of_c() -> None:
    assert found("store.h", HEADER) == [
        ("STORE_MAX", "value", 8, 8, "#define STORE_MAX 3"),
        (
            "store_open",
            "function",
            10,
            10,
            "API struct store *store_open(const char *path);",
        ),
        ("store_close", "function", 11, 11, "void store_close(struct store *class);"),
    ]
    assert syntax_error("store.h", "", HEADER) == ""


def test_a_header_of_cpp_is_read_as_such() -> None:
    assert found("store.h", CPP_HEADER) == [
        ("shop", "type", 2, 11, "namespace shop {"),
        ("shop.Store", "type", 3, 10, "class API Store : public Base {"),
        ("shop.Store.Store", "function", 6, 6, "Store();"),
        ("shop.Store.save", "function", 7, 7, "void save() const;"),
    ]
    assert syntax_error("store.h", "", CPP_HEADER) == ""
    # C's grammar reads this without an error, as a function.
    assert names("a.h", "class A {\npublic:\n  A();\n};\n") == ["A", "A.A"]


@pytest.mark.parametrize("text", [HEADER, CPP_HEADER])
def test_a_new_error_in_a_header_is_told(text: str) -> None:
    for old, new in [(");\n", ";\n"), ("();", "(;"), ("}\n", "\n")]:
        if old in text:
            assert "syntax error" in syntax_error("a.h", text, text.replace(old, new, 1))


def test_a_prototype_leaves_the_name_to_the_code(repo: Path) -> None:
    old = source("a.c", C, "total")
    assert old.startswith("static int\ntotal(")
    new = "static int total(const int *rows, size_t n)\n{\n    return 0;\n}"
    after = C.replace(old, new)
    assert replaced(repo, "a b.c", C, "total", f"{new}\n") == after.encode()
    crlf = replaced(repo, "c.c", C.replace("\n", "\r\n"), "total", f"{new}\n")
    assert crlf == after.replace("\n", "\r\n").encode()
    prototype = "static int total(void);"
    after = C.replace("static int total(const int *rows, size_t n);", prototype)
    assert replaced(repo, "d.c", C, "total#2", prototype) == after.encode()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return rows[0];", "return rows[0;", "line 37: syntax error at 'return rows[0;'"),
        ("int a, *b;", "int a, *;", "line 30: syntax error at 'int a, *;'"),
        ("        visit(item);\n    }\n", "        visit(item);\n", "syntax error"),
        ("return 0;\n}", "return 0;\n", "syntax error"),
    ],
)
def test_a_new_error_is_told(old: str, new: str, message: str) -> None:
    assert C.count(old) == 1
    assert message in syntax_error("a.c", C, C.replace(old, new))


def test_good_text_and_old_errors_are_fine() -> None:
    assert syntax_error("a.c", "", C) == ""
    broken = "int f(;\n"
    assert syntax_error("a.c", "", broken) != ""
    assert syntax_error("a.c", broken, broken + "int g(void) { return 1; }\n") == ""


@pytest.mark.parametrize(
    "added",
    [
        "EXPORT int one(void) { return 1; }",
        "static INLINE int one(void) { return 1; }",
        "MODULE_LICENSE(GPL)",
        "DEFINE_THINGS(one, two)",
        "void f(void) { FOREACH(a, b) { g(a); } }",
        '#ifdef __cplusplus\nextern "C" {\n#endif\nint f(void);\n#ifdef __cplusplus\n}\n#endif',
    ],
)
def test_macros_are_no_errors(added: str) -> None:
    assert syntax_error("a.c", C, f"{C}{added}\n") == ""
    assert syntax_error("a.c", C, f"{C}{added}\nint g(void) {{ return (1; }}\n") != ""


def test_the_licence_is_the_header() -> None:
    assert header("a.c", C) == "/* Licence. */\n\n"
    assert header("a.h", HEADER) == "// Licence.\n"
    assert [fence_info(it) for it in ("a.c", "a.h")] == ["c", "c"]


def test_deep_and_long_texts() -> None:
    rows = "\n".join(f"int f{i}(void) {{ return {i}; }}" for i in range(5_000))
    text = f"{rows}\nint x = {'(' * 3_000}1{')' * 3_000};\n"
    assert len(symbols("a.c", text)) == 5_001
    blanks = " " * 200_000
    text = f"#ifdef __cplusplus{blanks}\nint f(void);\n#endif{blanks}\n"
    assert [it.name for it in symbols("a.h", text)] == ["f"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["a.c", "a.h"]), st.text() | cuts(C) | cuts(HEADER))
def test_any_text_has_symbols_within_it(path: str, text: str) -> None:
    check_any(path, text)
