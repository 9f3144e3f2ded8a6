from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.syntax import fence_info, header, is_known, symbols, syntax_error
from tests.syntax_stage import check_any, cuts, found, names, replaced, source

CPP = """\
// Licence.

#include <vector>
using namespace std;

namespace shop::stock {

constexpr int LIMIT = 10;
auto [low, high] = range();
auto add = [](int a, int b) { struct Hidden {}; return a + b; };
using Rows = vector<int>;
class Later;

/// Keeps rows.
template <typename T>
class Store : public Base<T> {
public:
  Store() = default;
  explicit Store(int size);
  virtual ~Store() {}
  static constexpr int kSize = 1;
  [[nodiscard]] int size() const noexcept { return size_; }
  template <typename U>
  U get(U key) const;
  void save(int row);
  void save(double row);
  bool operator==(const Store &other) const { return true; }
  Store &operator = (const Store &other) = delete;
  explicit operator bool() const;
  void operator()(int) {}
  friend ostream &operator<<(ostream &out, const Store &it) { return out; }
  friend class Other;

  struct Inner {
    void run();
    enum class State { On, Off };
  };

private:
  int size_ = 0;
};

template <typename T>
void Store<T>::save(int row)
{
  auto local = [this] { return 1; };
}

template <typename T> void Store<T>::save(double row) {}

}  // namespace shop::stock

template <> struct std::hash<Key> { size_t operator()(const Key &k) const; };

int shop::stock::Counter::count = 0;
Widget::Widget(int a) : a_(a), b_{1} {}
Widget::~Widget() {}
Widget::operator bool() const { return a_; }
Widget &Widget::operator++() { return *this; }
long double operator""_km(long double x) { return x; }
void *operator new(size_t n);
void guarded() try {} catch (...) {}
template <> void swap<Key>(Key &a, Key &b) {}
template <typename T> concept Named = requires(T t) { t.name(); };

namespace {
int hidden_value = 1;
}
inline namespace v1 { void versioned(); }

extern "C" int exported(void);
extern "C" {
void plain(int größe) {}
}

TEST(StoreTest, Saves) { EXPECT_EQ(1, 1); }
"""


def test_symbols() -> None:
    stock = "shop.stock"
    assert found("src/store.cpp", CPP) == [
        (stock, "type", 6, 51, "namespace shop::stock {"),
        (f"{stock}.LIMIT", "value", 8, 8, "constexpr int LIMIT = 10;"),
        (
            f"{stock}.add",
            "value",
            10,
            10,
            "auto add = [](int a, int b) { struct Hidden {}; return a + b; };",
        ),
        (f"{stock}.Rows", "type", 11, 11, "using Rows = vector<int>;"),
        (f"{stock}.Store", "type", 15, 41, "class Store : public Base<T> {"),
        (f"{stock}.Store.Store", "function", 18, 18, "Store() = default;"),
        (f"{stock}.Store.Store#2", "function", 19, 19, "explicit Store(int size);"),
        (f"{stock}.Store.~Store", "function", 20, 20, "virtual ~Store() {}"),
        (
            f"{stock}.Store.size",
            "function",
            22,
            22,
            "[[nodiscard]] int size() const noexcept { return size_; }",
        ),
        (f"{stock}.Store.get", "function", 23, 24, "U get(U key) const;"),
        (f"{stock}.Store.save#3", "function", 25, 25, "void save(int row);"),
        (f"{stock}.Store.save#4", "function", 26, 26, "void save(double row);"),
        (
            f"{stock}.Store.operator==",
            "function",
            27,
            27,
            "bool operator==(const Store &other) const { return true; }",
        ),
        (
            f"{stock}.Store.operator=",
            "function",
            28,
            28,
            "Store &operator = (const Store &other) = delete;",
        ),
        (f"{stock}.Store.operator bool", "function", 29, 29, "explicit operator bool() const;"),
        (f"{stock}.Store.operator()", "function", 30, 30, "void operator()(int) {}"),
        (
            f"{stock}.Store.operator<<",
            "function",
            31,
            31,
            "friend ostream &operator<<(ostream &out, const Store &it) { return out; }",
        ),
        (f"{stock}.Store.Inner", "type", 34, 37, "struct Inner {"),
        (f"{stock}.Store.Inner.run", "function", 35, 35, "void run();"),
        (f"{stock}.Store.Inner.State", "type", 36, 36, "enum class State { On, Off };"),
        (f"{stock}.Store.save", "function", 43, 47, "void Store<T>::save(int row)"),
        (
            f"{stock}.Store.save#2",
            "function",
            49,
            49,
            "template <typename T> void Store<T>::save(double row) {}",
        ),
        (
            "std.hash",
            "type",
            53,
            53,
            "template <> struct std::hash<Key> { size_t operator()(const Key &k) const; };",
        ),
        (
            "std.hash.operator()",
            "function",
            53,
            53,
            "template <> struct std::hash<Key> { size_t operator()(const Key &k) const; };",
        ),
        (f"{stock}.Counter.count", "value", 55, 55, "int shop::stock::Counter::count = 0;"),
        ("Widget.Widget", "function", 56, 56, "Widget::Widget(int a) : a_(a), b_{1} {}"),
        ("Widget.~Widget", "function", 57, 57, "Widget::~Widget() {}"),
        (
            "Widget.operator bool",
            "function",
            58,
            58,
            "Widget::operator bool() const { return a_; }",
        ),
        (
            "Widget.operator++",
            "function",
            59,
            59,
            "Widget &Widget::operator++() { return *this; }",
        ),
        (
            'operator""_km',
            "function",
            60,
            60,
            'long double operator""_km(long double x) { return x; }',
        ),
        ("operator new", "function", 61, 61, "void *operator new(size_t n);"),
        ("guarded", "function", 62, 62, "void guarded() try {} catch (...) {}"),
        ("swap", "function", 63, 63, "template <> void swap<Key>(Key &a, Key &b) {}"),
        (
            "Named",
            "type",
            64,
            64,
            "template <typename T> concept Named = requires(T t) { t.name(); };",
        ),
        ("hidden_value", "value", 67, 67, "int hidden_value = 1;"),
        ("v1", "type", 69, 69, "inline namespace v1 { void versioned(); }"),
        ("v1.versioned", "function", 69, 69, "inline namespace v1 { void versioned(); }"),
        ("exported", "function", 71, 71, 'extern "C" int exported(void);'),
        ("plain", "function", 73, 73, "void plain(int größe) {}"),
        (
            "StoreTest.Saves",
            "function",
            76,
            76,
            "TEST(StoreTest, Saves) { EXPECT_EQ(1, 1); }",
        ),
    ]


def test_overloads_are_counted() -> None:
    text = "int f(int a) { return a; }\nint f(double a) { return 1; }\nstruct F {\n  int f();\n};\n"
    assert names("a.cc", text) == ["f", "f#2", "F", "F.f"]


def test_a_class_with_an_unknown_macro() -> None:
    text = "class API Store {\n  void save();\n};\nclass OTHER_API Base : X {\n  void f();\n};\n"
    assert [it for it in names("a.hpp", text) if "." not in it] == ["Store", "Base"]
    assert {it.kind for it in symbols("a.hpp", text) if "." not in it.name} == {"type"}


@pytest.mark.parametrize("suffix", ["cc", "cpp", "cxx", "hpp", "hh", "hxx"])
def test_suffixes(suffix: str) -> None:
    path = f"src/Store.{suffix}"
    assert (is_known(path), fence_info(path)) == (True, "cpp")
    assert names(path, "namespace n { class A { void f(); }; }\n") == ["n", "n.A", "n.A.f"]


def test_replacing_leaves_the_rest(repo: Path) -> None:
    old = source("a.cpp", CPP, "shop.stock.Store.save")
    assert old.startswith("template <typename T>\nvoid")
    new = "template <typename T>\nvoid Store<T>::save(int row) { rows_.push_back(row); }"
    after = CPP.replace(old, new)
    name = "shop.stock.Store.save"
    assert replaced(repo, "a b.cpp", CPP, name, f"{new}\n") == after.encode()
    crlf = replaced(repo, "c.hpp", CPP.replace("\n", "\r\n"), name, f"{new}\n")
    assert crlf == after.replace("\n", "\r\n").encode()
    after = CPP.replace("  void operator()(int) {}", "  void operator()(int a) { f(a); }")
    body = "void operator()(int a) { f(a); }"
    assert replaced(repo, "d.cpp", CPP, "shop.stock.Store.operator()", body) == after.encode()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return a + b;", "return a + ;", "line 10: syntax error at 'auto add"),
        ("b_{1} {}", "b_{1 {}", "line 56: syntax error at 'Widget::Widget"),
        ("};\n\ntemplate <typename T>\nvoid", "\n\ntemplate <typename T>\nvoid", "syntax error"),
        ("using Rows = vector<int>;", "using Rows = ;", "line 11: syntax error"),
    ],
)
def test_a_new_error_is_told(old: str, new: str, message: str) -> None:
    assert CPP.count(old) == 1
    assert message in syntax_error("a.cpp", CPP, CPP.replace(old, new))


def test_good_text_and_old_errors_are_fine() -> None:
    assert syntax_error("a.cpp", "", CPP) == ""
    broken = "class A { void f( { } };\n"
    assert syntax_error("a.cpp", "", broken) != ""
    assert syntax_error("a.cpp", broken, broken + "class B {};\n") == ""


@pytest.mark.parametrize(
    "added",
    [
        'TEST_CASE("saves", "[store]") { SECTION("a") { REQUIRE(true); } }',
        "TEST_F(StoreTest, Loads)\n{\n  EXPECT_TRUE(true);\n}",
        "class API Shelf : public Base {\n  Q_OBJECT\n  Q_PROPERTY(int x READ x)\npublic:\n"
        "  void f();\n};",
    ],
)
def test_macros_are_no_errors(added: str) -> None:
    assert syntax_error("a.cpp", CPP, f"{CPP}{added}\n") == ""
    assert syntax_error("a.cpp", CPP, f"{CPP}{added}\nint g() {{ return (1; }}\n") != ""


def test_the_licence_is_the_header() -> None:
    assert header("a.cpp", CPP) == "// Licence.\n\n"


def test_deep_and_long_texts() -> None:
    rows = "\n".join(f"  int f{i}() {{ return {i}; }}" for i in range(5_000))
    text = f"class A {{\n{rows}\n}};\nint x = {'(' * 3_000}1{')' * 3_000};\n"
    assert len(symbols("a.cpp", text)) == 5_002


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["a.cpp", "a.h"]), st.text() | cuts(CPP))
def test_any_text_has_symbols_within_it(path: str, text: str) -> None:
    check_any(path, text)
