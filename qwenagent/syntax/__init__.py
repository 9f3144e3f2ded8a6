"""What a source file contains, by tree-sitter: symbols, their lines, errors. Reads no files."""

from qwenagent.syntax.blocks import block_end, opens_block
from qwenagent.syntax.code import code_lines, code_spans
from qwenagent.syntax.errors import syntax_error
from qwenagent.syntax.header import header
from qwenagent.syntax.languages import fence_info, is_known
from qwenagent.syntax.literals import literals
from qwenagent.syntax.parsing import parse
from qwenagent.syntax.pieces import Container, Declared, Piece, enclosing, pieces
from qwenagent.syntax.python import python_tree
from qwenagent.syntax.symbols import Symbol, beginning, outline, plain_name, symbols

__all__ = [
    "Container",
    "Declared",
    "Piece",
    "Symbol",
    "beginning",
    "block_end",
    "code_lines",
    "code_spans",
    "enclosing",
    "fence_info",
    "header",
    "is_known",
    "literals",
    "opens_block",
    "outline",
    "parse",
    "pieces",
    "plain_name",
    "python_tree",
    "symbols",
    "syntax_error",
]
