"""A model with its card and all wheels in a folder, for a machine without any network."""

from qwenagent.registry.bundle.manifest import Manifest, read_manifest
from qwenagent.registry.bundle.packing import export
from qwenagent.registry.bundle.placing import Placed, place_bundle, place_file

__all__ = ["Manifest", "Placed", "export", "place_bundle", "place_file", "read_manifest"]
