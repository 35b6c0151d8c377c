"""A local EC2 beside the local Atlas, for tests and demonstrations of `connect`: no account, no network.

    with AtlasEmulator(speed=60) as atlas, LocalEc2(atlas) as ec2:
        aws.connect(GROUP_ID, instance_name="Instance0", vpc_id=ec2.vpc_id(), client=ec2.client(), atlas=atlas.client())

VPCs, subnets, security groups and tags are moto's (`pip install 'atlas-privatelink[demo]'`). PrivateLink is its own:
client tokens count, a VPC endpoint stays `pendingAcceptance` until Atlas accepts it, a service name that Atlas has not
given out is refused, so are subnets in zones that the service does not have, and what is deleted is shown as such for a
while. Where the real EC2 is slow, or not documented, its options choose how this one behaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._ec2_account import Ec2Account
from ._ec2_accounts import MAIN_ACCOUNT
from ._ec2_faults import DeletionFault, Fault
from ._ec2_rules import Ec2Rules, TokenBehavior
from ._ec2_transport import HttpServer
from ._ec2_world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from . import AtlasEmulator

__all__ = ["Ec2Account", "Ec2Rules", "LocalEc2", "TokenBehavior"]


class LocalEc2(Ec2Account):
    """A local EC2 that knows what a local Atlas knows. Start it with `with` or `start()`.

    It answers for any number of accounts, and is the main one of them. All its seconds are those of Atlas's clock.
    The options from `shown_after` on can be changed while it runs: they are the fields of `rules`.

    Args:
        atlas: The local Atlas; it has to be started.
        region: The region of `vpc_id`, `subnet_ids` and `client`.
        shown_after: How many times a new VPC endpoint is not shown by its id, as EC2's own delay does it.
        lists_lag: In how many lists (without ids) a new VPC endpoint is missing, and a deleted one has its old state.
        lag_seconds: For how long both are so.
        tags_lag: How many times a new VPC endpoint is shown without its tags; the answer that created it has them.
        deleting_looks: How many times a deleted VPC endpoint is shown as `deleting` before it is `deleted`.
        deleted_looks: How many times it is then shown as `deleted`, before it is not found; None for ever.
        tokens: What a client token does whose VPC endpoint is deleted: "returns-deleted" answers with it, "mismatch"
            refuses with `IdempotentParameterMismatch`, "forgets" makes a new one. While the VPC endpoint lives, all
            answer with it, and refuse other parameters with `IdempotentParameterMismatch`. With "mismatch" the
            parameters count from the first use of the token, even if EC2 has refused that; otherwise a refused request
            leaves no trace.
        tags_count: Whether other tags are other parameters.
        strip_tags: Tags that a policy takes away right after creation, whose answer still has them.
        tag_policy: What a policy makes of the tags of a new VPC endpoint, after `strip_tags`.
        deny_tags: Whether the main account has no permission for `ec2:CreateTags`.
        service_known_after: How many times `CreateVpcEndpoint` and `DescribeVpcEndpointServices` refuse a service that
            Atlas has named with `InvalidServiceName`.
        remote_discovery_seconds: How long Atlas does not see a VPC endpoint in another region than its service's. If it
            is registered earlier, EC2 shows it as rejected when it is looked at before the time is over; with
            `tells_atlas`, Atlas rejects it in any case.
        rejects_unregistered: Whether a VPC endpoint that was accepted is `rejected` when Atlas has it no more.
        tells_atlas: Whether the local Atlas rejects what is registered with it and is no VPC endpoint of this EC2, is
            deleted, or cannot be seen by it yet. It then asks for nobody else's endpoints. Counts from the start.
        page_size: How many VPC endpoints, subnets or security groups are shown at once.
        endpoint_quota: How many VPC endpoints a VPC can have.
        role_seconds: How long the credentials of assumed roles are good, in real seconds; None for what was asked for.

    Raises:
        ConfigurationError: moto is missing (when started).
        ValueError: An option breaks its rule.
    """

    def __init__(
        self,
        atlas: AtlasEmulator,
        *,
        region: str = "us-east-1",
        shown_after: int = 0,
        lists_lag: int = 0,
        lag_seconds: float = 0.0,
        tags_lag: int = 0,
        deleting_looks: int = 0,
        deleted_looks: int | None = None,
        tokens: TokenBehavior = "returns-deleted",
        tags_count: bool = True,
        strip_tags: Collection[str] = (),
        tag_policy: Callable[[dict[str, str]], Mapping[str, str]] | None = None,
        deny_tags: bool = False,
        service_known_after: int = 0,
        remote_discovery_seconds: float = 30.0,
        rejects_unregistered: bool = False,
        tells_atlas: bool = False,
        page_size: int | None = None,
        endpoint_quota: int | None = None,
        role_seconds: float | None = None,
    ) -> None:
        self.atlas, self.region, self.account_id = atlas, region, MAIN_ACCOUNT
        self.rules = Ec2Rules(
            shown_after=shown_after,
            lists_lag=lists_lag,
            lag_seconds=lag_seconds,
            tags_lag=tags_lag,
            deleting_looks=deleting_looks,
            deleted_looks=deleted_looks,
            tokens=tokens,
            tags_count=tags_count,
            strip_tags=strip_tags,
            tag_policy=tag_policy,
            service_known_after=service_known_after,
            remote_discovery_seconds=remote_discovery_seconds,
            rejects_unregistered=rejects_unregistered,
            tells_atlas=tells_atlas,
            page_size=page_size,
            endpoint_quota=endpoint_quota,
            role_seconds=role_seconds,
        )
        """How it behaves."""
        self._denies_tags = deny_tags
        self._started: World | None = None
        self._server: HttpServer | None = None

    def start(self) -> Self:
        """Begin to listen on a free port of this machine. Does nothing if it was started before.

        Raises:
            ConfigurationError: moto is missing.
        """
        if self._started is None:
            self._started = World(self.atlas, self.rules)
            self._server = HttpServer(self._started)
            if self.rules.tells_atlas:
                self._started.atlas.ask(self._started.seen_by_atlas)
            if self._denies_tags:
                self.deny("CreateTags")
        return self

    def stop(self) -> None:
        """Stop for good; what it knows can still be read. Does nothing if it was stopped before."""
        if self._server is not None:
            self._server.stop()
            self._server = None
            if self.rules.tells_atlas:
                self._world.atlas.ask(None)

    def reset(self) -> None:
        """Forget all VPC endpoints, client tokens, faults, denied permissions and calls.

        Networks and roles stay, and so do the rules: that takes less time than another local EC2.
        """
        self._world.reset()
        if self._denies_tags:
            self.deny("CreateTags")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _world(self) -> World:
        if self._started is None:
            raise RuntimeError("the local EC2 is not started: use it in a with statement, or call start()")
        return self._started

    @property
    def endpoint_url(self) -> str:
        """Where it, and its STS, listens."""
        if self._server is None:
            raise RuntimeError("the local EC2 does not run")
        return self._server.url

    @property
    def calls(self) -> list[str]:
        """The actions that were asked for since the start, in their order. It can be cleared."""
        return self._world.calls

    @property
    def shown_after(self) -> int:
        """How many times a new VPC endpoint is not shown by its id."""
        return self.rules.shown_after

    @shown_after.setter
    def shown_after(self, times: int) -> None:
        self.rules.shown_after = times

    def account(self, account_id: str) -> Ec2Account:
        """One more account.

        Args:
            account_id: 12 digits.
        """
        self._world.credentials.add_account(account_id)
        return _Other(self, account_id)

    def expire_roles(self) -> None:
        """End the life of the credentials of all assumed roles: they get `RequestExpired`."""
        self._world.credentials.expire()

    def force_state(self, vpc_endpoint_id: str, state: str) -> None:
        """Let a VPC endpoint be in a state, such as `rejected`, `failed` or `expired`, whatever Atlas says."""
        self._world.forced[vpc_endpoint_id] = state

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
        self._world.faults.armed.append(Fault(action, code, message, status, executed, times, after))

    def throttle(self, every: int | None, *, action: str | None = None) -> None:
        """Refuse every so-manieth call with 503 `RequestLimitExceeded`.

        Args:
            every: 1 refuses all, 2 every other one; None none any more.
            action: Only calls of this action count, and are refused.
        """
        self._world.faults.throttle_every(every, action)

    def fail_deletion(
        self,
        vpc_endpoint_id: str,
        code: str = "InternalError",
        message: str = "An internal error has occurred.",
        *,
        times: int = 1,
    ) -> None:
        """Let `DeleteVpcEndpoints` answer 200, with this VPC endpoint in `Unsuccessful`.

        Args:
            vpc_endpoint_id: The VPC endpoint.
            code: The code of its error.
            message: The message of its error.
            times: How many calls.
        """
        self._world.faults.deletions[vpc_endpoint_id] = DeletionFault(code, message, times)

    def forget_faults(self) -> None:
        """Disarm all faults. Permissions that were denied stay so."""
        self._world.faults.forget()


class _Other(Ec2Account):
    """One more account of a local EC2."""

    def __init__(self, ec2: LocalEc2, account_id: str) -> None:
        self._ec2, self.account_id, self.region = ec2, account_id, ec2.region

    @property
    def _world(self) -> World:
        return self._ec2._world

    @property
    def endpoint_url(self) -> str:
        return self._ec2.endpoint_url
