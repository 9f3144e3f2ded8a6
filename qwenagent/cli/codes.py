"""The exit codes of endings that are no error of ours; `errors.py` has the others."""

NOT_DONE = 1
BUG = 3
ENVIRONMENT = 4
INTERRUPTED = 130
