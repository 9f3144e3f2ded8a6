"""Blocks as one HTML page: no script, nothing fetched, light and dark, everything escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import assert_never

from qwenagent.ui.past.blocks import Block, Code, Diff, Facts, Heading, Item, Table
from qwenagent.ui.past.colours import coloured, coloured_diff, style_sheet
from qwenagent.ui.printable import one_line, revealed

_STYLE = """\
:root { color-scheme: light dark; --text: #1f2328; --dim: #656d76; --page: #fff; --box: #f6f8fa;
  --edge: #d0d7de; --good: #1a7f37; --bad: #cf222e; --unsure: #9a6700; --added: #dafbe1;
  --gone: #ffebe9 }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --dim: #8d96a0; --page: #0d1117;
  --box: #161b22; --edge: #30363d; --good: #3fb950; --bad: #f85149; --unsure: #d29922;
  --added: #12261e; --gone: #2d1517 } }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: var(--text);
  background: var(--page); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem;
  border-bottom: 1px solid var(--edge) }
p { margin: .25rem 0 } .dim { color: var(--dim) } .good { color: var(--good) }
.bad { color: var(--bad) } .unsure { color: var(--unsure) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0 }
dt { color: var(--dim) } dd { margin: 0 }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .2rem .8rem .2rem 0;
  text-align: left; vertical-align: top; border-bottom: 1px solid var(--edge) }
pre { background: var(--box); border: 1px solid var(--edge); border-radius: 6px; margin: .5rem 0;
  padding: .5rem .75rem; overflow-x: auto; font: 13px/1.4 ui-monospace, monospace; tab-size: 4 }
pre .added, pre .gone, pre .same, pre .file, pre .hunk { display: block }
pre .added { background: var(--added) } pre .gone { background: var(--gone) }
pre .file { font-weight: 600 } pre .hunk { color: var(--dim) }
pre i { color: var(--dim); font-style: normal; user-select: none }
summary { cursor: pointer; color: var(--dim) }"""
# Should anything ever slip through: the page may not run, load or send anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the lines of a whole page; its title is the first heading."""
    rest = iter(blocks)
    first = next(rest, None)
    title = _plain(first.text) if isinstance(first, Heading) else "run"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>\n{_STYLE}\n{style_sheet()}\n</style>\n</head>\n<body>"
    if first is not None:
        yield from _lines(first)
    for block in rest:
        yield from _lines(block)
    yield "</body>\n</html>"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level=level, text=text):
            yield f"<h{level}>{_plain(text)}</h{level}>"
        case Facts(rows=rows):
            told = (f"<dt>{name}</dt><dd>{_plain(value)}</dd>" for name, value in rows if value)
            yield f"<dl>\n{chr(10).join(told)}\n</dl>"
        case Item(text=text, tone=tone):
            yield f'<p class="{tone}">{_plain(text)}</p>'
        case Code(text=text, path=path, title=title):
            code = f"<pre><code>{coloured(text, path)}\n</code></pre>"
            yield f"<details><summary>{title}</summary>{code}</details>" if title else code
        case Diff(text=text):
            if lines := list(coloured_diff(text)):
                yield f"<pre><code>{''.join(lines)}</code></pre>"
        case Table(header=header, rows=rows):
            yield f"<table>\n{_row('th', header)}"
            yield from (_row("td", row) for row in rows)
            yield "</table>"
        case _:
            assert_never(block)


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{_plain(cell)}</{tag}>' for cell in cells)}</tr>"


def _plain(text: str) -> str:
    return html.escape(one_line(revealed(text)))
