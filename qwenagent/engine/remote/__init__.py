"""A model that another machine serves over HTTP, behind the same protocol as the embedded one."""

from qwenagent.engine.remote.endpoint import KEY_VARIABLE, Endpoint, endpoint_of, read_endpoint
from qwenagent.engine.remote.engine import RemoteEngine
from qwenagent.engine.remote.served import Served

__all__ = ["KEY_VARIABLE", "Endpoint", "RemoteEngine", "Served", "endpoint_of", "read_endpoint"]
