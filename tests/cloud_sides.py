"""Both sides of `connect` for tests: a local Atlas with a local EC2, and processes that use them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection as Pipe
from typing import Any

from atlas_privatelink import Client, aws
from atlas_privatelink.models import Connection, ConnectionProgress
from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing.ec2 import LocalEc2

SERVERLESS: dict[str, Any] = {"instance_name": "Instance0"}
DEDICATED: dict[str, Any] = {"cluster_name": "Cluster0"}
DEPLOYMENTS = [SERVERLESS, DEDICATED]


@dataclass
class Sides:
    """A local Atlas and a local EC2."""

    atlas: AtlasEmulator
    ec2: LocalEc2

    @cached_property
    def client(self) -> Any:
        """A boto3 client, which takes long to make."""
        return self.ec2.client()

    def connect(self, group_id: str, **options: Any) -> Connection:
        """`connect` in this process."""
        with self.atlas.client() as client:
            return aws.connect(group_id, **self.options(client) | options)

    def connect_until(self, event: tuple[str, str], group_id: str, **options: Any) -> None:
        """`connect` by somebody who leaves at the first event of a step and a state."""

        class Left(Exception):
            """Not an error of anything."""

        def leave(seen: ConnectionProgress) -> None:
            if (seen.step, seen.state) == event:
                raise Left

        try:
            self.connect(group_id, **options, on_progress=leave)
        except Left:
            return
        raise AssertionError(f"there was no {event}")

    def disconnect(self, group_id: str, **options: Any) -> Connection:
        """`disconnect` in this process."""
        with self.atlas.client() as client:
            return aws.disconnect(group_id, **self.options(client) | options)

    def options(self, client: Any) -> dict[str, Any]:
        """What points `connect` here."""
        return {"atlas": client, "client": self.client, "vpc_id": self.ec2.vpc_id()}

    def of_atlas(self, group_id: str) -> list[tuple[str, str, str]]:
        """Id, status and service name of what Atlas has for a project and does not delete: endpoints, or services."""
        serverless = [(one["_id"], one["status"], one["endpointServiceName"]) for one in self.atlas.endpoints(group_id)]
        services = [one for one in self.atlas.endpoint_services() if one["groupId"] == group_id]
        dedicated = [(one["id"], one["status"], one["endpointServiceName"]) for one in services]
        return [one for one in serverless + dedicated if one[1] != "DELETING"]

    def known_to_atlas(self, group_id: str) -> list[str]:
        """The VPC endpoints that Atlas was told of."""
        serverless = [one["cloudProviderEndpointId"] for one in self.atlas.endpoints(group_id)]
        services = [one for one in self.atlas.endpoint_services() if one["groupId"] == group_id]
        return [*filter(None, serverless), *(known for one in services for known in one["interfaceEndpoints"])]

    def assert_connected_once(self, group_id: str, connection: Connection) -> None:
        """Exactly one of everything, on both sides, and the right connection string."""
        ((_, status, service_name),) = self.of_atlas(group_id)
        assert status == "AVAILABLE"
        vpc_endpoints = [one for one in self.ec2.vpc_endpoints() if one["service_name"] == service_name]
        (vpc_endpoint,) = vpc_endpoints
        assert vpc_endpoint["state"] == "available"
        assert self.known_to_atlas(group_id) == [vpc_endpoint["id"]]
        assert connection.cloud_endpoint_id == vpc_endpoint["id"]
        assert connection.endpoint_service_name == service_name
        assert connection.srv is not None
        assert connection.srv.startswith("mongodb+srv://")
        assert connection.connection_strings is not None
        assert connection.connection_strings.id == vpc_endpoint["id"]


@contextmanager
def sides(**options: Any) -> Iterator[Sides]:
    """A local Atlas with these options, and a local EC2."""
    with AtlasEmulator(**options) as atlas, LocalEc2(atlas) as ec2:
        yield Sides(atlas, ec2)


@dataclass
class Death:
    """When a process is to be killed: at the first event of a step, or after some time."""

    at: tuple[str, str] | None = None
    after: float | None = None


def connect_in_process(environment: dict[str, str], arguments: dict[str, Any], death: Death, pipe: Pipe) -> None:
    """What the child does: `connect`, as a script would."""
    os.environ.update(environment)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def progress(event: ConnectionProgress) -> None:
        if death.at == (str(event.step), event.state):
            die()

    if death.after is not None:
        threading.Timer(death.after, die).start()
    try:
        with Client() as atlas:
            pipe.send(aws.connect(**arguments, atlas=atlas, on_progress=progress))
    except Exception as error:
        pipe.send(error)


class Children:
    """Starts processes like those of scripts, quickly: from one that has imported everything."""

    def __init__(self, of: Sides) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["cloud_sides", "boto3"])
        self._environment = of.atlas.environment() | of.ec2.environment()
        self._vpc_id = of.ec2.vpc_id()

    def start(self, group_id: str, deployment: dict[str, Any], death: Death | None = None) -> tuple[Any, Pipe]:
        """A process that connects, and where its result comes out."""
        ours, theirs = self._context.Pipe(duplex=False)
        arguments = {"group_id": group_id, "vpc_id": self._vpc_id, **deployment}
        given = (self._environment, arguments, death or Death(), theirs)
        process = self._context.Process(target=connect_in_process, args=given)
        process.start()
        theirs.close()
        return process, ours

    def run(self, group_id: str, deployment: dict[str, Any], death: Death | None = None) -> Connection | None:
        """What it returned; `None` where it was killed before."""
        process, result = self.start(group_id, deployment, death)
        try:
            connection: Connection | Exception = result.recv()
        except EOFError:
            process.join()
            # 255 where another thread of this process has collected the signal
            assert process.exitcode in (-signal.SIGKILL, 255)
            return None
        process.join()
        if isinstance(connection, Exception):
            raise connection
        return connection
