"""`Files:`, `Test:`, `Done when:`, `Depends on:` and the like in a piece of Markdown."""

from qwenagent.plan.fields.names import field_name
from qwenagent.plan.fields.reading import Fields, read_fields

__all__ = ["Fields", "field_name", "read_fields"]
