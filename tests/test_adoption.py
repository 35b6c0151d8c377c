"""`if_exists="adopt"` never returns what is being deleted: it waits until that is gone, and creates again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from answer_server import AnswerServer, Reply
from local_servers import Received
from support import GROUP_ID, Caller, DrivenCaller

from atlas_privatelink import Conflict, EndpointFailed, WaitTimeout
from atlas_privatelink.testing import AtlasEmulator

SERVICE_ID = "64f000000000000000000b01"
VPC_ENDPOINT = "vpce-0aaaaaaaaaaaaaaa1"
AZURE_ID = "/subscriptions/S/resourceGroups/Mine/providers/Microsoft.Network/privateEndpoints/Pe"
RULE = [("my-psc", "10.0.0.7")]


class OldEndpoint:
    """Atlas's side of one endpoint that exists already, in the states that looks show one after the other."""

    def __init__(self, server: AnswerServer, *states: dict[str, Any] | None) -> None:
        self.server, self.states = server, list(states)
        self.server.answer = self.answer
        self.created: list[dict[str, Any]] = []

    def answer(self, request: Received) -> Reply:
        if request.method == "POST":
            if self.states and self.states[0] is not None:
                return as_json({"error": 409, "errorCode": "PRIVATE_ENDPOINT_ALREADY_EXISTS"}, 409)
            self.created.append(json.loads(request.body))
            return as_json({"interfaceEndpointId": VPC_ENDPOINT, "connectionStatus": "NONE"}, 201)
        state = self.states[0] if self.states else None
        if len(self.states) > 1:
            del self.states[0]
        return as_json({"error": 404}, 404) if state is None else as_json(state)

    def methods(self) -> list[str]:
        return [request.method for request in self.server.requests]


def as_json(body: Any, status: int = 200) -> Reply:
    return Reply(status, (("Content-Type", "application/json"),), json.dumps(body).encode())


def endpoint(status: str, **more: Any) -> dict[str, Any]:
    return {"interfaceEndpointId": VPC_ENDPOINT, "connectionStatus": status, "deleteRequested": False, **more}


@pytest.fixture
def server() -> Iterator[AnswerServer]:
    with AnswerServer() as server:
        yield server


def adopt(call: Caller, server: AnswerServer, **options: Any) -> Any:
    arguments = (GROUP_ID, "AWS", SERVICE_ID, VPC_ENDPOINT)
    return call(server, "dedicated.create_endpoint", *arguments, if_exists="adopt", options=options)


@pytest.mark.parametrize("leaving", [endpoint("DELETING"), endpoint("AVAILABLE", deleteRequested=True)])
def test_what_is_being_deleted_is_replaced(server: AnswerServer, call: Caller, leaving: dict[str, Any]) -> None:
    old = OldEndpoint(server, leaving, leaving, None)
    made = adopt(call, server)
    assert made.status == "NONE" and old.created == [{"id": VPC_ENDPOINT}]
    assert old.methods() == ["POST", "GET", "GET", "GET", "POST"]


@pytest.mark.parametrize("staying", [endpoint("PENDING_ACCEPTANCE"), endpoint("AVAILABLE")])
def test_what_stays_is_adopted(server: AnswerServer, call: Caller, staying: dict[str, Any]) -> None:
    old = OldEndpoint(server, staying)
    assert adopt(call, server).status == staying["connectionStatus"]
    assert old.created == []


def test_what_vanishes_before_the_look_is_created_again(server: AnswerServer, call: Caller) -> None:
    old = OldEndpoint(server, endpoint("DELETING"), None)
    old.states[0] = {**endpoint("DELETED"), "status": "DELETED"}

    def answer(request: Received) -> Reply:
        if request.method == "GET":
            old.states[:] = [None]
        return old.answer(request)

    server.answer = answer
    assert adopt(call, server).status == "NONE"
    assert old.methods() == ["POST", "GET", "POST"]


def test_a_conflict_with_nothing_is_no_endless_loop(server: AnswerServer, call: Caller) -> None:
    def answer(request: Received) -> Reply:
        return as_json({"error": 409 if request.method == "POST" else 404}, 409 if request.method == "POST" else 404)

    server.answer = answer
    with pytest.raises(Conflict):
        adopt(call, server)
    assert [request.method for request in server.requests] == ["POST", "GET", "POST", "GET"]


def test_what_failed_stays_a_conflict(server: AnswerServer, call: Caller) -> None:
    old = OldEndpoint(server, endpoint("REJECTED"))
    with pytest.raises(Conflict):
        adopt(call, server)
    assert old.methods() == ["POST", "GET"]


def test_the_call_s_time_limit_is_kept(server: AnswerServer, call: Caller) -> None:
    OldEndpoint(server, endpoint("DELETING"))
    with pytest.raises(
        WaitTimeout, match="nothing was created, because the endpoint that exists is still being"
    ) as raised:
        adopt(call, server, timeout=2)
    assert raised.value.endpoint.id == VPC_ENDPOINT


def test_without_adopt_it_is_a_conflict_at_once(server: AnswerServer, call: Caller) -> None:
    old = OldEndpoint(server, endpoint("DELETING"))
    with pytest.raises(Conflict):
        call(server, "dedicated.create_endpoint", GROUP_ID, "AWS", SERVICE_ID, VPC_ENDPOINT)
    assert old.methods() == ["POST"]


def test_a_wait_for_an_endpoint_that_shall_be_deleted_ends(server: AnswerServer, call: Caller) -> None:
    leaving = endpoint("AVAILABLE", deleteRequested=True)
    OldEndpoint(server, leaving)
    with pytest.raises(EndpointFailed, match="it is being deleted") as raised:
        call(server, "dedicated.wait_for_endpoint", GROUP_ID, "AWS", SERVICE_ID, VPC_ENDPOINT)
    assert raised.value.endpoint.delete_requested is True


def test_an_endpoint_and_a_service_of_the_emulator(call: Caller) -> None:
    with AtlasEmulator(clock="driven") as emulator:
        atlas = DrivenCaller(emulator, call.kind)
        patient = {"timeout": 3600}
        service = atlas("dedicated.create_service", GROUP_ID, "AWS", "us-east-1")
        atlas("dedicated.wait_for_service", GROUP_ID, "AWS", service.id)
        known = (GROUP_ID, "AWS", service.id, VPC_ENDPOINT)
        atlas("dedicated.create_endpoint", *known)
        atlas("dedicated.wait_for_endpoint", *known)
        atlas("dedicated.create_endpoint", *known, if_exists="adopt")
        # another one keeps the service
        atlas("dedicated.create_endpoint", *known[:3], "vpce-0aaaaaaaaaaaaaaa2")
        atlas("dedicated.delete_endpoint", *known)
        again = atlas("dedicated.create_endpoint", *known, if_exists="adopt", options=patient)
        assert again.status == "PENDING_ACCEPTANCE"
        assert atlas("dedicated.wait_for_endpoint", *known).status == "AVAILABLE"

        for one in (VPC_ENDPOINT, "vpce-0aaaaaaaaaaaaaaa2"):
            atlas("dedicated.delete_endpoint", *known[:3], one)
            atlas("dedicated.wait_for_endpoint", *known[:3], one, until="DELETED")
        if service.id in [listed.id for listed in atlas("dedicated.list_services", GROUP_ID, "AWS")]:
            atlas("dedicated.delete_service", GROUP_ID, "AWS", service.id)
        other = atlas("dedicated.create_service", GROUP_ID, "AWS", "us-east-1", if_exists="adopt", options=patient)
        assert other.id != service.id and other.status == "INITIATING"


def test_serverless_creates_another_beside_one_that_is_being_deleted(call: Caller) -> None:
    with AtlasEmulator(clock="driven") as emulator:
        atlas = DrivenCaller(emulator, call.kind)
        old = atlas("create_endpoint", GROUP_ID, "Instance0", comment="mine")
        atlas("delete_endpoint", GROUP_ID, "Instance0", old.id)
        assert atlas("create_endpoint", GROUP_ID, "Instance0", comment="mine", if_exists="adopt").id != old.id


def test_azure_answers_in_another_case(server: AnswerServer, call: Caller) -> None:
    shown = {"privateEndpointResourceId": AZURE_ID.lower(), "status": "AVAILABLE"}
    server.answer = lambda request: as_json(shown) if request.method == "GET" else as_json({"error": 409}, 409)
    known = (GROUP_ID, "AZURE", SERVICE_ID, AZURE_ID)
    address: dict[str, Any] = {"private_endpoint_ip_address": "10.0.0.4"}
    adopted = call(server, "dedicated.create_endpoint", *known, if_exists="adopt", **address)
    assert adopted.status == "AVAILABLE"
    assert call(server, "dedicated.wait_for_endpoint", *known, timeout=20).status == "AVAILABLE"


def test_azure_s_id_of_data_federation_in_another_case(server: AnswerServer, call: Caller) -> None:
    listed = {"endpointId": AZURE_ID.upper(), "provider": "AZURE", "status": "OK"}
    server.answer = lambda request: as_json({"results": [{"endpointId": "vpce-1"}, listed]})
    made = call(server, "data_federation.create_endpoint", GROUP_ID, AZURE_ID, provider="AZURE")
    assert (made.id, made.status) == (AZURE_ID.upper(), "OK")
    assert call(server, "data_federation.wait_for_endpoint", GROUP_ID, AZURE_ID, timeout=20).status == "OK"


def test_of_two_kinds_of_google_services_the_same_kind_is_adopted(server: AnswerServer, call: Caller) -> None:
    legacy = {"id": SERVICE_ID, "regionName": "CENTRAL_US", "status": "AVAILABLE"}
    mapped = {**legacy, "id": SERVICE_ID[:-1] + "2", "portMappingEnabled": True}
    services = [legacy, mapped]
    server.answer = lambda request: as_json(services) if request.method == "GET" else as_json({"error": 409}, 409)
    known = (GROUP_ID, "GCP", "us-central1")
    for wanted, found in ((True, mapped), (False, legacy)):
        for order in (1, -1):
            services = services[::order]
            made = call(server, "dedicated.create_service", *known, if_exists="adopt", port_mapping_enabled=wanted)
            assert made.id == found["id"]


@pytest.mark.parametrize("named", [{"endpointGroupName": "my-psc"}, {"endpointGroupName": "made-by-atlas"}, {}])
def test_a_port_mapped_endpoint_goes_by_its_rule(server: AnswerServer, call: Caller, named: dict[str, str]) -> None:
    rule = {"endpointName": "my-psc", "ipAddress": "10.0.0.7", "status": "AVAILABLE"}
    shown = {**named, "status": "VERIFIED", "portMappingEnabled": True, "endpoints": [rule], "gcpProjectId": "p"}
    deleted = False

    def answer(request: Received) -> Reply:
        nonlocal deleted
        if request.method == "DELETE":
            deleted = True
            return Reply(204)
        if deleted:
            return as_json({"error": 404}, 404)
        status = "VERIFIED" if len(server.requests) < 3 else "AVAILABLE"
        return as_json({**shown, "status": status}, 201 if request.method == "POST" else 200)

    server.answer = answer
    known = (GROUP_ID, "GCP", SERVICE_ID, "my-psc")
    made = call(server, "dedicated.create_endpoint", *known, gcp_project_id="p", endpoints=RULE)
    assert made.port_mapping_enabled is True and made.status == "VERIFIED"
    assert [(one.name, one.ip_address, one.status) for one in made.endpoints] == [("my-psc", "10.0.0.7", "AVAILABLE")]
    assert json.loads(server.requests[0].body) == {
        "endpointGroupName": "my-psc",
        "gcpProjectId": "p",
        "endpoints": [{"endpointName": "my-psc", "ipAddress": "10.0.0.7"}],
    }
    assert call(server, "dedicated.get_endpoint", *known).port_mapping_enabled is True
    assert call(server, "dedicated.wait_for_endpoint", *known, timeout=20).status == "AVAILABLE"
    call(server, "dedicated.delete_endpoint", *known)
    assert call(server, "dedicated.wait_for_endpoint", *known, until="DELETED", timeout=20) is None
    assert {request.target.rpartition("/")[2] for request in server.requests[1:]} == {"my-psc"}
