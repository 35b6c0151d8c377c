"""The commands of endpoints: those of serverless instances, and those of dedicated clusters."""

from __future__ import annotations

from .grammar import add_options, add_positional, command, words_for
from .waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .. import Client
    from .grammar import Commands

__all__ = ["add"]

# what only one of the two kinds of endpoints has
_OF_INSTANCES = ("comment",)
_OF_CLUSTERS = ("endpoint_id", "private_endpoint_ip_address", "gcp_project_id", "endpoints")

# Atlas has no list of the endpoints of a service; the service names them
_ENDPOINTS_OF_SERVICES = ("interface_endpoints", "private_endpoints", "endpoint_group_names")


def add(commands: Commands) -> None:
    """Register the commands."""
    _, own = command(
        commands,
        "create",
        _create,
        "create a private endpoint in Atlas",
        more="For a serverless instance, reserves one. For dedicated clusters, registers the endpoint of your cloud.",
    )
    add_positional(own, "endpoint_id", nargs="?", help="with --service: endpoint ID of your cloud (vpce-…)")
    _add_deployment(own)
    add_options(own, "comment", "if_exists", "private_endpoint_ip_address", "gcp_project_id", "endpoints")
    add_options(own, "wait", help="wait until it is RESERVED (with --service: AVAILABLE)")
    add_options(own, "timeout")

    _, own = command(commands, "get", _get, "show a private endpoint")
    add_positional(own, "endpoint_id")
    _add_deployment(own)

    _, own = command(commands, "list", _list, "list private endpoints")
    _add_deployment(own)

    _, own = command(
        commands,
        "update",
        _update,
        "register an endpoint with a serverless instance, or change its comment",
    )
    add_positional(own, "endpoint_id", help="endpoint ID of Atlas")
    add_options(own, "instance_name", required=True)
    add_options(own, "cloud_provider_endpoint_id", "private_endpoint_ip_address", "comment", "provider_name")

    _, own = command(commands, "delete", _delete, "delete a private endpoint in Atlas")
    add_positional(own, "endpoint_id")
    _add_deployment(own)
    add_options(own, "force")
    add_options(own, "wait", help="wait until it is deleted")
    add_options(own, "timeout")

    _, own = command(commands, "wait", _wait, "wait until a private endpoint is reserved, available or deleted")
    add_positional(own, "endpoint_id")
    _add_deployment(own)
    add_options(own, "until", default="AVAILABLE")
    add_options(own, "timeout")

    _, own = command(
        commands, "connection-string", _connection_string, "wait for the connection string of a private endpoint"
    )
    add_positional(own, "endpoint_id", help="endpoint ID of your cloud (vpce-…)")
    add_options(own.add_mutually_exclusive_group(required=True), "instance_name", "cluster_name")
    add_options(own, "timeout")


def _add_deployment(own: argparse._ActionsContainer) -> None:
    add_options(own.add_mutually_exclusive_group(required=True), "instance_name", "service_id")
    add_options(own, "provider")


def _check(options: argparse.Namespace) -> None:
    from .failures import UsageError
    from .grammar import refuse

    if options.service_id is None:
        unfit = ("provider", *_OF_CLUSTERS) if options.run is _create else ("provider",)
        refuse(options, unfit, "is for --service, not for --instance")
    else:
        refuse(options, _OF_INSTANCES, "is for --instance, not for --service")
        if options.run is _create and options.endpoint_id is None:
            raise UsageError("the following arguments are required with --service: ENDPOINT")


def _family(options: argparse.Namespace, client: Client) -> tuple[Any, dict[str, Any]]:
    """What has the methods for these endpoints, and the arguments that say where they are."""
    from .atlas import project_of

    where = {"group_id": project_of(options)}
    if options.service_id is None:
        return client, {**where, "instance_name": options.instance_name}
    return client.dedicated, {**where, "provider": options.provider or "AWS", "service_id": options.service_id}


def _create(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .output import write

    _check(options)
    with open_client(options) as client:
        family, where = _family(options, client)
        serverless = options.service_id is None
        names = _OF_INSTANCES if serverless else _OF_CLUSTERS
        arguments = {name: getattr(options, name) for name in names}
        if options.if_exists is not None:
            arguments["if_exists"] = options.if_exists
        _tell_of_creation(options)
        endpoint = family.create_endpoint(**where, **arguments)
        if options.wait:
            until = "RESERVED" if serverless else "AVAILABLE"
            endpoint = _waited(options, family, where, endpoint.id, until=until)
    write(endpoint, options.output)
    return 0


def _tell_of_creation(options: argparse.Namespace) -> None:
    """How to find out what became of a creation that was interrupted."""
    interruption = options.interruption
    interruption.known = "it is not known whether the endpoint was created"
    if options.service_id is None and options.comment is None:
        interruption.words = words_for(options.root, ["list"], vars(options))
        interruption.purpose = "to see"
    elif options.if_exists != "adopt":
        interruption.words = words_for(options.root, ["create"], {**vars(options), "if_exists": "adopt"})


def _get(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .output import write

    _check(options)
    with open_client(options) as client:
        family, where = _family(options, client)
        endpoint = family.get_endpoint(**where, endpoint_id=options.endpoint_id)
    write(endpoint, options.output)
    return 0


def _list(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .output import write_list

    _check(options)
    with open_client(options) as client:
        family, where = _family(options, client)
        if options.service_id is None:
            endpoints = family.list_endpoints(**where)
        else:
            service = family.get_service(**where)
            known = (getattr(service, name, ()) for name in _ENDPOINTS_OF_SERVICES)
            ids = [endpoint_id for ids in known for endpoint_id in ids]
            endpoints = [family.get_endpoint(**where, endpoint_id=endpoint_id) for endpoint_id in ids]
    write_list(endpoints, options.output)
    return 0


def _update(options: argparse.Namespace) -> int:
    from .atlas import open_client, project_of
    from .output import write

    with open_client(options) as client:
        endpoint = client.update_endpoint(
            project_of(options),
            options.instance_name,
            options.endpoint_id,
            cloud_provider_endpoint_id=options.cloud_provider_endpoint_id,
            private_endpoint_ip_address=options.private_endpoint_ip_address,
            comment=options.comment,
            provider_name=options.provider_name,
        )
    write(endpoint, options.output)
    return 0


def _delete(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .confirmation import confirmed
    from .output import write

    _check(options)
    with open_client(options) as client:
        family, where = _family(options, client)
        if not confirmed(options, f"delete endpoint {options.endpoint_id} of {_deployment(options)}"):
            return 1
        family.delete_endpoint(**where, endpoint_id=options.endpoint_id)
        if options.wait:
            _waited(options, family, where, options.endpoint_id, until="DELETED")
    write({"id": options.endpoint_id, "status": "DELETED" if options.wait else "DELETING"}, options.output)
    return 0


def _deployment(options: argparse.Namespace) -> str:
    return options.instance_name or f"service {options.service_id}"


def _wait(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .output import write

    _check(options)
    with open_client(options) as client:
        family, where = _family(options, client)
        endpoint = _waited(options, family, where, options.endpoint_id, until=options.until)
    write(endpoint or {"id": options.endpoint_id, "status": options.until}, options.output)
    return 0


def _waited(options: argparse.Namespace, family: Any, where: dict[str, Any], endpoint_id: str, *, until: str) -> Any:
    values = {**vars(options), "endpoint_id": endpoint_id, "until": until}
    return wait_until(
        options,
        f"endpoint {endpoint_id}",
        words_for(options.root, ["wait"], values),
        lambda progress: family.wait_for_endpoint(
            **where, endpoint_id=endpoint_id, until=until, timeout=options.timeout, on_progress=progress
        ),
        until,
    )


def _connection_string(options: argparse.Namespace) -> int:
    from .atlas import open_client, project_of
    from .output import write

    with open_client(options) as client:
        family: Any = client if options.cluster_name is None else client.dedicated
        deployment = options.cluster_name or options.instance_name
        group_id = project_of(options)
        strings = wait_until(
            options,
            f"the connection string of {deployment}",
            options.interruption.words,
            lambda progress: family.connection_string(
                group_id, deployment, options.endpoint_id, timeout=options.timeout, on_progress=progress
            ),
            "there",
        )
    write(strings, options.output)
    return 0
