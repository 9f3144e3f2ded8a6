"""A model of the tests with a card, as the program finds them: it answers with half a function."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.tiny_model import END, SPREAD, write_model

TABLE = {
    "\n": {"def": 0.9, SPREAD: 0.1},
    "def": {" add": 0.9, SPREAD: 0.1},
    " add": {"(": 0.9, SPREAD: 0.1},
    "(": {END: 0.5, SPREAD: 0.5},
}
CARD = """
name = "tiny"
title = "A model of the tests"
parameters = 0.01
repository = "nobody/nothing"
revision = "0"
file = "{file}"
size_bytes = {size}
sha256 = "{sha256}"
n_ctx_train = 4096
n_ctx = 4096
n_layers = 1
kv_bytes_per_token = 256
kv_type = "f16"
output_bytes = 1
embedding_bytes = 1
license = "none"
default = false
sampling = {{ temperature = 0.8 }}
profile = {{ name = "small", whole_file_lines = 150, gather_turns = 0, max_body_tokens = 64, \
context_tokens = 2000, candidates = 1 }}
sources = [{{ kind = "hub" }}]
"""


def ship_tiny_model(folder: Path) -> Path:
    """Write model and card; the folder, the model's own, is to be `$QWENAGENT_ASSETS`."""
    path = folder / "tiny.gguf"
    write_model(path, TABLE)
    (folder / "models").mkdir()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    text = CARD.format(file=path.name, size=path.stat().st_size, sha256=digest)
    (folder / "models" / "tiny.toml").write_text(text, encoding="utf-8")
    return path
