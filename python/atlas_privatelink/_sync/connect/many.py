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
            if step is Step.RESERVE:
                self._share_service()
        connections = tuple(member.finished() for member in self.members)
        if self.errors:
            text = "; ".join(f"{self.members[at].run.cloud.network}: {error}" for at, error in self.errors.items())
            message = f"{len(self.errors)} of {len(self.members)} networks could not be connected: {text}"
            errors = tuple(self.errors.get(at) for at in range(len(self.members)))
            raise ConnectManyFailed(message, connections=connections, errors=errors)
        return connections

    def _check_as_a_whole(self) -> None:
        for opening in self.openings:
            opening.prepare()
        places = [(one.run.cloud.provider, one.run.connection.region or "") for one in self.openings]
        networks = [(one.run.cloud.provider, one.run.cloud.network) for one in self.openings]
        for number, network in enumerate(networks):
            if network in networks[:number]:
                raise ValidationError(f"clouds has the network {network[1]} twice", field="clouds")
        for number, opening in enumerate(self.openings):
            opening.rules.planned_beside = places[:number] + places[number + 1 :]

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
        named = [f"{self.members[at].run.cloud.network}: {error}" for at, error in self.errors.items()]
        raise PreflightFailed(f"nothing was created: {'; '.join(named)}", checks=checks)

    def _share_service(self) -> None:
        """What one of them has created, all have: each one's mark says so."""
        sides = [member.side for member in self.members if isinstance(member.side, DedicatedSide)]
        created = {side.run.connection.endpoint_service_id for side in sides if side.service_created}
        for side in sides:
            if side.run.connection.endpoint_service_id in created:
                side.service_created = True
