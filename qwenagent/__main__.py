"""`python -m qwenagent` is `qwenagent`.

Python puts the current folder first among those it imports from, before anything here runs. It is
taken out again, so that a repository's `click.py` or `json.py` is not imported. What remains is
what Python needs to come here: a folder `qwenagent`, and modules named like the few that `-m`
itself imports (importlib, warnings, contextlib, collections, functools, types, ...). The command
`qwenagent` and `python -P -m qwenagent` never look into the current folder.
"""

import sys

_OWN_FOLDER = __file__.removesuffix("__main__.py").rstrip("/\\").removesuffix("qwenagent")
if not sys.flags.safe_path and sys.path and sys.path[0].rstrip("/\\") != _OWN_FOLDER[:-1]:
    del sys.path[0]

from qwenagent.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
