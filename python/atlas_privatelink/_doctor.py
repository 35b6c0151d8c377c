"""What stands between this machine and Atlas, looked at part by part: `diagnose`.

Each part is looked at by itself, so that one that fails hides no other. Nothing found holds a secret: credentials and
proxies are shown as the client shows them, and its errors hold none.
"""

from __future__ import annotations

import ipaddress
import os
import platform
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from itertools import product
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ._core import __version__
from ._outcomes import open_outcome
from ._sync.client import Client
from .errors import (
    ApiError,
    AtlasError,
    AuthenticationError,
    ConfigurationError,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    UnexpectedResponse,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from botocore.session import Session

__all__ = ["Finding", "Verdict", "diagnose"]

Verdict = Literal["ok", "warning", "failure", "skipped"]

ATLAS = "https://cloud.mongodb.com"
GOVERNMENT = "https://cloud.mongodbgov.com"
NO_PROJECT = "0" * 24
"""An id that no project has."""
CLOCK_TOLERANCE = 300.0
"""Seconds by which AWS lets a signature be wrong."""
LONGEST_DETAIL = 300
"""Characters of a server's text that are shown."""

_CREDENTIALS = ("public_key", "private_key", "client_id", "client_secret", "access_token", "profile")
_PLACE = ("base_url", "allow_insecure")
_NOBODY: dict[str, Any] = {"public_key": "nobody", "private_key": "nobody"}

# as the client tries them: the variables of each kind of credentials, by halves
_PREFIXES = ("MONGODB_ATLAS_", "MCLI_")
_HALVES = {
    "API key": (("PUBLIC_API_KEY", "PUBLIC_KEY"), ("PRIVATE_API_KEY", "PRIVATE_KEY")),
    "service account": (("CLIENT_ID",), ("CLIENT_SECRET",)),
    "access token": (("ACCESS_TOKEN",),),
}
_KINDS = {"public_key": "API key", "client_id": "service account", "access_token": "access token"}

# Atlas's words to somebody whom it has recognised; to a wrong key it says nothing with its 401, or UNEXPECTED_ERROR
_OUTSIDE_PROJECT = {"NOT_IN_GROUP", "USER_CANNOT_ACCESS_GROUP"}
_WITHOUT_ROLE = {"USER_UNAUTHORIZED"}
_ADDRESS_REFUSED = {
    "IP_ADDRESS_NOT_ON_ACCESS_LIST",
    "ORG_REQUIRES_ACCESS_LIST",
    "RESOURCE_REQUIRES_ACCESS_LIST",
}


@dataclass(frozen=True)
class Finding:
    """What was found of one part."""

    name: str
    """The part: `version`, `credentials`, `host`, `certificates`, `proxy`, `connection`, `clock`, `authentication`,
    `project` or `aws`."""
    verdict: Verdict
    """`skipped` where nothing was asked for, or nothing could be found out."""
    what: str
    """What was found, in one line."""
    advice: str | None = None
    """What helps."""


def diagnose(
    options: Mapping[str, Any],
    *,
    group_id: str | None = None,
    aws_profile: str | None = None,
    ask_aws: bool = False,
    text: Callable[[AtlasError], str] = str,
) -> Iterator[Finding]:
    """Look at everything that a call depends on, in the order in which a call meets it.

    One call is made at most, which reads and changes nothing.

    Args:
        options: The keyword arguments of the `Client` in question. Unless they say otherwise, `timeout` is 10 s and
            `connect_timeout` 5 s; nothing is tried twice.
        group_id: A project's id. Without one the call is for a project that does not exist, and what depends on a
            project is skipped.
        aws_profile: A profile of AWS's configuration files.
        ask_aws: Ask AWS whose credentials those of this machine are.
        text: Says an error of the client's setup in other words than Python's.

    Raises:
        ValidationError: Another option than those that findings are about breaks a rule, such as `timeout`.
    """
    system = f"{platform.system()} {platform.machine()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("version", "ok", f"atlas-privatelink {__version__}, {python}, {system}")
    setup = _Setup({"timeout": 10.0, "connect_timeout": 5.0, **options, "max_retries": 0}, text)
    yield setup.credentials()
    yield setup.host()
    yield setup.certificates()
    yield setup.proxy()
    yield from _asked(setup, group_id)
    yield _aws(aws_profile, ask=ask_aws)


class _Setup:
    """How a client is set up, in parts."""

    def __init__(self, options: Mapping[str, Any], text: Callable[[AtlasError], str]) -> None:
        self._options = options
        self.text = text
        parts = (*_CREDENTIALS, *_PLACE, "ca_file", "proxy")
        others = {name: value for name, value in options.items() if name not in parts}
        Client(**_NOBODY, base_url=ATLAS, **others)
        self.client = self._made(*options)
        caller = self._made(*_CREDENTIALS, *_PLACE)
        self._anybody = caller if isinstance(caller, Client) else self._made(*_PLACE, **_NOBODY)
        self.base_url = self._anybody._core.base_url if isinstance(self._anybody, Client) else ATLAS
        self._misplaced: AtlasError | None = None
        if not isinstance(caller, Client):
            elsewhere = self._made(*_CREDENTIALS, base_url=ATLAS)
            # the credentials are good, so what comes with them is not: the profile's host
            self._misplaced = caller if isinstance(elsewhere, Client) else None
            caller = elsewhere
        self._caller = caller

    def _made(self, *names: str, **others: Any) -> Client | AtlasError:
        """A client with only these of the options, or why there is none."""
        options: dict[str, Any] = {name: self._options[name] for name in names if name in self._options}
        try:
            return Client(**options, **others)
        except AtlasError as error:
            return error

    @property
    def kind(self) -> str:
        """What kind of credentials there are."""
        shown = self._caller._core.shown_credentials if isinstance(self._caller, Client) else ""
        return _KINDS.get(shown.partition("=")[0], "caller")

    def credentials(self) -> Finding:
        caller = self._caller
        if not isinstance(caller, Client):
            return Finding(
                "credentials",
                "failure",
                self.text(caller),
                "set both halves of an API key (MONGODB_ATLAS_PUBLIC_API_KEY, MONGODB_ATLAS_PRIVATE_API_KEY) or of a "
                "service account (MONGODB_ATLAS_CLIENT_ID, MONGODB_ATLAS_CLIENT_SECRET), or name a profile of the "
                "Atlas CLI that holds them",
            )
        source = caller._core.credentials_source
        used, unused = _variables(self.kind if source == "the environment" else None)
        where = f" ({', '.join(used)})" if used else ""
        beside = f"; set too, and not used: {', '.join(unused)}" if unused else ""
        return Finding(
            "credentials", "ok", f"{self.kind} {caller._core.shown_credentials} from {source}{where}{beside}"
        )

    def host(self) -> Finding:
        if not isinstance(self._anybody, Client):
            return Finding("host", "failure", self.text(self._anybody), f"Atlas is at {ATLAS} or {GOVERNMENT}")
        if self._misplaced is not None:
            return Finding("host", "failure", self.text(self._misplaced), f"Atlas is at {ATLAS} or {GOVERNMENT}")
        what = f"{self.base_url}, {self._source_of_base_url()}"
        if _is_loopback(self.base_url):
            return Finding("host", "ok", f"{what} (this machine: an emulator or a tunnel)")
        if not self.base_url.startswith("https:"):
            return Finding("host", "warning", f"{what} (not encrypted)", "use https: anybody on the way can read along")
        if self.base_url == GOVERNMENT:
            note = "Atlas for Government; keys of cloud.mongodb.com do not work here"
        elif self.base_url == ATLAS:
            note = "Atlas; keys of cloud.mongodbgov.com do not work here"
        else:
            note = "not Atlas's own host: Ops Manager, or a proxy in front of Atlas"
        return Finding("host", "ok", f"{what} ({note})")

    def _source_of_base_url(self) -> str:
        if self._options.get("base_url") is not None:
            return "as given"
        for prefix, name in product(_PREFIXES, ("BASE_URL", "OPS_MANAGER_URL")):
            if os.environ.get(prefix + name, "").rstrip("/") == self.base_url:
                return f"from {prefix}{name}"
        if not isinstance(self._caller, Client) and self._options.get("profile") is not None:
            return "the default unless the profile says otherwise"
        if self.base_url != ATLAS and isinstance(self._caller, Client):
            return f"from {self._caller._core.credentials_source}"
        return "the default"

    def certificates(self) -> Finding:
        made = self._made("ca_file", base_url=self.base_url, allow_insecure=True, **_NOBODY)
        advice = "name a PEM file of certificates with ca_file, SSL_CERT_FILE or REQUESTS_CA_BUNDLE, or none at all"
        needed = self.base_url.startswith("https:")
        try:
            if not isinstance(made, Client):
                raise made
            trusted = made._core.trusted_certificates()
        except AtlasError as error:
            is_ignored = not needed and self._options.get("ca_file") is None
            return Finding("certificates", "warning" if is_ignored else "failure", self.text(error), advice)
        return Finding("certificates", "ok", trusted if needed else f"{trusted}; not needed for plain http")

    def proxy(self) -> Finding:
        made = self._made("proxy", base_url=self.base_url, allow_insecure=True, **_NOBODY)
        if not isinstance(made, Client):
            return Finding("proxy", "failure", self.text(made), "give it as http://HOST:PORT")
        url = made._core.proxy_in_force()
        variable = _variable(f"{urlsplit(self.base_url).scheme.upper()}_PROXY") or _variable("ALL_PROXY")
        exceptions = _variable("NO_PROXY")
        excepted = f"{exceptions}={os.environ[exceptions]}" if exceptions else None
        if url is not None:
            given = self._options.get("proxy") is not None
            source = "as given" if given else f"from {variable or 'the system'}"
            return Finding("proxy", "ok", f"{url}, {source}" + (f" ({excepted})" if excepted and not given else ""))
        if variable is None:
            return Finding("proxy", "ok", "none")
        if _is_loopback(self.base_url):
            return Finding("proxy", "ok", f"none: {variable} is not used to reach this machine itself")
        if excepted:
            return Finding("proxy", "ok", f"none: {excepted} exempts this host from {variable}")
        advice = f"set {variable} to http://HOST:PORT, with the special characters of a password percent-encoded"
        return Finding("proxy", "warning", f"none: {variable} is set, but is not a proxy's URL", advice)


def _variables(kind: str | None) -> tuple[list[str], list[str]]:
    """The variables of credentials that are set: those that this kind is read from, and the others."""
    used: list[str] = []
    unused: list[str] = []
    for each, halves in _HALVES.items():
        for names in halves:
            found = [prefix + name for prefix, name in product(_PREFIXES, names) if os.environ.get(prefix + name)]
            first = 1 if each == kind else 0
            used += found[:first]
            unused += found[first:]
    return used, unused


def _variable(name: str) -> str | None:
    """A variable that is heeded in both cases, as it is set."""
    return next((each for each in (name, name.lower()) if os.environ.get(each)), None)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# --- what only Atlas's answer tells ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    """How the call ended."""

    error: AtlasError | None
    headers: Mapping[str, str]
    received: float
    """The local clock when it did."""

    @property
    def code(self) -> str | None:
        """Atlas's word for the error."""
        return self.error.error_code if isinstance(self.error, ApiError) else None


def _ask(client: Client, group_id: str) -> _Answer:
    # below `client.dedicated.list_services`: the headers of a success that brings nothing are wanted too
    arguments = {"group_id": group_id, "provider": "AWS"}
    outcome = client._core.call("dedicated.list_services", arguments).run()
    received = time.time()
    exchange = outcome[2]
    headers: Mapping[str, str] = {} if exchange is None else exchange.fields()[3]
    try:
        open_outcome(outcome)
    except AtlasError as error:
        return _Answer(error, headers, received)
    return _Answer(None, headers, received)


def _asked(setup: _Setup, group_id: str | None) -> Iterator[Finding]:
    client = setup.client
    answer: _Answer | None = None
    malformed: ValidationError | None = None
    if isinstance(client, Client):
        with client:
            answer = _ask(client, group_id or NO_PROJECT)
            if isinstance(answer.error, ValidationError):
                malformed, answer = answer.error, _ask(client, NO_PROJECT)
    # a certificate file is not read before the first call
    if answer is None or isinstance(answer.error, ConfigurationError):
        yield from _skipped(("connection", "clock", "authentication", "project"), "until what fails above is mended")
        return
    connection = _connection(answer, setup)
    yield connection
    if connection.verdict == "failure":
        yield from _skipped(("clock", "authentication", "project"), "there is no answer of Atlas's to tell from")
        return
    yield _clock(answer)
    authentication = _authentication(answer, setup)
    yield authentication
    if malformed is not None:
        yield Finding("project", "failure", setup.text(malformed), "the project's settings in Atlas show its id")
    elif group_id is None:
        advice = "name one (--project-id, MONGODB_ATLAS_PROJECT_ID) to see whether these credentials get into it"
        yield Finding("project", "skipped", "none was named", advice)
    elif authentication.verdict != "ok":
        yield from _skipped(("project",), "until the credentials are accepted")
    else:
        yield _project(answer, group_id)


def _skipped(names: tuple[str, ...], why: str) -> Iterator[Finding]:
    for name in names:
        yield Finding(name, "skipped", why)


_DIRECTLY = "let NO_PROXY name {host} if it can be reached without a proxy"
_OUT = "where only a proxy leads out, set {variable}=http://HOST:PORT"
# words of the client's error, what they mean, and what helps; the first that fits
_PROXY_CAUSES = (
    (
        ("proxy authorization required", "HTTP 407"),
        "the proxy {proxy} wants a user name and a password, or others than it was given",
        f"put them into its URL: {{variable}}=http://USER:PASSWORD@HOST:PORT; or {_DIRECTLY}",
    ),
    (
        ("tunnel error: unsuccessful",),
        "the proxy {proxy} refuses to lead to {host}",
        f"ask whoever runs it to let {{host}} through, or name another with {{variable}}; or {_DIRECTLY}",
    ),
    (
        ("unsupported scheme",),
        "the proxy {proxy} is of a kind that is not supported",
        f"name an HTTP proxy: {{variable}}=http://HOST:PORT; or {_DIRECTLY}",
    ),
    (
        ("underlying connection", "tcp connect error", "dns error"),
        "the proxy {proxy} cannot be reached ({why})",
        f"check its host and port in {{variable}}; or {_DIRECTLY}",
    ),
    (
        ("timed out", "no answer"),
        "nothing comes through the proxy {proxy} in time ({why})",
        f"ask whoever runs it whether it is up and lets {{host}} through; or {_DIRECTLY}",
    ),
)
_CAUSES = (
    (
        ("UnknownIssuer",),
        "the certificate that {host} shows is signed by a CA that is not trusted (UnknownIssuer)",
        "if it is your network's own CA, name its PEM file: SSL_CERT_FILE=FILE (REQUESTS_CA_BUNDLE=FILE where that is "
        "set, since it comes first), or ca_file= in a program",
    ),
    (
        ("certificate expired", "not valid yet", "NotValidYet"),
        "the certificate that {host} shows is not valid now ({why})",
        "check this machine's clock; if it is right, the certificate has to be renewed",
    ),
    (
        ("certificate",),
        "the certificate that {host} shows is not accepted ({why})",
        "check the host; in a network with a gateway, it may be the gateway that answers",
    ),
    (
        ("HandshakeFailure", "corrupt message"),
        "what answers at {host} does not speak TLS as it should ({why})",
        "check the port and whether it is http or https",
    ),
    (
        ("dns error",),
        "the name {host} cannot be resolved ({why})",
        f"check how it is written, and this machine's DNS; {_OUT}",
    ),
    (
        ("refused",),
        "{host} refuses connections ({why})",
        f"check host and port, and the firewall's rules; {_OUT}",
    ),
    (
        ("timed out", "no answer"),
        "{host} does not answer in time ({why})",
        f"check the firewall's rules for outgoing connections; {_OUT}",
    ),
    (
        ("",),
        "{host} does not answer ({why})",
        f"check the firewall's rules for outgoing connections; {_OUT}",
    ),
)


def _connection(answer: _Answer, setup: _Setup) -> Finding:
    error = answer.error
    host = urlsplit(setup.base_url).netloc
    proxy = setup.client._core.proxy_in_force() if isinstance(setup.client, Client) else None
    if error is None or _is_words_of_atlas(answer, setup):
        return Finding("connection", "ok", f"{host} answers" + (f" through {proxy}" if proxy else ""))
    if isinstance(error, ServerError):
        advice = "try again later; https://status.mongodb.com says whether Atlas knows of it"
        return Finding("connection", "failure", f"{host} answers that it failed ({_said(error)})", advice)
    if isinstance(error, UnexpectedResponse) or (isinstance(error, ApiError) and error.status_code != 407):
        why = _said(error) if isinstance(error, ApiError) else _reason(error)
        advice = "check the host; a login page, a proxy or a firewall may answer in its place"
        return Finding("connection", "failure", f"what answers at {host} is not Atlas's API ({why})", advice)
    why = _reason(error)
    causes = (*_PROXY_CAUSES, *_CAUSES) if proxy else _CAUSES
    what, advice = next((what, advice) for words, what, advice in causes if any(word in why for word in words))
    why = why.rpartition("underlying connection: ")[2].removeprefix("no connection: ")
    facts = {"host": host, "proxy": proxy, "why": why, "variable": f"{urlsplit(setup.base_url).scheme.upper()}_PROXY"}
    return Finding("connection", "failure", what.format_map(facts), advice.format_map(facts))


def _is_words_of_atlas(answer: _Answer, setup: _Setup) -> bool:
    """Whether an error answer is Atlas's, and not that of something before it."""
    error = answer.error
    if isinstance(error, ServerError) or not isinstance(error, ApiError):
        return False
    if isinstance(error, AuthenticationError) and error.error_code is None and setup.kind == "API key":
        return "digest" in answer.headers.get("www-authenticate", "").lower()
    return error.error_code is not None or isinstance(error, AuthenticationError | RateLimited)


def _reason(error: AtlasError) -> str:
    """An error's text without the operation, which was not the user's choice."""
    return str(error).partition(": ")[2]


def _said(error: ApiError) -> str:
    """What an error answer says; not what the client says about the operation's needs."""
    words = " ".join(filter(None, ("HTTP", str(error.status_code), error.error_code or error.reason)))
    return f"{words}: {error.detail[:LONGEST_DETAIL].rstrip('.')}" if error.detail else words


def _clock(answer: _Answer) -> Finding:
    try:
        ahead = answer.received - parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Finding("clock", "skipped", "the answer does not say what time it is")
    if abs(ahead) <= CLOCK_TOLERANCE:
        return Finding("clock", "ok", f"right, to {max(1, round(abs(ahead)))} s")
    minutes = f"{abs(ahead) / 60:,.0f} minutes"
    return Finding(
        "clock",
        "warning",
        f"{minutes} {'ahead of' if ahead > 0 else 'behind'} Atlas's",
        "set it, best by NTP: AWS refuses what is signed more than 5 minutes off, and access tokens seem to be expired",
    )


_REFUSED = {
    "API key": "check that both halves are of one key, and that it was made at this host and not deleted. Atlas says "
    "the same to a key from outside the project's organisation",
    "service account": "check that the secret is this client ID's, and whether it has expired (Access Manager makes "
    "new ones). The account has to be of this host, and of the project's organisation",
    "access token": "it may have expired: it lives for an hour, and whoever fetched it has to renew it. With client_id "
    "and client_secret, that is done here",
}


def _authentication(answer: _Answer, setup: _Setup) -> Finding:
    error = answer.error
    if isinstance(error, ApiError) and answer.code in _ADDRESS_REFUSED:
        named = [value for value in error.parameters if isinstance(value, str)]
        address = f"the address {named[0]}" if named else "this address"
        what = f"{address} is not on the {setup.kind}'s access list ({_said(error)})"
        return Finding(
            "authentication",
            "failure",
            what,
            f"add it in Atlas: Organization or Project > Access Manager > the {setup.kind} > API access list (not the "
            "project's network access, which is for connections to clusters)",
        )
    if isinstance(error, AuthenticationError) and answer.code not in _OUTSIDE_PROJECT | _WITHOUT_ROLE:
        what = f"the {setup.kind} is refused ({_said(error)})"
        return Finding("authentication", "failure", what, _REFUSED[setup.kind])
    if isinstance(error, RateLimited):
        what = f"cannot be told: Atlas asks for fewer requests ({_said(error)})"
        return Finding("authentication", "warning", what, "try again in a minute")
    if error is None:
        return Finding("authentication", "ok", f"the {setup.kind} is accepted, from this address")
    return Finding("authentication", "ok", f"the {setup.kind} is known, and nothing is said against this address")


def _project(answer: _Answer, group_id: str) -> Finding:
    error = answer.error
    if error is None:
        what = f"{group_id} can be read; whether endpoints may be made there (Project Owner), only making one tells"
        return Finding("project", "ok", what)
    said = _said(error) if isinstance(error, ApiError) else str(error)
    if answer.code in _OUTSIDE_PROJECT or isinstance(error, NotFound):
        advice = "check the id in the project's settings in Atlas, and that these credentials are of its organisation"
        return Finding("project", "failure", f"{group_id} is unknown, or out of reach ({said})", advice)
    if answer.code in _WITHOUT_ROLE or isinstance(error, PermissionDenied):
        advice = "give it Project Read Only to look, Project Owner to make endpoints: Atlas > Project > Access Manager"
        return Finding("project", "failure", f"{group_id} may not be read ({said})", advice)
    return Finding("project", "failure", f"{group_id} cannot be read ({said})", "check the id, and try again later")


# --- AWS -------------------------------------------------------------------------------------------------------------


def _aws(profile: str | None, *, ask: bool) -> Finding:
    if find_spec("boto3") is None or find_spec("botocore") is None:
        return Finding("aws", "skipped", "boto3 is not installed", "pip install 'atlas-privatelink[aws]'")
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session

    try:
        session = Session(profile=profile)
        region = session.get_config_variable("region")
        where = f"region {region}" if region else "no region set"
        method = _aws_method(session)
        if ask:
            limits = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
            # its methods are made when it runs
            sts: Any = session.create_client("sts", region_name=region or "us-east-1", config=limits)
            arn = sts.get_caller_identity()["Arn"]
            return Finding("aws", "ok", f"{arn} by {method or 'the machine or container'}, {where}")
    except (BotoCoreError, ClientError) as error:
        advice = "see https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-configure.html"
        return Finding("aws", "failure" if ask else "warning", f"{type(error).__name__}: {error}", advice)
    if method is None:
        what = f"no credentials set; a role of the machine's, if it has one, shows only when AWS is asked; {where}"
        return Finding("aws", "skipped", what, "needed only where this library makes the VPC endpoint too")
    return Finding("aws", "ok", f"credentials by {method}, {where}; AWS was not asked")


def _aws_method(session: Session) -> str | None:
    """By which of botocore's methods it would find credentials, as far as can be told without asking anybody."""
    resolver = session.get_component("credential_provider")
    # these ask the network, or run a program
    for method in ("assume-role", "custom-process", "container-role", "iam-role"):
        resolver.remove(method)
    found = resolver.load_credentials()
    by: str | None = None if found is None else found.method
    profile = session.get_scoped_config()
    if "role_arn" in profile and ("source_profile" in profile or "credential_source" in profile) and by != "env":
        return "assume-role"
    if by is None and "credential_process" in profile:
        return "custom-process"
    if by is None and any(os.environ.get(f"AWS_CONTAINER_CREDENTIALS_{name}_URI") for name in ("RELATIVE", "FULL")):
        return "container-role"
    return by
