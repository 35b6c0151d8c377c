"""The commands of endpoint services of dedicated clusters."""

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


def add(commands: Commands) -> None:
    """Register the command `service`, and its own."""
    summary = "endpoint services of dedicated clusters"
    parser = commands.add_parser("service", help=summary, description=f"{summary.capitalize()}.")
    services: Commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    _, own = command(services, "create", _create, "create the endpoint service of a region")
    add_options(own, "provider", required=True)
    add_options(own, "region", required=True)
    add_options(
        own,
        "if_exists",
        choices=("error", "adopt"),
        help="adopt returns the existing endpoint service of the region (default: error)",
    )
    add_options(own, "supported_remote_regions", "port_mapping_enabled")
    add_options(own, "wait", help="wait until it is ready for your private endpoint")
    add_options(own, "timeout")

    _, own = command(services, "list", _list, "list the endpoint services of a cloud provider")
    add_options(own, "provider")

    _, own = command(services, "get", _get, "show an endpoint service")
    add_positional(own, "service_id")
    add_options(own, "provider")

    _, own = command(services, "update", _update, "change which other regions an endpoint service on AWS accepts")
    add_positional(own, "service_id")
    add_options(own, "supported_remote_regions", required=True, help="complete list of the other regions (repeatable)")

    _, own = command(services, "delete", _delete, "delete an endpoint service")
    add_positional(own, "service_id")
    add_options(own, "provider", "force")
    add_options(own, "wait", help="wait until it is deleted")
    add_options(own, "timeout")

    _, own = command(services, "wait", _wait, "wait until an endpoint service is ready or deleted")
    add_positional(own, "service_id")
    add_options(own, "provider")
    add_options(own, "until", default="RESERVED")
    add_options(own, "timeout")


def _where(options: argparse.Namespace) -> dict[str, Any]:
    from .atlas import project_of

    return {"group_id": project_of(options), "provider": options.provider or "AWS"}


def _create(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .output import write

    with open_client(options) as client:
        where = _where(options)
        interruption = options.interruption
        interruption.known = "it is not known whether the endpoint service was created"
        interruption.words = words_for(options.root, ["service", "create"], {**vars(options), "if_exists": "adopt"})
        service: Any = client.dedicated.create_service(
            **where,
            region=options.region,
            if_exists=options.if_exists or "error",
            supported_remote_regions=options.supported_remote_regions,
            port_mapping_enabled=options.port_mapping_enabled,
        )
        if options.wait:
            service = _waited(options, client, where, service.id, until="RESERVED")
    write(service, options.output)
    return 0


def _list(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .output import write_list

    with open_client(options) as client:
        services = client.dedicated.list_services(**_where(options))
    write_list(services, options.output)
    return 0


def _get(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .output import write

    with open_client(options) as client:
        service = client.dedicated.get_service(**_where(options), service_id=options.service_id)
    write(service, options.output)
    return 0


def _update(options: argparse.Namespace) -> int:
    from .atlas import open_client, project_of
    from .output import write

    with open_client(options) as client:
        service = client.dedicated.update_service(
            project_of(options), options.service_id, supported_remote_regions=options.supported_remote_regions
        )
    write(service, options.output)
    return 0


def _delete(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .confirmation import confirmed
    from .output import write

    with open_client(options) as client:
        where = _where(options)
        if not confirmed(options, f"delete endpoint service {options.service_id}"):
            return 1
        client.dedicated.delete_service(**where, service_id=options.service_id)
        if options.wait:
            _waited(options, client, where, options.service_id, until="DELETED")
    write({"id": options.service_id, "status": "DELETED" if options.wait else "DELETING"}, options.output)
    return 0


def _wait(options: argparse.Namespace) -> int:
    from .atlas import open_client
    from .output import write

    with open_client(options) as client:
        service = _waited(options, client, _where(options), options.service_id, until=options.until)
    write(service or {"id": options.service_id, "status": options.until}, options.output)
    return 0


def _waited(options: argparse.Namespace, client: Client, where: dict[str, Any], service_id: str, *, until: Any) -> Any:
    values = {**vars(options), "service_id": service_id, "until": until}
    return wait_until(
        options,
        f"endpoint service {service_id}",
        words_for(options.root, ["service", "wait"], values),
        lambda progress: client.dedicated.wait_for_service(
            **where, service_id=service_id, until=until, timeout=options.timeout, on_progress=progress
        ),
        until,
    )
