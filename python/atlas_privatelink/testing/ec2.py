"""A local EC2 beside the local Atlas, for tests and demonstrations of `connect`: no account, no network.

    with AtlasEmulator(speed=60) as atlas, LocalEc2(atlas) as ec2:
        aws.connect(GROUP_ID, instance_name="Instance0", vpc_id=ec2.vpc_id(), client=ec2.client(), atlas=atlas.client())

It is moto's (`pip install 'atlas-privatelink[demo]'`), made honest where PrivateLink is concerned: client tokens count,
a VPC endpoint stays `pendingAcceptance` until Atlas accepts it, a service name that Atlas has not given out is refused,
so are subnets in zones that the service does not have, and what is deleted is shown as such for a while.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import ExitStack
    from types import TracebackType

    from typing_extensions import Self

    from . import AtlasEmulator

__all__ = ["LocalEc2"]

_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
_SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - AWS's own example
_ACCOUNT_ID = "123456789012"
# of each region's zones, those that Atlas's services are in
_ZONES = ("a", "b", "c")
# methods of moto's, each of which has its counterpart below
_MADE_HONEST = (
    "create_vpc_endpoint",
    "delete_vpc_endpoints",
    "describe_vpc_endpoint_services",
    "describe_vpc_endpoints",
)


@dataclass
class _Fault:
    action: str | None
    code: str | None
    message: str
    status: int
    executed: bool
    times: int
    after: int


class LocalEc2:
    """A local EC2 that knows what a local Atlas knows. Start it with `with` or `start()`.

    Only one can run in a process at a time.

    Args:
        atlas: The local Atlas; it has to be started.
        region: The region of `vpc_id`, `subnet_ids` and `client`.
        shown_after: How many times a new VPC endpoint is not shown by its id, as EC2's own delay does it.
    """

    def __init__(self, atlas: AtlasEmulator, *, region: str = "us-east-1", shown_after: int = 0) -> None:
        self.atlas, self.region = atlas, region
        self.shown_after = shown_after
        self._server: Any = None
        self._stack: ExitStack | None = None
        self._faults: list[_Fault] = []
        self._lock = threading.RLock()
        self._tokens: dict[str, tuple[Any, str]] = {}
        self._unseen: Counter[str] = Counter()
        self._forced: dict[str, str] = {}
        self.calls: list[str] = []
        """The actions that were asked for since the start, in their order."""

    def start(self) -> Self:
        """Begin to listen on a free port of this machine.

        Raises:
            ConfigurationError: moto is missing.
        """
        from contextlib import ExitStack

        try:
            from moto.ec2.models import EC2Backend, ec2_backends
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
            from werkzeug.serving import WSGIRequestHandler, make_server
        except ImportError as error:
            raise ConfigurationError("moto is not installed: pip install 'atlas-privatelink[demo]'") from error

        class Quiet(WSGIRequestHandler):
            def log(self, type: str, message: str, *args: Any) -> None:
                """Says nothing."""

        ec2_backends.reset()
        app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._wrapped(app), threaded=True, request_handler=Quiet)
        self._server.daemon_threads = True
        with ExitStack() as stack:
            for name in _MADE_HONEST:
                stack.enter_context(patch.object(EC2Backend, name, self._honest(name, getattr(EC2Backend, name))))
            self._stack = stack.pop_all()
        threading.Thread(target=self._server.serve_forever, daemon=True, name="local-ec2").start()
        return self

    def stop(self) -> None:
        """Stop for good."""
        if self._stack is not None:
            self._server.shutdown()
            self._server.server_close()
            self._stack.close()
            self._stack = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self) -> dict[str, str]:
        """The variables that point boto3 here."""
        return {
            "AWS_ENDPOINT_URL_EC2": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": _SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, region: str | None = None) -> Any:
        """A boto3 client of it, which does not repeat what fails."""
        import boto3
        from botocore.config import Config

        session: Any = boto3.Session(_ACCESS_KEY_ID, _SECRET_ACCESS_KEY, region_name=region or self.region)
        return session.client(
            "ec2",
            endpoint_url=self.endpoint_url,
            config=Config(retries={"mode": "standard", "max_attempts": 1}),
        )

    def vpc_id(self, region: str | None = None) -> str:
        """The VPC that there is in a region."""
        vpc: str = self._backend(region).get_default_vpc().id
        return vpc

    def subnet_ids(self, region: str | None = None) -> list[str]:
        """Its subnets, by the names of their zones."""
        subnets = self._backend(region).describe_subnets()
        return [subnet.id for subnet in sorted(subnets, key=lambda subnet: str(subnet.availability_zone))]

    def vpc_endpoints(self, region: str | None = None) -> list[dict[str, Any]]:
        """The VPC endpoints of a region that are not deleted, oldest first, with id, state, service name, and tags."""
        with self._lock:
            backend = self._backend(region)
            self._settle(backend.vpc_end_points.values())
            return [
                {
                    "id": one.id,
                    "state": one.state,
                    "service_name": one.service_name,
                    "subnet_ids": list(one.subnet_ids or ()),
                    "tags": {tag["key"]: tag["value"] for tag in one.get_tags()},
                }
                for one in backend.vpc_end_points.values()
                if one.state not in ("deleting", "deleted")
            ]

    def force_state(self, vpc_endpoint_id: str, state: str) -> None:
        """Let a VPC endpoint be in a state, such as `rejected`, `failed` or `expired`, whatever Atlas says."""
        self._forced[vpc_endpoint_id] = state

    def fail(
        self,
        action: str | None = None,
        *,
        code: str | None = "InternalError",
        message: str = "An internal error has occurred.",
        status: int = 500,
        executed: bool = False,
        times: int = 1,
        after: int = 0,
    ) -> None:
        """Arm a fault.

        Args:
            action: Only this action, such as `"CreateVpcEndpoint"`.
            code: The error's code; `None` breaks the connection instead.
            message: The error's message.
            status: The HTTP status.
            executed: Whether the action is executed all the same.
            times: How many calls it takes.
            after: How many pass before.
        """
        self._faults.append(_Fault(action, code, message, status, executed, times, after))

    def forget_faults(self) -> None:
        """Disarm all faults."""
        self._faults.clear()

    def _backend(self, region: str | None) -> Any:
        from moto.ec2.models import ec2_backends

        return ec2_backends[_ACCOUNT_ID][region or self.region]

    def _wrapped(self, app: Any) -> Callable[..., Iterable[bytes]]:
        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            action = parse_qs(body.decode()).get("Action", [""])[0]
            self.calls.append(action)
            fault = self._due(action)
            if fault is None:
                served: Iterable[bytes] = app(environ, start_response)
                return served
            if fault.executed:
                for _ in app(environ, _unheard):
                    pass
            if fault.code is None:
                environ["werkzeug.socket"].shutdown(SHUT_RDWR)
                raise ConnectionAbortedError
            start_response(f"{fault.status} Fault", [("Content-Type", "text/xml")])
            error = f"<Error><Code>{escape(fault.code)}</Code><Message>{escape(fault.message)}</Message></Error>"
            return [f"<Response><Errors>{error}</Errors><RequestID>local</RequestID></Response>".encode()]

        return answer

    def _due(self, action: str) -> _Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.action in (None, action):
                    if fault.after > 0:
                        fault.after -= 1
                        return None
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                    return fault
        return None

    def _honest(self, name: str, original: Any) -> Any:
        def method(backend: Any, *args: Any, **kw: Any) -> Any:
            with self._lock:
                return getattr(self, f"_{name}")(original, backend, *args, **kw)

        return method

    def _create_vpc_endpoint(self, original: Any, backend: Any, **parameters: Any) -> Any:
        from moto.ec2.exceptions import EC2ClientError

        token = parameters["client_token"]
        made = {name: value for name, value in parameters.items() if name != "client_token"}
        if token in self._tokens:
            before, vpc_endpoint_id = self._tokens[token]
            if before != made:
                raise EC2ClientError("IdempotentParameterMismatch", "The client token was used with other parameters.")
            return backend.vpc_end_points[vpc_endpoint_id]
        if parameters["service_name"] not in self._services():
            name = parameters["service_name"]
            raise EC2ClientError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
        zones = [backend.get_subnet(subnet_id).availability_zone for subnet_id in parameters["subnet_ids"]]
        if len(set(zones)) < len(zones):
            raise EC2ClientError("DuplicateSubnetsInSameZone", f"Found another subnet in the same zone: {zones}")
        if any(zone[-1] not in _ZONES for zone in zones):
            raise EC2ClientError("InvalidParameter", f"The service does not support the zones of the subnets: {zones}")
        endpoint = original(backend, **parameters)
        endpoint.state = "pendingAcceptance"
        self._unseen[endpoint.id] = self.shown_after
        if token:
            self._tokens[token] = (made, endpoint.id)
        return endpoint

    def _describe_vpc_endpoints(
        self,
        original: Any,
        backend: Any,
        vpc_end_point_ids: Sequence[str] | None,
        filters: dict[str, list[str]] | None = None,
    ) -> Any:
        from moto.ec2.exceptions import InvalidVpcEndPointIdError

        for vpc_endpoint_id in vpc_end_point_ids or ():
            if self._unseen[vpc_endpoint_id] > 0:
                self._unseen[vpc_endpoint_id] -= 1
                raise InvalidVpcEndPointIdError(vpc_endpoint_id)
        names = {"service-name": "service_name", "vpc-id": "vpc_id"}
        wanted = {names[name]: values for name, values in (filters or {}).items() if name in names}
        others = {name: values for name, values in (filters or {}).items() if name not in names}
        found = original(backend, vpc_end_point_ids, others or None)
        self._settle(found)
        return [one for one in found if all(getattr(one, name) in values for name, values in wanted.items())]

    def _delete_vpc_endpoints(self, original: Any, backend: Any, vpce_ids: Sequence[str] | None = None) -> None:
        original(backend, vpce_ids)
        for vpce_id in vpce_ids or ():
            if vpce_id in backend.vpc_end_points:
                backend.vpc_end_points[vpce_id].state = "deleting"

    def _describe_vpc_endpoint_services(
        self, original: Any, backend: Any, service_names: list[str], *args: Any, **kw: Any
    ) -> Any:
        from moto.ec2.exceptions import InvalidServiceName

        for name in service_names:
            if name not in self._services():
                raise InvalidServiceName(name)
        details = [
            {
                "AcceptanceRequired": True,
                "AvailabilityZones": [f"{name.split('.')[3]}{zone}" for zone in _ZONES],
                "Owner": "000000000000",
                "ServiceId": name.rsplit(".", 1)[1],
                "ServiceName": name,
                "ServiceType": [{"ServiceType": "Interface"}],
            }
            for name in service_names
        ]
        return {"servicesDetails": details, "serviceNames": service_names, "nextToken": None}

    def _services(self) -> set[str]:
        serverless = (endpoint.get("endpointServiceName") for endpoint in self.atlas.endpoints())
        dedicated = (service.get("endpointServiceName") for service in self.atlas.endpoint_services())
        return {name for name in (*serverless, *dedicated) if name}

    def _settle(self, endpoints: Iterable[Any]) -> None:
        """What became of VPC endpoints since they were looked at last: Atlas decides."""
        serverless = {one.get("cloudProviderEndpointId"): one["status"] for one in self.atlas.endpoints()}
        dedicated = {
            endpoint["interfaceEndpointId"]: endpoint["connectionStatus"]
            for service in self.atlas.endpoint_services()
            for endpoint in service["endpoints"]
            if "interfaceEndpointId" in endpoint
        }
        for one in endpoints:
            if one.id in self._forced:
                one.state = self._forced[one.id]
            elif one.state == "deleting":
                one.state = "deleted"
            elif one.state == "pendingAcceptance":
                word = serverless.get(one.id) or dedicated.get(one.id)
                one.state = {"AVAILABLE": "available", "PENDING": "pending", "REJECTED": "rejected"}.get(
                    word or "", "pendingAcceptance"
                )
            elif one.state == "pending" and dedicated.get(one.id) == "AVAILABLE":
                one.state = "available"


def _unheard(*_: Any) -> None:
    """Takes the begin of an answer that nobody gets."""
