"""Model cards, which model suits this machine, getting its file, and keeping it genuine."""

from qwenagent.registry.bundle import Manifest, read_manifest
from qwenagent.registry.cards import Card, Profile, Source, find_card, load_cards
from qwenagent.registry.choose import Choice, pick
from qwenagent.registry.chosen import chosen_model, is_model_path, not_here
from qwenagent.registry.download import Pulled, obtainable, pull, reachable_sources
from qwenagent.registry.fits import (
    FitRow,
    Need,
    fit_cells,
    fit_columns,
    fit_legend,
    fit_rows,
    fits_markdown,
    largest_context,
    need,
    needed_bytes,
    require_fits,
)
from qwenagent.registry.hub import Hub
from qwenagent.registry.job import NoSpace, OnProgress, PullCancelled
from qwenagent.registry.machine import Machine, probe_machine
from qwenagent.registry.packing import export
from qwenagent.registry.placing import Placed, place_bundle, place_file
from qwenagent.registry.proxy import proxy_for
from qwenagent.registry.sizes import human_bytes
from qwenagent.registry.store import (
    home,
    installed,
    local_file,
    models_dir,
    path_of,
    remove,
    verify,
)

__all__ = [
    "Card",
    "Choice",
    "FitRow",
    "Hub",
    "Machine",
    "Manifest",
    "Need",
    "NoSpace",
    "OnProgress",
    "Placed",
    "Profile",
    "PullCancelled",
    "Pulled",
    "Source",
    "chosen_model",
    "export",
    "find_card",
    "fit_cells",
    "fit_columns",
    "fit_legend",
    "fit_rows",
    "fits_markdown",
    "home",
    "human_bytes",
    "installed",
    "is_model_path",
    "largest_context",
    "load_cards",
    "local_file",
    "models_dir",
    "need",
    "needed_bytes",
    "not_here",
    "obtainable",
    "path_of",
    "pick",
    "place_bundle",
    "place_file",
    "probe_machine",
    "proxy_for",
    "pull",
    "reachable_sources",
    "read_manifest",
    "remove",
    "require_fits",
    "verify",
]
