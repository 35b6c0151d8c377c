# Derived from src/python by `make stubs`: do not edit.
from os import PathLike
from typing import Any, Final, SupportsFloat, SupportsIndex, final

__all__ = [
    "Batch",
    "Bridge",
    "Call",
    "Core",
    "Emulator",
    "Exchange",
    "Wait",
    "__version__",
    "atlas_region",
    "cloud_region",
    "next_bridge",
    "stop_pump",
]

__version__: Final[str]

@final
class Batch:
    """
    Calls in flight, by a number.
    """
    def __new__(cls, /) -> Batch: ...
    def cancel(self, /) -> None:
        """
        Drops the requests that are still in flight.
        """
    def start(self, /, number: SupportsIndex, call: Call) -> None:
        """
        Sends a call from the background thread; its outcome will bear the number.
        """
    def take(self, /) -> tuple[int, Any]:
        """
        Waits for the next outcome, detached from the interpreter, and looks for signals all the while: its number, and
        what `open_outcome` opens.
        """

@final
class Bridge:
    """
    What one event loop waits for. It holds no reference to the loop.
    """
    def fileno(self, /) -> int:
        """
        The descriptor to watch.
        """
    def is_inherited(self, /) -> bool:
        """
        Whether it belongs to the process that forked this one.
        """
    @staticmethod
    def pumped() -> tuple[Bridge, int]:
        """
        For a loop that cannot: the pump's thread wakes it, by this bridge's id.
        """
    def take(self, /) -> list[tuple[Any, Any]]:
        """
        What has finished: pairs of a future and its outcome, for `open_outcome`.
        """
    @staticmethod
    def watched() -> Bridge | None:
        """
        For a loop that can watch descriptors; `None` where this system has none.
        """

@final
class Call:
    """
    A call that was checked and not sent yet: `await` it, or `run` it.
    """
    def __await__(self, /) -> Any: ...
    def cancel(self, /) -> None:
        """
        Drops the request if it is still in flight. Does no harm otherwise.
        """
    def check(self, /) -> None:
        """
        Raises what is known to be wrong before anything is sent.
        """
    @property
    def is_long(self, /) -> bool:
        """
        Whether it may take minutes.
        """
    def run(self, /) -> Any:
        """
        Runs the call in this thread, detached from the interpreter, and looks for signals all the while. Its outcome is
        for `open_outcome`.
        """
    def start(self, /, bridge: Bridge, future: Any) -> None:
        """
        Sends the request from the background thread. `bridge` will hand out `future` with its outcome.
        """

@final
class Core:
    """
    A configured client of the Administration API; `AsyncClient` and `Client` are its faces.
    """
    def __new__(
        cls,
        /,
        public_key: str | None,
        private_key: str | None,
        *,
        client_id: str | None,
        client_secret: str | None,
        access_token: str | None,
        profile: str | None,
        base_url: str | None,
        api_version: str | None,
        timeout: SupportsFloat | SupportsIndex,
        connect_timeout: SupportsFloat | SupportsIndex,
        max_retries: SupportsIndex,
        max_connections: SupportsIndex,
        ca_file: str | PathLike[str] | None,
        proxy: str | None,
        allow_insecure: bool,
        revoke_token_on_close: bool,
    ) -> Core: ...
    @property
    def base_url(self, /) -> str:
        """
        Where the API is.
        """
    def call(self, /, operation: str, arguments: dict[str, Any]) -> Call:
        """
        A call of the operation of that name.
        """
    def close(self, /) -> None:
        """
        Closes idle connections. Calls in flight end as they would have; later ones are refused.
        """
    @property
    def credentials_source(self, /) -> str:
        """
        Where the credentials were found.
        """
    def driving(self, /, emulator: Emulator) -> Core:
        """
        The same client with connections of its own, whose pauses drive an emulator's clock instead of taking time.
        """
    def proxy_in_force(self, /) -> str | None:
        """
        The proxy that requests go through, without its password; `None` without one.
        """
    def revoke_token(self, /) -> Call | None:
        """
        A call that revokes the access token; `None` where there is none, or it is not to be revoked.
        """
    @property
    def shown_credentials(self, /) -> str:
        """
        What may be shown of the credentials, as a keyword argument.
        """
    def trusted_certificates(self, /) -> str:
        """
        Where the certificates that are trusted come from.
        """
    def wait(
        self,
        /,
        operation: str,
        arguments: dict[str, Any],
        *,
        until: str,
        timeout: SupportsFloat | SupportsIndex,
        reports: bool,
    ) -> Wait:
        """
        A wait of that name, which reports each look if asked to.
        """
    def with_options(
        self,
        /,
        *,
        timeout: SupportsFloat | SupportsIndex | None,
        max_retries: SupportsIndex | None,
        api_version: str | None,
        pretty: bool | None,
        envelope: bool | None,
    ) -> Core:
        """
        The same client with other options: connections and nonces are shared.
        """

@final
class Emulator:
    """
    A running emulator.
    """
    def __new__(cls, /, options: str) -> Emulator:
        """
        Starts one with the options of a JSON object.
        """
    def add_key(self, /, public_key: str, private_key: str, role: str) -> None: ...
    def advance(self, /, seconds: SupportsFloat | SupportsIndex) -> None: ...
    def allow_address(self, /, allowed: bool) -> None: ...
    @property
    def base_url(self, /) -> str: ...
    def deprecate(self, /, deprecation: str | None, sunset: str | None) -> None: ...
    def endpoint_services(self, /) -> str: ...
    def endpoints(self, /, group_id: str | None, instance_name: str | None) -> str: ...
    def expire_tokens(self, /) -> None: ...
    def fail_next_endpoint(self, /, message: str) -> None: ...
    def fault(self, /, name: str, parameters: str) -> None:
        """
        Arms a fault with the parameters of a JSON object.
        """
    def force(
        self,
        /,
        service_id: str,
        endpoint_id: str | None,
        status: str | None,
        error_message: str | None,
        delete_requested: bool | None,
    ) -> None:
        """
        Forces the status of an endpoint, or of the service where none is named; all None ends that.
        """
    def heal(self, /) -> None: ...
    def now(self, /) -> float: ...
    @property
    def port(self, /) -> int: ...
    def requests(self, /) -> str: ...
    def reset_stats(self, /) -> None: ...
    def restart(self, /) -> None: ...
    def retire(self, /, how: str | None) -> None: ...
    def set_cloud_endpoints(self, /, ids: Any | None) -> None:
        """
        The only private endpoints that the clouds have: ids, something to call for them, or None for any.
        """
    def set_clusters(self, /, clusters: str) -> None:
        """
        Puts other clusters in the place of those there are, from a JSON list; `null` accepts any name.
        """
    def stats(self, /) -> str: ...
    def stop(self, /) -> None: ...
    def take_finished_requests(self, /) -> str: ...

@final
class Exchange:
    """
    The HTTP side of a call, made into a `Response` by whoever asks for it.
    """
    @property
    def deprecation(self, /) -> tuple[str | None, str | None] | None:
        """
        When the operation was deprecated and when it will be gone, in Atlas's words, if Atlas says so.
        """
    def fields(self, /) -> tuple[int | None, str, str, dict[str, str], str | None, int, int, float]:
        """
        The fields of a `Response`.
        """
    @property
    def operation(self, /) -> str:
        """
        The operation's name.
        """

@final
class Wait:
    """
    A wait that was checked and not begun yet.
    """
    def step(self, /) -> Call:
        """
        A call that ends with the next look, where each is reported, or else when the target is reached.
        """

def atlas_region(provider: str, region: str) -> str:
    """
    Atlas's name of a region, from either name; unchanged for an unknown cloud.
    """

def cloud_region(provider: str, region: str) -> str:
    """
    The cloud's own name of a region, from either name; unchanged for an unknown cloud.
    """

def next_bridge() -> int | None:
    """
    Waits for a bridge with finished requests; `None` once the pump is stopped.
    """

def stop_pump() -> None:
    """
    Ends the pump's thread, so that it can be joined.
    """
