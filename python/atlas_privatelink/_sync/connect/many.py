# Derived from `_async` by `make twins`: do not edit.
"""Several networks for one deployment in one call: checked as a whole, then connected step by step, side by side."""

from __future__ import annotations

from ...errors import AtlasError, ConnectManyFailed, PreflightFailed, ValidationError
from ...models.connection import Step
from .connecting import Connecting
from .dedicated import DedicatedSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...models import Connection
    from .opening import Opening

__all__ = ["ConnectingMany"]


class ConnectingMany:
    """One `connect_many`. Each step is done for every network before the next one begins: Atlas and the clouds work on
    all of them at the same time, and the endpoint service is created once.

    Args:
        openings: The arguments of each network, checked.
    """

    def __init__(self, openings: Sequence[Opening], *, on_drift: str) -> None:
        self.openings = openings
        self.members = [Connecting(one, on_drift=on_drift) for one in openings]  # type: ignore[arg-type]
        self.errors: dict[int, AtlasError] = {}
        for member in self.members:
            member.run.networks = len(self.members)

    def connect(self) -> tuple[Connection, ...]:
        """Connects every network.

        Raises:
            PreflightFailed: At least one cannot be connected; nothing was created.
            ConnectManyFailed: Some could not be connected; the others were.
        """
        for member in self.members:
            member.run.announce(member.steps())
        self._check_as_a_whole()
        steps = [step for step, _ in self.members[0].steps()]
        for step in steps:
            for number, member in enumerate(self.members):
                if number not in self.errors:
                    self._step(number, member, step)
            if step is Step.PREFLIGHT:
                self._refuse()
        connections = tuple(member.finished() for member in self.members)
        if self.errors:
            text = "; ".join(f"{self.members[at].run.cloud.network}: {error}" for at, error in self.errors.items())
            message = f"{len(self.errors)} of {len(self.members)} networks could not be connected: {text}"
            errors = tuple(self.errors.get(at) for at in range(len(self.members)))
            raise ConnectManyFailed(message, connections=connections, errors=errors)
        return connections

    def _check_as_a_whole(self) -> None:
        for member in self.members:
            member.run.outlive(member.survey)
        services = [_service_of(member) for member in self.members]
        identities = [
            (service, member.run.cloud.network) for service, member in zip(services, self.members, strict=True)
        ]
        for number, identity in enumerate(identities):
            if identity in identities[:number]:
                raise ValidationError(f"clouds has the network {identity[1]} twice", field="clouds")
            side = self.members[number].side
            if isinstance(side, DedicatedSide):
                side.is_created_beside = identity[0] in services[:number]
        for member in self.members:
            beside = [one for one in self.members if one is not member and one.is_registering]
            member.opening.rules.planned_beside = [_place_of(one) for one in beside]

    def _step(self, number: int, member: Connecting, step: Step) -> None:
        try:
            member.step(step)
        except AtlasError as error:
            member.run.fail(error)
            self.errors[number] = error
        except BaseException as error:
            member.run.fail(error)
            raise

    def _refuse(self) -> None:
        if not self.errors:
            return
        checks = tuple(check for member in self.members for check in member.run.connection.checks)
        begin = "nothing was created: "
        named = [
            f"{self.members[at].run.cloud.network}: {str(error).removeprefix(begin)}"
            for at, error in self.errors.items()
        ]
        raise PreflightFailed(f"{begin}{'; '.join(named)}", checks=checks)


def _place_of(member: Connecting) -> tuple[str, str]:
    return member.run.cloud.provider, member.run.connection.region or ""


def _service_of(member: Connecting) -> tuple[str, str, object]:
    """What stands for an endpoint service: on Google Cloud, a region can have two."""
    return *_place_of(member), getattr(member.run.cloud, "port_mapping", None)
