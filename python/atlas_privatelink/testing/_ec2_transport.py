"""How requests come to the local EC2: over HTTP, or in the caller's own thread."""

from __future__ import annotations

import threading
from functools import cache
from http import HTTPStatus
from io import BytesIO
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any

from ._ec2_accounts import SECRET_ACCESS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._ec2_world import World

__all__ = ["HttpServer", "make_client"]


class HttpServer:
    """Listens on a free port of this machine."""

    def __init__(self, world: World) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, type: str, message: str, *args: Any) -> None:
                """Says nothing."""

        self._world = world
        server: Any = make_server("127.0.0.1", 0, self._app, threaded=True, request_handler=Quiet)
        self._server = server
        self._server.daemon_threads = True
        # it is stopped without waiting for half a second
        serve = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="local-ec2")
        serve.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Stop for good."""
        self._server.shutdown()
        self._server.server_close()

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {name[5:].replace("_", "-").title(): environ[name] for name in environ if name.startswith("HTTP_")}
        headers["Content-Type"] = environ.get("CONTENT_TYPE", "")
        reply = self._world.answer(environ["REQUEST_METHOD"], f"{self.url}{environ['PATH_INFO']}", headers, body)
        if reply is None:
            environ["werkzeug.socket"].shutdown(SHUT_RDWR)
            raise ConnectionAbortedError
        status = f"{reply.status} {HTTPStatus(reply.status).phrase}"
        start_response(status, [(name, value) for name, value in reply.headers.items() if name.lower() != "status"])
        return [reply.body]


def make_client(world: World, url: str, *, service: str, region: str, access_key_id: str, in_process: bool) -> Any:
    """A boto3 client that does not repeat what fails.

    Args:
        world: What answers.
        url: Where the server listens.
        service: `ec2` or `sts`.
        region: The region.
        access_key_id: Whose it is.
        in_process: Whether requests are answered in the caller's thread, without a socket.
    """
    from botocore.config import Config
    from botocore.session import Session

    session: Any = Session()
    # the descriptions of AWS's services take long to load
    session.register_component("data_loader", _loader())
    client = session.create_client(
        service,
        region_name=region,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        endpoint_url=url,
        # `max_attempts` would count the repetitions
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )
    if in_process:
        client.meta.events.register(f"before-send.{service}", _answers_of(world))
    return client


@cache
def _loader() -> Any:
    from botocore.loaders import Loader

    return Loader()


class _Raw(BytesIO):
    """What botocore reads an answer from."""

    def stream(self, **_: Any) -> Iterable[bytes]:
        yield self.read()


def _answers_of(world: World) -> Callable[..., Any]:
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders
    from botocore.exceptions import ConnectionClosedError

    def answer(request: Any, **_: Any) -> Any:
        headers = {
            name: value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()
        }
        body = request.body or b""
        reply = world.answer(request.method, request.url, headers, body if isinstance(body, bytes) else body.encode())
        if reply is None:
            raise ConnectionClosedError(endpoint_url=request.url)
        answered = HTTPHeaders()
        for name, value in reply.headers.items():
            answered[name] = value
        return AWSResponse(request.url, reply.status, answered, _Raw(reply.body))

    return answer
