from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.syntax import fence_info, header, is_known, symbols, syntax_error
from tests.syntax_stage import check_any, cuts, found, names, replaced, source

RUBY = """\
#!/usr/bin/env ruby
# frozen_string_literal: true

require "json"

LIMIT = 10
$verbose = false
local = 1
FIRST, SECOND = 1, 2
CACHE ||= {}

# Sums.
def total(rows)
  def hidden; end
  rows.sum
end

module Shop
  VERSION = "1"

  class Error < StandardError; end

  class Store < Base
    KEYS = %w[a b].freeze
    attr_accessor :rows

    class << self
      def open(path)
        new(path)
      end
    end

    def self.load(path) = open(path)
    def Store.other; end

    def initialize(rows)
      @rows = rows
    end

    # All of it.
    def to_s
      <<~TEXT
        def fake
        end
      TEXT
    end

    def name=(value)
      @name = value
    end

    def ==(other) = rows == other.rows

    def [](key)
      @rows[key]
    end

    def empty?; @rows.empty?; end

    private

    def clear!; end
    private def drop
      @rows.pop
    end
  end

  class Store::Row
    def größe; end
  end
end

class ::Top; end

Point = Struct.new(:x, :y) do
  def length
    Math.hypot(x, y)
  end
end

describe "store" do
  def helper; end
  it("saves") { Class.new { def hidden; end } }
end

if RUBY_VERSION > "3"
  def modern; end
end

__END__
def data; end
"""


def test_symbols() -> None:
    assert found("lib/store.rb", RUBY) == [
        ("LIMIT", "value", 6, 6, "LIMIT = 10"),
        ("$verbose", "value", 7, 7, "$verbose = false"),
        ("CACHE", "value", 10, 10, "CACHE ||= {}"),
        ("total", "function", 13, 16, "def total(rows)"),
        ("Shop", "type", 18, 71, "module Shop"),
        ("Shop.VERSION", "value", 19, 19, 'VERSION = "1"'),
        ("Shop.Error", "type", 21, 21, "class Error < StandardError; end"),
        ("Shop.Store", "type", 23, 66, "class Store < Base"),
        ("Shop.Store.open", "function", 28, 30, "def open(path)"),
        ("Shop.Store.load", "function", 33, 33, "def self.load(path) = open(path)"),
        ("Shop.Store.other", "function", 34, 34, "def Store.other; end"),
        ("Shop.Store.initialize", "function", 36, 38, "def initialize(rows)"),
        ("Shop.Store.to_s", "function", 41, 46, "def to_s"),
        ("Shop.Store.name=", "function", 48, 50, "def name=(value)"),
        ("Shop.Store.==", "function", 52, 52, "def ==(other) = rows == other.rows"),
        ("Shop.Store.[]", "function", 54, 56, "def [](key)"),
        ("Shop.Store.empty?", "function", 58, 58, "def empty?; @rows.empty?; end"),
        ("Shop.Store.clear!", "function", 62, 62, "def clear!; end"),
        ("Shop.Store.drop", "function", 63, 65, "private def drop"),
        ("Shop.Store.Row", "type", 68, 70, "class Store::Row"),
        ("Shop.Store.Row.größe", "function", 69, 69, "def größe; end"),
        ("Top", "type", 73, 73, "class ::Top; end"),
        ("Point", "type", 75, 79, "Point = Struct.new(:x, :y) do"),
        ("Point.length", "function", 76, 78, "def length"),
        ("modern", "function", 87, 87, "def modern; end"),
    ]


def test_a_method_of_the_class_beside_one_of_its_objects() -> None:
    text = "class A\n  def self.run; end\n  def run; end\nend\n"
    assert names("a.rb", text) == ["A", "A.run", "A.run#2"]


@pytest.mark.parametrize("path", ["Gemfile", "a/Rakefile", "a.rake", "a.gemspec", "config.ru"])
def test_files_of_ruby_without_its_suffix(path: str) -> None:
    assert (is_known(path), fence_info(path)) == (True, "ruby")
    assert names(path, "def f; end\n") == ["f"]


def test_other_files_without_a_suffix_are_not_ruby() -> None:
    assert [is_known(it) for it in ("Makefile", "gemfile.txt", "Gemfile.lock")] == [False] * 3


def test_replacing_leaves_the_rest(repo: Path) -> None:
    old = source("a.rb", RUBY, "Shop.Store.to_s")
    after = RUBY.replace(old, "    def to_s\n      rows.join\n    end")
    assert after != RUBY
    body = "def to_s\n  rows.join\nend\n"
    assert replaced(repo, "a b.rb", RUBY, "Shop.Store.to_s", body) == after.encode()
    crlf = replaced(repo, "c.rb", RUBY.replace("\n", "\r\n"), "Shop.Store.to_s", body)
    assert crlf == after.replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  rows.sum\n", "  rows.sum(\n", "syntax error"),
        ("@rows[key]", "@rows[key", "line 55: syntax error at '@rows[key'"),
        ("class Error < StandardError; end", "class Error < ; end", "line 21: syntax error"),
    ],
)
def test_a_new_error_is_told(old: str, new: str, message: str) -> None:
    assert RUBY.count(old) == 1
    assert message in syntax_error("a.rb", RUBY, RUBY.replace(old, new))


def test_good_text_and_old_errors_are_fine() -> None:
    assert syntax_error("a.rb", "", RUBY) == ""
    broken = "def f(\n  1\nend\n"
    assert syntax_error("a.rb", "", broken) != ""
    assert syntax_error("a.rb", broken, "# more\n" + broken) == ""


def test_the_magic_comments_are_in_the_header() -> None:
    assert header("a.rb", RUBY) == "#!/usr/bin/env ruby\n# frozen_string_literal: true\n\n"


def test_deep_and_long_texts() -> None:
    rows = "\n".join(f"def f{i}; end" for i in range(5_000))
    assert len(symbols("a.rb", f"{rows}\nX = {'(' * 3_000}1{')' * 3_000}\n")) == 5_001


@settings(max_examples=40, deadline=None)
@given(st.text() | cuts(RUBY))
def test_any_text_has_symbols_within_it(text: str) -> None:
    check_any("a.rb", text)
