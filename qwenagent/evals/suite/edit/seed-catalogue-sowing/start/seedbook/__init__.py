"""The catalogue of a small seed merchant."""

from seedbook.loader import CatalogueError, load_catalogue
from seedbook.packet import Packet
from seedbook.report import table
from seedbook.search import Query, find

__all__ = ["CatalogueError", "Packet", "Query", "find", "load_catalogue", "table"]
