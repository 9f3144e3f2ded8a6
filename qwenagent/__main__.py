"""`python -m qwenagent` is `qwenagent`."""

from qwenagent.cli import main

if __name__ == "__main__":
    main()
