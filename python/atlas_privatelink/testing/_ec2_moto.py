"""moto, which has the VPCs, subnets, security groups and tags, with PrivateLink and STS answered by us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest
from moto.core.request import normalize_request
from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response
from moto.sts.responses import TokenResponse

from ._ec2_atlas import region_of_service
from ._ec2_endpoints import page_of
from ._ec2_region import ZONES, texts
from ._ec2_replies import Refused, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._ec2_accounts import Caller
    from ._ec2_region import Region
    from ._ec2_world import World

__all__ = ["Moto"]


class Moto:
    """moto's backends and responses, of one local EC2 alone: moto's own, which are global, stay untouched."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._backends: dict[tuple[str, str], Any] = {}
        ec2 = {name: _action(world, answer) for name, answer in _ACTIONS.items()}
        sts = {"assume_role": _assume_role(world), "get_caller_identity": _identity}
        self._responses: dict[str, Any] = {
            "ec2": _response_class(EC2Response, ec2 | {"ec2_backend": property(self._backend_of)}),
            "sts": _response_class(TokenResponse, sts),
        }

    def backend(self, account_id: str, region: str) -> Any:
        """The VPCs, subnets, security groups and tags of one region of an account."""
        key = (account_id, region)
        if key not in self._backends:
            backend: Any = EC2Backend(region, account_id)
            self.open_default_groups(backend)
            self._backends[key] = backend
        return self._backends[key]

    @staticmethod
    def open_default_groups(backend: Any) -> None:
        """A VPC's own security group lets its members in, in EC2; in moto nobody."""
        for groups in backend.groups.values():
            for group in groups.values():
                if group.is_default and not group.ingress_rules:
                    members = [{"GroupId": group.id}]
                    backend.authorize_security_group_ingress(group.id, "-1", None, None, [], source_groups=members)

    def _backend_of(self, response: Any) -> Any:
        return self.backend(response.caller.account_id, response.region)

    def answer(
        self,
        service: str,
        caller: Caller,
        region: str,
        http: tuple[str, str, Mapping[str, str], bytes],
        given: dict[str, str],
    ) -> Reply:
        """Answer a request of EC2 or STS.

        Raises:
            Refused: It is refused by us; what moto refuses is a reply.
        """
        if service not in self._responses:
            raise Refused("InvalidAction", f"There is no {service} here.")
        response = self._responses[service]()
        response.caller, response.given = caller, given
        method, url, sent, content = http
        # the way that leads through all versions of moto
        names: Any = dict(sent)
        prepared: Any = AWSPreparedRequest(method, url, names, content, stream_output=False)
        request = normalize_request(prepared)
        status, headers, body = response._dispatch(request, url, request.headers)
        answered = body.encode() if isinstance(body, str) else body
        return Reply(status, {name: str(value) for name, value in headers.items()}, answered)


def _response_class(base: Any, members: dict[str, Any]) -> Any:
    own: dict[str, Any] = {"caller": None, "given": None, "get_current_account": _account_id}
    return type(f"Local{base.__name__}", (base,), own | members)


def _account_id(response: Any) -> str:
    account_id: str = response.caller.account_id
    return account_id


def _action(world: World, answer: Callable[[World, Any], Any]) -> Callable[[Any], Any]:
    def method(response: Any) -> Any:
        return ActionResult(answer(world, response))

    return method


def _region(world: World, response: Any) -> Region:
    return world.region(response.caller.account_id, response.region)


def _parameters(response: Any) -> dict[str, Any]:
    parameters: dict[str, Any] = dict(response._get_params())
    return parameters


def _create_vpc_endpoint(world: World, response: Any) -> Any:
    ignored = ("Action", "Version", "ClientToken", "DryRun")
    raw = {name: value for name, value in response.given.items() if name not in ignored}
    return {"VpcEndpoint": _region(world, response).create(_parameters(response), raw)}


def _describe_vpc_endpoints(world: World, response: Any) -> Any:
    parameters = _parameters(response)
    ids = texts(parameters, "VpcEndpointIds")
    if ids and parameters.get("MaxResults"):
        text = "The parameter MaxResults cannot be used with the parameter VpcEndpointIds"
        raise Refused("InvalidParameterCombination", text)
    shown = _region(world, response).describe(ids, response._filters_from_querystring())
    return _page(world, response, "VpcEndpoints", shown)


def _delete_vpc_endpoints(world: World, response: Any) -> Any:
    return {"Unsuccessful": _region(world, response).delete(texts(_parameters(response), "VpcEndpointIds"))}


def _modify_vpc_endpoint(world: World, response: Any) -> Any:
    _region(world, response).modify(_parameters(response))
    return {"Return": True}


def _describe_vpc_endpoint_services(world: World, response: Any) -> Any:
    parameters, region = _parameters(response), _region(world, response)
    filters: Mapping[str, Sequence[str]] = response._filters_from_querystring()
    names = [*texts(parameters, "ServiceNames"), *filters.get("service-name", [])]
    regions = texts(parameters, "ServiceRegions") or [region.name]
    details: list[dict[str, Any]] = []
    for name in names:
        of_service = region_of_service(name)
        # a service of a region that was not asked for is as good as none
        region.check_service(name, of_service if of_service in regions else "")
        details.append(
            {
                "AcceptanceRequired": True,
                "AvailabilityZones": [f"{of_service}{zone}" for zone in ZONES],
                "ManagesVpcEndpoints": False,
                "Owner": "000000000000",
                "ServiceId": name.rsplit(".", 1)[1],
                "ServiceName": name,
                "ServiceRegion": of_service,
                "ServiceType": [{"ServiceType": "Interface"}],
                "SupportedIpAddressTypes": ["ipv4"],
            }
        )
    return {"ServiceDetails": details, "ServiceNames": names}


def _create_tags(world: World, response: Any) -> Any:
    _check_resources(world, response)
    return EC2Response.create_tags(response).result


def _delete_tags(world: World, response: Any) -> Any:
    _check_resources(world, response)
    return EC2Response.delete_tags(response).result


def _check_resources(world: World, response: Any) -> None:
    # moto tags VPC endpoints that do not exist
    for resource_id in texts(_parameters(response), "Resources"):
        if resource_id.startswith("vpce-") and not resource_id.startswith("vpce-svc-"):
            _region(world, response).find(resource_id)


def _create_vpc(world: World, response: Any) -> Any:
    made = EC2Response.create_vpc(response).result
    world.open_default_groups(response.ec2_backend)
    return made


def _describe_subnets(world: World, response: Any) -> Any:
    shown: Any = EC2Response.describe_subnets(response).result
    return _page(world, response, "Subnets", shown["Subnets"])


def _describe_security_groups(world: World, response: Any) -> Any:
    shown: Any = EC2Response.describe_security_groups(response).result
    return _page(world, response, "SecurityGroups", shown["SecurityGroups"])


def _page(world: World, response: Any, key: str, items: Sequence[Any]) -> dict[str, Any]:
    parameters = _parameters(response)
    most = parameters.get("MaxResults")
    page, following = page_of(
        items,
        most=None if most is None else int(most),
        token=parameters.get("NextToken"),
        page_size=world.rules.page_size,
    )
    return {key: page, "NextToken": following}


_ACTIONS: dict[str, Callable[[World, Any], Any]] = {
    "create_tags": _create_tags,
    "create_vpc": _create_vpc,
    "create_vpc_endpoint": _create_vpc_endpoint,
    "delete_tags": _delete_tags,
    "delete_vpc_endpoints": _delete_vpc_endpoints,
    "describe_security_groups": _describe_security_groups,
    "describe_subnets": _describe_subnets,
    "describe_vpc_endpoint_services": _describe_vpc_endpoint_services,
    "describe_vpc_endpoints": _describe_vpc_endpoints,
    "modify_vpc_endpoint": _modify_vpc_endpoint,
}


def _assume_role(world: World) -> Callable[[Any], Any]:
    return lambda response: ActionResult(world.credentials.assume(response.caller, response.given))


def _identity(response: Any) -> Any:
    caller = response.caller
    return ActionResult({"UserId": "AIDALOCAL", "Account": caller.account_id, "Arn": caller.arn})
