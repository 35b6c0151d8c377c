"""Digest servers that this project did not write, started on loopback for tests and benchmarks.

`JettyServer` is Jetty's own `DigestAuthenticator`, `ApacheServer` Apache's `mod_auth_digest`. Behind either stands the
same small Atlas: create, list and return one serverless private endpoint.
"""

from .apache import ApacheServer
from .base import DigestServer, ServerError, Stats
from .jetty import JettyServer

__all__ = ["ApacheServer", "DigestServer", "JettyServer", "ServerError", "Stats"]
