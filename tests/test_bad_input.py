"""Whatever is wrong gets one error, of the class that its place in the tree promises, that names what is wrong.

Every error here also survives pickling, is an `AtlasError` (or a `TypeError` that names the argument), and shows no
secret. What can be known before anything is sent is known then.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import pickle
import re
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from local_servers import Answer, RawAtlas, Received, reply
from support import GROUP_ID, INSTANCE, Caller

from atlas_privatelink import (
    AddressNotAllowed,
    ApiError,
    AsyncClient,
    AtlasError,
    AuthenticationError,
    Client,
    ConfigurationError,
    Conflict,
    ConnectionError,
    Gone,
    InstanceNotFound,
    NotFound,
    NotServerless,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    ServerError,
    ServerlessEndpoint,
    Timeout,
    UnexpectedResponse,
    ValidationError,
)
from atlas_privatelink.testing import AtlasEmulator

SECRET = "hush5ecret"
LONE = "\ud800"
KEY = {"public_key": "abcdefgh", "private_key": SECRET}
BOTH = pytest.mark.parametrize("client_class", [AsyncClient, Client])
Maker = Callable[..., "AsyncClient | Client"]


def check(error: BaseException, kind: type[BaseException], pattern: str, *secrets: str) -> None:
    """The properties that every error has."""
    message = str(error)
    assert type(error) is kind, repr(error)
    assert re.search(pattern, message), message
    assert len(message) < 1200 and message.isprintable()
    shown = [message, repr(error), repr(vars(error)), *traceback.format_exception(error)]
    for text in shown:
        for secret in (SECRET, RawAtlas.private_key, *secrets):
            assert secret not in text
    if kind is TypeError:
        return
    assert isinstance(error, AtlasError)
    assert not any(secret in error._repr_html_() for secret in (SECRET, RawAtlas.private_key, *secrets))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        pickled = pickle.dumps(error, protocol)
        assert SECRET.encode() not in pickled and RawAtlas.private_key.encode() not in pickled
        copy = pickle.loads(pickled)
        assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
    if isinstance(error, ValidationError):
        assert message.startswith(error.field + " ")
        assert isinstance(error, ValueError)


def caught(act: Callable[[], object]) -> BaseException:
    with pytest.raises((AtlasError, TypeError)) as info:
        act()
    return info.value


# --- arguments of the calls ------------------------------------------------------------------------------------------

METHODS = ("create_endpoint", "list_endpoints", "get_endpoint")
ID_RULE = "must be 24 hexadecimal digits in lower case"
UNICODE_RULE = "must be valid Unicode"
NAME_RULE = "must be 1 to 64 ASCII letters, digits and hyphens and start with a letter or digit"


class Bad(NamedTuple):
    """One argument, and what it gets."""

    id: str
    argument: str
    value: Any
    rule: str
    kind: type[Exception] = ValidationError
    methods: tuple[str, ...] = METHODS
    more: Mapping[str, Any] = {}


def wrong_types(argument: str, *values: Any, **more: Any) -> list[Bad]:
    return [Bad(type(value).__name__, argument, value, "(instance|cast|number)", TypeError, **more) for value in values]


ID_CASES: list[tuple[str, Any, str]] = [
    ("empty", "", f'{ID_RULE}, got ""$'),
    ("short", GROUP_ID[:-1], ID_RULE),
    ("long", GROUP_ID + "0", ID_RULE),
    ("capitals", GROUP_ID.upper(), f"{ID_RULE}.*capital letters"),
    ("not-hex", "g" * 24, ID_RULE),
    ("space-before", " " + GROUP_ID, f"{ID_RULE}.*white space"),
    ("newline-after", GROUP_ID + "\n", rf"{ID_RULE}, got .*\\n.*white space"),
    ("nul", GROUP_ID[:-1] + "\0", rf"{ID_RULE}, got .*\\0"),
    ("traversal", "../" * 8, ID_RULE),
    ("query", GROUP_ID[:-2] + "?a", ID_RULE),
    ("full-width-digits", "\uff15" * 24, ID_RULE),
    ("24-bytes-of-unicode", "é" * 12, ID_RULE),
    ("lone-surrogate", GROUP_ID[:-1] + LONE, UNICODE_RULE),
    ("10000-characters", "a" * 10_000, f"{ID_RULE}.*…"),
]

ARGUMENTS = [
    *[Bad(id, "group_id", value, rule) for id, value, rule in ID_CASES],
    *wrong_types("group_id", None, 5, GROUP_ID.encode(), 1.5, [GROUP_ID]),
    *[Bad(id, "endpoint_id", value, rule, methods=("get_endpoint",)) for id, value, rule in ID_CASES],
    Bad("vpce", "endpoint_id", "vpce-0fcac938279cd98dc", "cloud provider's id.*Atlas's own", methods=METHODS[2:]),
    *wrong_types("endpoint_id", None, 5, GROUP_ID.encode(), methods=("get_endpoint",)),
    *[
        Bad(id, "instance_name", value, rule)
        for id, value, rule in [
            ("empty", "", f'{NAME_RULE}, got ""'),
            ("dots", "..", NAME_RULE),
            ("traversal", "../../../../v2/orgs", NAME_RULE),
            ("encoded-traversal", "..%2F..%2Forgs", NAME_RULE),
            ("slash", "a/b", NAME_RULE),
            ("backslash", "a\\b", NAME_RULE),
            ("query", "a?envelope=true", NAME_RULE),
            ("fragment", "a#b", NAME_RULE),
            ("space", "my instance", NAME_RULE),
            ("hyphen-first", "-a", NAME_RULE),
            ("underscore", "a_b", NAME_RULE),
            ("newline", "Instance0\r\nX-Injected: 1", rf"{NAME_RULE}, got .*\\r\\n"),
            ("umlaut", "Instänce", NAME_RULE),
            ("cyrillic-look-alike", "\u0406nstance", NAME_RULE),
            ("65-characters", "a" * 65, f"{NAME_RULE}.*…"),
            ("lone-surrogate", "a" + LONE, UNICODE_RULE),
        ]
    ],
    *wrong_types("instance_name", None, 0, b"Instance0", Path("Instance0")),
    *[
        Bad(id, "comment", value, rule, methods=("create_endpoint",))
        for id, value, rule in [
            ("empty", "", "must not be empty; leave it out"),
            ("blank", " \t ", "must not be empty"),
            ("blank-in-unicode", "\u2003\u00a0", "must not be empty"),
            ("80-characters", "a" * 80, "must be less than 80 characters, got 80$"),
            ("80-wide-characters", "\U0001d4b3" * 80, "must be less than 80 characters, got 80$"),
            ("10000-characters", "a" * 10_000, "must be less than 80 characters, got 10000$"),
            ("newline", "a\nb", r"must not hold control characters, got '\\n'"),
            ("nul", "a\0b", "must not hold control characters"),
            ("escape", "\x1b[31mred", "must not hold control characters"),
            ("delete", "a\x7f", "must not hold control characters"),
            ("c1", "a\x85", "must not hold control characters"),
            ("lone-surrogate", f"a{LONE}b", UNICODE_RULE),
            ("lone-surrogate-pair-reversed", "\ude00\ud83d", UNICODE_RULE),
        ]
    ],
    *wrong_types("comment", 5, b"mine", ["mine"], False, methods=("create_endpoint",)),
    Bad("absent", "comment", None, "must be given with if_exists=", methods=METHODS[:1], more={"if_exists": "adopt"}),
    Bad("blank-adopt", "comment", " ", "must not be empty", methods=METHODS[:1], more={"if_exists": "adopt"}),
    Bad("unknown", "if_exists", "skip", 'must be "create" or "adopt", got "skip"', methods=METHODS[:1]),
    Bad("empty", "if_exists", "", 'must be "create" or "adopt"', methods=METHODS[:1]),
    Bad("capitals", "if_exists", "Adopt", 'must be "create" or "adopt"', methods=METHODS[:1]),
    Bad("lone-surrogate", "if_exists", LONE, UNICODE_RULE, methods=METHODS[:1]),
    *wrong_types("if_exists", None, True, methods=METHODS[:1]),
    *wrong_types("pretty", None, "yes", 1),
    *wrong_types("envelope", None, "yes", 1),
]


@pytest.mark.parametrize(
    ("method", "bad"),
    [pytest.param(method, bad, id=f"{method}-{bad.argument}-{bad.id}") for bad in ARGUMENTS for method in bad.methods],
)
def test_arguments_of_a_call(call: Caller, atlas: AtlasEmulator, method: str, bad: Bad) -> None:
    arguments: dict[str, Any] = {"group_id": GROUP_ID, "instance_name": INSTANCE}
    if method == "get_endpoint":
        arguments["endpoint_id"] = GROUP_ID
    arguments |= {**bad.more, bad.argument: bad.value}
    error = caught(lambda: call(atlas, method, **arguments))
    check(error, bad.kind, bad.rule)
    assert str(error).startswith(bad.argument)
    if isinstance(error, ValidationError):
        assert error.field == bad.argument
    assert atlas.stats().requests == 0 == atlas.stats().connections


@pytest.mark.parametrize("method", METHODS)
def test_missing_and_unknown_arguments(call: Caller, atlas: AtlasEmulator, method: str) -> None:
    check(caught(lambda: call(atlas, method)), TypeError, "group_id")
    check(caught(lambda: call(atlas, method, group_id=GROUP_ID)), TypeError, "instance_name")
    more = {"endpoint_id": GROUP_ID} if method == "get_endpoint" else {}
    complete: dict[str, Any] = {"group_id": GROUP_ID, "instance_name": INSTANCE, **more}
    check(caught(lambda: call(atlas, method, **complete, prety=True)), TypeError, "prety")
    assert atlas.stats().requests == 0


def test_the_edge_of_each_rule_is_inside(call: Caller, atlas: AtlasEmulator) -> None:
    made = call(atlas, "create_endpoint", GROUP_ID, "a" * 64, comment="\U0001d4b3" * 79)
    assert made.comment == "\U0001d4b3" * 79
    assert call(atlas, "list_endpoints", "0" * 24, "0") == []


# --- arguments of the constructor ------------------------------------------------------------------------------------

SECONDS = "must be seconds, more than 0 and at most 86400, got "
HALF_SECRET_URL = f"https://user:{SECRET}@cloud.mongodb.com"


def setting(id: str, kind: type[Exception], rule: str, **settings: Any) -> Any:
    return pytest.param(settings, kind, rule, id=f"{next(iter(settings))}-{id}")


def not_url(id: str, url: str, rule: str) -> Any:
    return setting(id, ValidationError, f"^base_url {rule}", base_url=url)


CONSTRUCTOR = [
    *[
        setting(str(value), ValidationError, f"^{name} {SECONDS}{re.escape(repr(value))}$", **{name: value})
        for name in ("timeout", "connect_timeout")
        for value in (0.0, -1.0, -0.0, float("inf"), 86400.5)
    ],
    *[
        entry
        for name in ("timeout", "connect_timeout")
        for entry in (
            setting("nan", ValidationError, f"^{name} {SECONDS}NaN$", **{name: float("nan")}),
            setting("1e300", ValidationError, f"^{name} {SECONDS}1e300$", **{name: 1e300}),
            setting("int-0", ValidationError, f"^{name} {SECONDS}0", **{name: 0}),
            setting("googol", ValidationError, f"^{name} {SECONDS}1e100$", **{name: 10**100}),
            setting("10**400", ValidationError, f"^{name} must be a smaller number", **{name: 10**400}),
            setting("text", TypeError, f"^{name}: ", **{name: "30"}),
            setting("none", TypeError, f"^{name}: ", **{name: None}),
        )
    ],
    setting("minus-1", ValidationError, "^max_retries must be from 0 to 100, got -1$", max_retries=-1),
    setting("101", ValidationError, "^max_retries must be from 0 to 100, got 101$", max_retries=101),
    setting("10**30", ValidationError, "^max_retries must be a smaller number", max_retries=10**30),
    setting("minus-10**30", ValidationError, "^max_retries must be ", max_retries=-(10**30)),
    setting("float", TypeError, "^max_retries: ", max_retries=2.5),
    setting("text", TypeError, "^max_retries: ", max_retries="4"),
    setting("none", TypeError, "^max_retries: ", max_retries=None),
    setting("0", ValidationError, "^max_connections must be from 1 to 1024, got 0$", max_connections=0),
    setting("minus-1", ValidationError, "^max_connections must be from 1 to 1024, got -1$", max_connections=-1),
    setting("1025", ValidationError, "^max_connections must be from 1 to 1024, got 1025$", max_connections=1025),
    setting("10**30", ValidationError, "^max_connections must be a smaller number", max_connections=10**30),
    setting("text", TypeError, "^max_connections: ", max_connections="64"),
    not_url("empty", "", "is not a URL"),
    not_url("no-scheme", "cloud.mongodb.com", "is not a URL"),
    not_url("no-scheme-with-port", "cloud.mongodb.com:443", "must begin with https://"),
    not_url("scheme-relative", "//cloud.mongodb.com", "is not a URL"),
    not_url("no-host", "https://", r"is not a URL \(empty host\)"),
    not_url("ftp", "ftp://cloud.mongodb.com", "must begin with https://"),
    not_url("file", "file:///etc/passwd", "must begin with https://"),
    not_url("mongodb", "mongodb+srv://cloud.mongodb.com", "must begin with https://"),
    not_url("port-too-large", "https://cloud.mongodb.com:99999", r"is not a URL \(invalid port"),
    not_url("half-an-ipv6", "https://[::1", r"is not a URL \(invalid IPv6"),
    not_url("space", "https://cloud mongodb.com", "is not a URL"),
    not_url("query", "https://cloud.mongodb.com?pretty=true", "must not have a query"),
    not_url("fragment", "https://cloud.mongodb.com/#x", "must not have a query or a fragment"),
    not_url("v2", "https://cloud.mongodb.com/api/atlas/v2", "must be the part before /api/atlas/"),
    not_url("v1.0", "https://cloud.mongodb.com/api/atlas/v1.0/", "must be the part before /api/atlas/"),
    not_url("public", "https://cloud.mongodb.com/api/public/v1.0", "must be the part before /api/atlas/"),
    not_url("plain-http", "http://cloud.mongodb.com", "must begin with https:// .*allow_insecure"),
    not_url("plain-http-private-address", "http://10.0.0.1:8080", "must begin with https://"),
    not_url("plain-http-any-address", "http://0.0.0.0:8080", "must begin with https://"),
    not_url("plain-http-almost-localhost", "http://localhost.example.com", "must begin with https://"),
    not_url("plain-http-almost-loopback", "http://127.0.0.1.example.com", "must begin with https://"),
    not_url("credentials", HALF_SECRET_URL, "must not hold a user name or password$"),
    not_url("user", "https://user@cloud.mongodb.com", "must not hold a user name or password$"),
    not_url("credentials-without-host", f"https://user:{SECRET}@", "is not a URL"),
    not_url("credentials-on-plain-http", f"http://user:{SECRET}@cloud.mongodb.com", "must not hold a user name"),
    not_url("credentials-without-scheme", f"user:{SECRET}@cloud.mongodb.com", "must begin with https://"),
    not_url("10000-characters", "x" * 10_000, "is not a URL .*…$"),
    not_url("lone-surrogate", f"https://{LONE}", UNICODE_RULE),
    setting("bytes", TypeError, "^base_url: ", base_url=b"https://cloud.mongodb.com"),
    setting("v3", ValidationError, '^api_version must be "v1.0" or "v2", got "v3"$', api_version="v3"),
    setting("v1", ValidationError, '^api_version must be "v1.0" or "v2"', api_version="v1"),
    setting("empty", ValidationError, '^api_version must be "v1.0" or "v2"', api_version=""),
    setting("float", TypeError, "^api_version: ", api_version=1.0),
    setting("missing", ValidationError, r"^ca_file must be a PEM file of certificates; \"/no/such", ca_file="/no/such"),
    setting("folder", ValidationError, "^ca_file must be a PEM file", ca_file="/"),
    setting("empty", ValidationError, '^ca_file must be a PEM file of certificates; "" is none', ca_file=""),
    setting("nul", ValidationError, r"^ca_file must be a PEM file.*\\0", ca_file="a\0b"),
    setting("lone-surrogate", ValidationError, f"^ca_file {UNICODE_RULE}", ca_file=LONE),
    setting("int", TypeError, "^ca_file: ", ca_file=3),
    setting("empty", ValidationError, "^proxy is not a URL", proxy=""),
    setting("no-scheme", ValidationError, "^proxy must begin with http:// or https://", proxy="proxy.example:3128"),
    setting("socks", ValidationError, "^proxy must begin with http:// or https://", proxy="socks5://127.0.0.1:1080"),
    setting("no-host", ValidationError, "^proxy is not a URL", proxy="http://"),
    setting("secret-without-host", ValidationError, "^proxy is not a URL", proxy=f"http://user:{SECRET}@"),
    setting("secret-bad-port", ValidationError, "^proxy is not a URL", proxy=f"http://user:{SECRET}@proxy:port"),
    setting("secret-no-scheme", ValidationError, "^proxy must begin with", proxy=f"user:{SECRET}@proxy.example:3128"),
    setting("lone-surrogate", ValidationError, f"^proxy {UNICODE_RULE}", proxy=f"http://user:{SECRET}{LONE}@proxy"),
    setting("int", TypeError, "^proxy: ", proxy=3128),
    setting("text", TypeError, "^allow_insecure: ", allow_insecure="yes"),
    setting("none", TypeError, "^allow_insecure: ", allow_insecure=None),
    setting("empty", ConfigurationError, "^public_key must not be empty", public_key=""),
    setting("space-after", ConfigurationError, "^public_key must not have white space", public_key="abcdefgh "),
    setting("newline", ConfigurationError, "^public_key must not have white space", public_key="abcdefgh\n"),
    setting("space-inside", ConfigurationError, "^public_key must be printable ASCII", public_key="abcd efgh"),
    setting("line-break-inside", ConfigurationError, "^public_key must be printable ASCII", public_key="a\r\nX: 1"),
    setting("umlaut", ConfigurationError, "^public_key must be printable ASCII", public_key="äbcdefgh"),
    setting("colon", ConfigurationError, "^public_key must not contain a colon", public_key="abcd:efgh"),
    setting("quote", ConfigurationError, "^public_key must not contain .*quote", public_key='abcd"efgh'),
    setting("backslash", ConfigurationError, "^public_key must not contain .*backslash", public_key="abcd\\efgh"),
    setting("lone-surrogate", ValidationError, f"^public_key {UNICODE_RULE}", public_key=LONE),
    setting("int", TypeError, "^public_key: ", public_key=5),
    setting("missing", ConfigurationError, "^public_key is missing: private_key was given", public_key=None),
    setting("empty", ConfigurationError, "^private_key must not be empty", private_key=""),
    setting("space-before", ConfigurationError, "^private_key must not have white space", private_key=" " + SECRET),
    setting("newline", ConfigurationError, "^private_key must not have white space", private_key=SECRET + "\n"),
    setting("space-inside", ConfigurationError, "^private_key must be printable ASCII", private_key=SECRET + " x"),
    setting("umlaut", ConfigurationError, "^private_key must be printable ASCII", private_key=SECRET + "ä"),
    setting("lone-surrogate", ValidationError, f"^private_key {UNICODE_RULE}", private_key=SECRET + LONE),
    setting("bytes", TypeError, "^private_key: ", private_key=SECRET.encode()),
    *[
        each
        for name in ("client_id", "client_secret", "access_token")
        for each in (
            setting("lone-surrogate", ValidationError, f"^{name} {UNICODE_RULE}", **{name: SECRET + LONE}),
            setting("bytes", TypeError, f"^{name}: ", **{name: SECRET.encode()}),
        )
    ],
    setting("number", TypeError, "^revoke_token_on_close: ", revoke_token_on_close=1),
    setting("missing", ConfigurationError, "^private_key is missing: public_key was given", private_key=None),
    setting("with-keys", ConfigurationError, "^give either public_key and private_key or profile", profile="default"),
    setting("int", TypeError, "^profile: ", profile=1),
]


@BOTH
@pytest.mark.parametrize(("settings", "kind", "rule"), CONSTRUCTOR)
def test_arguments_of_the_constructor(
    client_class: Maker, settings: dict[str, Any], kind: type[Exception], rule: str
) -> None:
    error = caught(lambda: client_class(**{**KEY, **settings}))
    check(error, kind, rule)
    if isinstance(error, ValidationError):
        assert error.field == next(iter(settings))


@BOTH
@pytest.mark.parametrize(
    ("name", "value", "kind", "rule"),
    [
        ("timeout", 0, ValidationError, f"^timeout {SECONDS}0"),
        ("timeout", float("nan"), ValidationError, f"^timeout {SECONDS}NaN"),
        ("timeout", 10**400, ValidationError, "^timeout must be a smaller number"),
        ("timeout", "3", TypeError, "^timeout: "),
        ("max_retries", -1, ValidationError, "^max_retries must be from 0 to 100, got -1$"),
        ("max_retries", 10**30, ValidationError, "^max_retries must be a smaller number"),
        ("api_version", "v3", ValidationError, '^api_version must be "v1.0" or "v2"'),
        ("api_version", LONE, ValidationError, f"^api_version {UNICODE_RULE}"),
        ("max_connections", 5, TypeError, "max_connections"),
    ],
    ids=["0", "nan", "10**400", "text", "minus-1", "10**30", "v3", "lone-surrogate", "unknown"],
)
def test_arguments_of_with_options(
    client_class: Maker, name: str, value: Any, kind: type[Exception], rule: str
) -> None:
    client = client_class(**KEY)
    check(caught(lambda: client.with_options(**{name: value})), kind, rule)


NONE_IN_IT = "no certificate in it"
NOT_PEM = "not a PEM file of certificates"
CERTIFICATE_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", NONE_IN_IT),
    "text": (b"not a certificate\n", NONE_IN_IT),
    "private-key": (f"-----BEGIN PRIVATE KEY-----\n{SECRET}AA\n-----END PRIVATE KEY-----\n".encode(), NONE_IN_IT),
    "not-base64": (b"-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n", NOT_PEM),
    "cut": (b"-----BEGIN CERTIFICATE-----\nAAAA\n", f"({NONE_IN_IT}|{NOT_PEM})"),
    "not-a-certificate": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NONE_IN_IT),
    "der": (b"\x30\x82\x01\x00\xff\xfe", NONE_IN_IT),
}


@pytest.mark.parametrize("file", list(CERTIFICATE_FILES))
@pytest.mark.parametrize("source", ["ca_file", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificate_files(
    call: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, file: str
) -> None:
    """The file is read at the first call, and whoever named it does not silently get other certificates."""
    content, rule = CERTIFICATE_FILES[file]
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with RawAtlas(b"") as server:
        options: dict[str, Any] = {"base_url": server.base_url.replace("http:", "https:"), "timeout": 2.0}
        if source == "ca_file":
            options["ca_file"] = path
        else:
            monkeypatch.setenv(source, str(path))
        error = caught(lambda: call(server, "list_endpoints", GROUP_ID, INSTANCE, options=options))
    if source == "SSL_CERT_FILE":
        rule = "(PEM|certificate)"
    check(error, ConfigurationError, f'^{source} "{re.escape(str(path))}": .*{rule}')
    assert server.connections == 0


@pytest.mark.parametrize("source", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificate_variables_that_lead_nowhere(call: Caller, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setenv(source, "/no/such")
    with RawAtlas(b"") as server:
        options: dict[str, Any] = {"base_url": server.base_url.replace("http:", "https:"), "timeout": 2.0}
        error = caught(lambda: call(server, "list_endpoints", GROUP_ID, INSTANCE, options=options))
    check(error, ConfigurationError, f'^{source} "/no/such": .*No such file')
    assert server.connections == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_closed_client(call: Caller, atlas: AtlasEmulator, method: str) -> None:
    arguments = (GROUP_ID, INSTANCE, *([GROUP_ID] if method == "get_endpoint" else []))
    settings: dict[str, Any] = {
        "public_key": atlas.public_key,
        "private_key": atlas.private_key,
        "base_url": atlas.base_url,
    }

    async def main() -> None:
        client = AsyncClient(**settings)
        await client.aclose()
        await client.aclose()
        await getattr(client, method)(*arguments)

    def blocking() -> None:
        client = Client(**settings)
        client.close()
        client.close()
        getattr(client, method)(*arguments)

    check(caught(lambda: asyncio.run(main()) if call.kind == "async" else blocking()), ConfigurationError, "closed")
    assert atlas.stats().requests == 0


# --- environments ----------------------------------------------------------------------------------------------------

PREFIXES = ("MONGODB_ATLAS_", "MCLI_")
PUBLIC = [prefix + name for prefix in PREFIXES for name in ("PUBLIC_API_KEY", "PUBLIC_KEY")]
PRIVATE = [prefix + name for prefix in PREFIXES for name in ("PRIVATE_API_KEY", "PRIVATE_KEY")]
BASE_URLS = [prefix + name for prefix in PREFIXES for name in ("BASE_URL", "OPS_MANAGER_URL")]
BY_ENVIRONMENT = {"MONGODB_ATLAS_PUBLIC_API_KEY": "abcdefgh", "MONGODB_ATLAS_PRIVATE_API_KEY": SECRET}
NOTHING = "^no API key found.*public_key and private_key.*MONGODB_ATLAS_PUBLIC_API_KEY.*profile 'default'"


def environment(id: str, rule: str, **variables: str | None) -> Any:
    return pytest.param(variables, rule, id=id)


ENVIRONMENTS = [
    environment("nothing", NOTHING),
    environment("no-home", f"{NOTHING} .no home directory", XDG_CONFIG_HOME=None, HOME=None, AppData=None),
    environment("all-empty", NOTHING, **dict.fromkeys(PUBLIC + PRIVATE, "")),
    *[
        environment(name, f"^the environment has {name} but not MONGODB_ATLAS_PRIVATE_API_KEY", **{name: "abcdefgh"})
        for name in PUBLIC
    ],
    *[
        environment(name, f"^the environment has {name} but not MONGODB_ATLAS_PUBLIC_API_KEY", **{name: SECRET})
        for name in PRIVATE
    ],
    environment(
        "empty-public-half",
        "^the environment has MONGODB_ATLAS_PRIVATE_API_KEY but not",
        **{**BY_ENVIRONMENT, "MONGODB_ATLAS_PUBLIC_API_KEY": ""},
    ),
    environment(
        "empty-private-half",
        "^the environment has MONGODB_ATLAS_PUBLIC_API_KEY but not",
        **{**BY_ENVIRONMENT, "MONGODB_ATLAS_PRIVATE_API_KEY": ""},
    ),
    environment(
        "newline-in-private-half",
        "^in the environment, private_key must not have white space",
        **{**BY_ENVIRONMENT, "MONGODB_ATLAS_PRIVATE_API_KEY": SECRET + "\n"},
    ),
    environment(
        "blank-public-half",
        "^in the environment, public_key must",
        **{**BY_ENVIRONMENT, "MONGODB_ATLAS_PUBLIC_API_KEY": " "},
    ),
    environment(
        "not-utf-8",
        "^in the environment, public_key must be printable ASCII",
        **{**BY_ENVIRONMENT, "MONGODB_ATLAS_PUBLIC_API_KEY": "abc\udcff"},
    ),
    environment(
        "colon-in-public-half",
        "^in the environment, public_key must not contain a colon",
        MCLI_PUBLIC_API_KEY="a:b",
        MCLI_PRIVATE_API_KEY=SECRET,
    ),
    *[
        environment(f"{name}-{id}", f"^{name} {rule}", **{**BY_ENVIRONMENT, name: url})
        for name in BASE_URLS
        for id, url, rule in [
            ("no-scheme", "cloud.mongodb.com", "is not a URL"),
            ("plain-http", "http://cloud.mongodb.com", "must begin with https://"),
            ("with-path", "https://cloud.mongodb.com/api/atlas/v2", "must be the part before /api/atlas/"),
            ("with-secret", HALF_SECRET_URL, "must not hold a user name or password$"),
        ]
    ],
    environment(
        "base-url-not-utf-8", "^MONGODB_ATLAS_BASE_URL is not a URL", **BY_ENVIRONMENT, MONGODB_ATLAS_BASE_URL="\udcff"
    ),
    *[
        environment(f"{prefix}{half}", f"^the environment has {prefix}{half} but not MONGODB_ATLAS_{other}$", **given)
        for prefix in PREFIXES
        for half, other in [("CLIENT_ID", "CLIENT_SECRET"), ("CLIENT_SECRET", "CLIENT_ID")]
        # half an account is a slip, though there is a whole key
        for given in [{**BY_ENVIRONMENT, f"{prefix}{half}": SECRET}]
    ],
    environment(
        "newline-in-access-token",
        "^in the environment, access_token must not have white space",
        **{**BY_ENVIRONMENT, "MONGODB_ATLAS_ACCESS_TOKEN": SECRET + "\n"},
    ),
]


@BOTH
@pytest.mark.parametrize(("variables", "rule"), ENVIRONMENTS)
def test_environments(
    client_class: Maker, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None], rule: str
) -> None:
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    check(caught(client_class), ConfigurationError, rule)


@BOTH
@pytest.mark.parametrize("public", PUBLIC)
@pytest.mark.parametrize("private", PRIVATE)
def test_every_pair_of_names_works(
    client_class: Maker, monkeypatch: pytest.MonkeyPatch, public: str, private: str
) -> None:
    monkeypatch.setenv(public, "abcdefgh")
    monkeypatch.setenv(private, SECRET)
    monkeypatch.setenv("MCLI_OPS_MANAGER_URL", "https://ops.example/")
    client = client_class()
    assert "'abcdefgh'" in repr(client) and "'https://ops.example'" in repr(client)
    assert SECRET not in repr(client)


# --- profiles --------------------------------------------------------------------------------------------------------

KEYRING = "keyring, which is not read here. Set MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY"
KEYS = f"public_api_key = 'abcdefgh'\nprivate_api_key = '{SECRET}'\n"


def profile(id: str, text: str | bytes | None, rule: str, name: str | None = "prod") -> Any:
    return pytest.param(text, name, rule, id=id)


PROFILES = [
    profile("no-file", None, '^profile "prod" cannot be looked up: .*config.toml does not exist'),
    profile("empty-file", "", r'^profile "prod" is not in .*config.toml \(profiles there: none\)'),
    profile("other-profiles", f"[b]\n{KEYS}[a]\n", r'^profile "prod" is not in .*\(profiles there: a, b\)'),
    profile("wrong-case", f"[Prod]\n{KEYS}", r'^profile "prod" is not in .*\(profiles there: Prod\)'),
    profile("not-a-table", f"prod = 2\n[a]\n{KEYS}", r'^profile "prod" is not in .*\(profiles there: a\)'),
    profile("version", f"version = 2\n[a]\n{KEYS}", r'^profile "version" is not in .*\(profiles there: a\)', "version"),
    profile("empty-name", f"[a]\n{KEYS}", r'^profile "" is not in .*\(profiles there: a\)', ""),
    profile("array-of-tables", f"[[prod]]\n{KEYS}", r'^profile "prod" is not in .*\(profiles there: none\)'),
    profile("no-keys", "[prod]\norg_id = 'x'\n", f"^profile 'prod' of .* has no public_api_key.*{KEYRING}"),
    profile("empty-keys", "[prod]\npublic_api_key = ''\nprivate_api_key = ''\n", f"no public_api_key.*{KEYRING}"),
    profile("no-private", "[prod]\npublic_api_key = 'a'\n", f"has a public_api_key but no private_api_key.*{KEYRING}"),
    profile("no-public", f"[prod]\nprivate_api_key = '{SECRET}'\n", "has a private_api_key but no public_api_key"),
    profile("no-keys-by-default", "[default]\norg_id = 'x'\n", f"^profile 'default' of .*{KEYRING}", None),
    profile("half-by-default", "[default]\npublic_api_key = 'a'\n", f"^profile 'default' of .*{KEYRING}", None),
    profile("no-default", f"[prod]\n{KEYS}", f"{NOTHING} .*has no such profile", None),
    profile(
        "account-without-secret",
        "[prod]\nauth_type = 'service_account'\nclient_id = 'x'\n",
        "^profile 'prod' of .* has a client_id but no client_secret.*keyring, which is not read here. "
        "Set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET",
    ),
    profile("account-without-id", f"[prod]\nclient_secret = '{SECRET}'\n", "has a client_secret but no client_id$"),
    profile("login", "[prod]\nauth_type = 'user_account'\n", "^profile 'prod' of .* is a person's login"),
    profile(
        "number", f"[prod]\npublic_api_key = 5\nprivate_api_key = '{SECRET}'\n", "^public_api_key of profile 'prod'"
    ),
    profile(
        "list", f"[prod]\npublic_api_key = 'a'\nprivate_api_key = ['{SECRET}']\n", "private_api_key of .* a string"
    ),
    profile(
        "bad-public",
        f"[prod]\npublic_api_key='a b'\nprivate_api_key='{SECRET}'\n",
        "^in profile 'prod' of .*public_key",
    ),
    profile(
        "bad-private", f"[prod]\npublic_api_key='a'\nprivate_api_key='{SECRET} '\n", "^in profile 'prod'.*private_key"
    ),
    profile("service", f"[prod]\n{KEYS}service = 'cloudmars'\n", "^profile 'prod' of .* has service \"cloudmars\""),
    profile("service-number", f"[prod]\n{KEYS}service = 1\n", "^service of profile 'prod' .* must be a string"),
    profile("base-url", f"[prod]\n{KEYS}base_url = 'ops.example'\n", "^base_url of profile 'prod' of .* is not a URL"),
    profile(
        "base-url-secret", f"[prod]\n{KEYS}base_url = '{HALF_SECRET_URL}'\n", "^base_url of .* must not hold a user"
    ),
    profile(
        "ops-manager", f"[prod]\n{KEYS}ops_manager_url = 'http://ops.example'\n", "^base_url of .* must begin with"
    ),
    profile("not-toml", f"[prod]\npublic_api_key = 'a'\nprivate_api_key = '{SECRET}\n", "is not valid TOML at line 3$"),
    profile("not-toml-key", f"[prod]\n{SECRET} {SECRET}\n", "config.toml is not valid TOML at line 2$"),
    profile("not-toml-twice", f"[prod]\n{KEYS}private_api_key = '{SECRET}'\n", "config.toml is not valid TOML at line"),
    profile("not-toml-by-default", f"[x]\nprivate_api_key = {SECRET}\n", "is not valid TOML at line 2$", None),
    profile("json", f'{{"prod": {{"private_api_key": "{SECRET}"}}}}', "is not valid TOML at line 1$"),
    profile(
        "not-utf-8", f"[prod]\nprivate_api_key = '{SECRET}".encode() + b"\xff'\n", "config.toml cannot be read: .*UTF-8"
    ),
]


def configure(text: str | bytes | None) -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "atlascli" / "config.toml"
    path.parent.mkdir(parents=True)
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)


@BOTH
@pytest.mark.parametrize(("text", "name", "rule"), PROFILES)
def test_profiles(client_class: Maker, text: str | bytes | None, name: str | None, rule: str) -> None:
    configure(text)
    check(caught(lambda: client_class(profile=name)), ConfigurationError, rule)


@BOTH
def test_a_configuration_that_is_a_folder(client_class: Maker) -> None:
    (Path(os.environ["XDG_CONFIG_HOME"]) / "atlascli" / "config.toml").mkdir(parents=True)
    check(caught(client_class), ConfigurationError, "^the Atlas CLI's configuration .* cannot be read: ")


@BOTH
def test_a_broken_configuration_is_not_read_where_it_is_not_needed(
    client_class: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("not = [toml")
    assert "from the arguments" in repr(client_class(**KEY))
    for name, value in BY_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert "from the environment" in repr(client_class())


@BOTH
def test_a_named_profile_is_used(client_class: Maker) -> None:
    configure(f"version = 2\n[prod]\n{KEYS}service = 'cloudgov'\n")
    shown = repr(client_class(profile="prod"))
    assert "'https://cloud.mongodbgov.com'" in shown and "profile 'prod'" in shown
    assert SECRET not in shown


# --- answers ---------------------------------------------------------------------------------------------------------

JSON = "content-type: application/json"
CHALLENGE = 'www-authenticate: Digest realm="MMS Public API", nonce="{}", algorithm={}, qop="auth", stale={}'
DEEP = "[" * 10_000 + "]" * 10_000
ONE = f'{{"_id": "{GROUP_ID}", "status": %s}}'


class Wrong(NamedTuple):
    """An answer, and what it gets."""

    id: str
    answer: Answer | bytes
    kind: type[Exception]
    rule: str
    facts: Mapping[str, Any] = {}
    method: str = "list_endpoints"
    more: Mapping[str, Any] = {}


def unauthorized(id: str, rule: str, *challenges: str | bytes) -> Wrong:
    return Wrong(id, reply(401, "{}", JSON, *challenges), AuthenticationError, rule, {"status_code": 401})


def refused(status: int, code: str | None, kind: type[Exception], rule: str, **facts: Any) -> Wrong:
    body = f'{{"error": {status}, "errorCode": "{code}", "detail": "Because."}}' if code else "{}"
    facts = {"status_code": status, "error_code": code, "detail": "Because." if code else None, **facts}
    return Wrong(f"{status}-{code}", reply(status, body, JSON), kind, rule, facts)


def enveloped(id: str, outside: int, body: str, kind: type[Exception], rule: str, **facts: Any) -> Wrong:
    return Wrong(f"envelope-{id}", reply(outside, body, JSON), kind, rule, facts, more={"envelope": True})


INSIDE = '{"error": 404, "errorCode": "CLUSTER_NOT_FOUND", "detail": "No Instance0.", "parameters": ["Instance0", 1]}'
FOUND_NOT = {"error_code": "CLUSTER_NOT_FOUND", "detail": "No Instance0.", "parameters": ("Instance0", 1)}

ANSWERS = [
    Wrong(
        "all-null",
        reply(404, '{"detail": null, "error": null, "errorCode": null, "parameters": null, "reason": null}', JSON),
        NotFound,
        "HTTP 404 Not Found",
        {"error_code": None, "parameters": (), "detail": None, "reason": None},
    ),
    Wrong(
        "all-of-another-type",
        reply(400, '{"detail": 1, "errorCode": ["X"], "parameters": {"a": 1}, "reason": true}', JSON),
        ApiError,
        "HTTP 400 Bad Request",
        {"error_code": None, "parameters": (), "detail": None, "reason": None},
    ),
    Wrong("array", reply(404, "[]", JSON), NotFound, "HTTP 404 Not Found"),
    Wrong("every-parameter", reply(404, INSIDE, JSON), NotFound, "CLUSTER_NOT_FOUND: No Instance0", FOUND_NOT),
    Wrong("code-in-the-header", reply(400, "", "x-error-code: BAD_X"), ApiError, "400 BAD_X", {"error_code": "BAD_X"}),
    Wrong(
        "bad-request-detail",
        reply(400, '{"badRequestDetail": {"fields": [{"field": "comment", "description": "too long"}, 5]}}', JSON),
        ApiError,
        "HTTP 400 Bad Request; comment: too long",
    ),
    Wrong("html", reply(502, "<html>Bad gateway</html>", "content-type: text/html"), ServerError, "502 Bad Gateway$"),
    Wrong("html-404", reply(404, "<html>", "content-type: text/html"), NotFound, "HTTP 404 Not Found$"),
    Wrong("405", reply(405, "", "allow: GET, HEAD"), ApiError, "HTTP 405 Method Not Allowed", {"status_code": 405}),
    refused(402, "NO_PAYMENT_INFORMATION_FOUND", ApiError, "402 NO_PAYMENT_INFORMATION_FOUND: Because"),
    refused(403, None, PermissionDenied, "403 Forbidden.*Project Read Only"),
    refused(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", AddressNotAllowed, "403 IP_ADDRESS_NOT_ON_ACCESS_LIST: Because"),
    refused(404, "GROUP_NOT_FOUND", NotFound, "404 GROUP_NOT_FOUND"),
    refused(409, None, Conflict, "409 Conflict"),
    refused(410, None, Gone, "410 Gone .*dedicated clusters"),
    refused(410, "VERSION_GONE", Gone, "410 VERSION_GONE"),
    refused(400, "NOT_SERVERLESS_TENANT_CLUSTER", NotServerless, "dedicated clusters"),
    refused(400, "A_CODE_OF_NEXT_YEAR", ApiError, "400 A_CODE_OF_NEXT_YEAR: Because"),
    refused(418, None, ApiError, "HTTP 418"),
    refused(500, "UNEXPECTED_ERROR", ServerError, "500 UNEXPECTED_ERROR: Because"),
    refused(503, None, ServerError, "503 Service Unavailable"),
    refused(599, None, ServerError, "HTTP 599"),
    refused(999, None, ServerError, "HTTP 999"),
    refused(304, None, ApiError, "HTTP 304"),
    Wrong("101", b"HTTP/1.1 101 Switching Protocols\r\n\r\n", ApiError, "HTTP 101"),
    Wrong("429", reply(429, "{}", "retry-after: 7"), RateLimited, "429 Too Many", {"retry_after": 7.0}),
    Wrong("429-nonsense", reply(429, "{}", "retry-after: soon"), RateLimited, "429", {"retry_after": None}),
    Wrong("429-ancient", reply(429, "{}", "retry-after: Wed, 21 Oct 2015 07:28:00 GMT"), RateLimited, "429"),
    Wrong(
        "429-bucket",
        reply(429, '{"errorCode": "RATE_LIMITED_TOKEN_BUCKET", "parameters": ["/x", 3, 10, 5, 60]}', JSON),
        RateLimited,
        "429 RATE_LIMITED_TOKEN_BUCKET",
        {"retry_after": 3.0, "parameters": ("/x", 3, 10, 5, 60)},
    ),
    unauthorized("no-challenge", "the server sent no challenge to answer"),
    unauthorized("basic-only", "the server offers basic, not Digest", 'www-authenticate: Basic realm="x"'),
    unauthorized("bearer-and-basic", "offers bearer, basic, not Digest", "www-authenticate: Bearer, Basic realm=x"),
    unauthorized("sha-512", 'algorithm "SHA-512" is not known', CHALLENGE.format("n", "SHA-512", "false")),
    unauthorized(
        "qop-unknown", 'qop "auth-tls" is not known', 'www-authenticate: Digest realm="x", nonce="y", qop="auth-tls"'
    ),
    unauthorized("no-nonce", "cannot be answered: it has no nonce", 'www-authenticate: Digest realm="x"'),
    unauthorized("no-realm", "cannot be answered: it has no realm", 'www-authenticate: Digest nonce="x"'),
    unauthorized("latin-1-realm", "its realm is not plain ASCII", b'www-authenticate: Digest realm="\xe9", nonce="y"'),
    unauthorized("20-kB", "no challenge to answer", CHALLENGE.format("n" * 20_000, "MD5", "false")),
    unauthorized("broken", "the server", b'www-authenticate: Digest \xff\xfe=,,,"\\'),
    unauthorized("wrong-key", "Project Read Only.*401 to a wrong key", CHALLENGE.format("n", "MD5", "false")),
    unauthorized("always-stale", "every nonce was refused", CHALLENGE.format("n", "MD5", "true")),
    Wrong(
        "list-of-numbers", reply(200, "[1, 2]", JSON), UnexpectedResponse, "expected an endpoint object, got a number"
    ),
    Wrong("list-of-null", reply(200, "[null]", JSON), UnexpectedResponse, "expected an endpoint object, got nothing"),
    Wrong("list-without-id", reply(200, '[{"status": "RESERVED"}]', JSON), UnexpectedResponse, "has no _id"),
    Wrong("list-id-number", reply(200, '[{"_id": 5}]', JSON), UnexpectedResponse, "has no _id"),
    Wrong("list-id-empty", reply(200, '[{"_id": ""}]', JSON), UnexpectedResponse, "has no _id"),
    Wrong(
        "list-object",
        reply(200, ONE % "null", JSON),
        UnexpectedResponse,
        "expected an array of endpoints, got an object",
    ),
    Wrong("list-null", reply(200, "null", JSON), UnexpectedResponse, "expected an array"),
    Wrong("list-text", reply(200, '"[]"', JSON), UnexpectedResponse, "expected an array of endpoints, got a string"),
    Wrong(
        "get-array",
        reply(200, "[]", JSON),
        UnexpectedResponse,
        "expected an endpoint object, got an array",
        method="get_endpoint",
    ),
    Wrong("get-no-id", reply(200, "{}", JSON), UnexpectedResponse, "has no _id", method="get_endpoint"),
    Wrong("html-200", reply(200, "<html>Log in</html>"), UnexpectedResponse, "not JSON: expected value at line 1"),
    Wrong("cut-json", reply(200, '[{"_id": ', JSON), UnexpectedResponse, "not JSON: EOF"),
    Wrong("two-values", reply(200, "[] []", JSON), UnexpectedResponse, "not JSON: trailing characters"),
    Wrong("nan", reply(200, "[NaN]", JSON), UnexpectedResponse, "not JSON"),
    Wrong("deep", reply(200, DEEP, JSON), UnexpectedResponse, "not JSON: recursion limit"),
    Wrong("deep-error", reply(404, f'{{"parameters": {DEEP}}}', JSON), NotFound, "HTTP 404"),
    Wrong("not-utf-8", reply(200, b'[{"_id": "\xff"}]', JSON), UnexpectedResponse, "not JSON: invalid unicode"),
    Wrong("not-utf-8-error", reply(409, b'{"detail": "\xff"}', JSON), Conflict, "HTTP 409"),
    Wrong("utf-16", reply(200, "[]".encode("utf-16"), JSON), UnexpectedResponse, "not JSON"),
    Wrong("empty", reply(200), UnexpectedResponse, "the answer is empty"),
    Wrong("204", reply(204), UnexpectedResponse, "the answer is empty"),
    Wrong(
        "gzip-garbage",
        reply(200, "garbage", JSON, "content-encoding: gzip"),
        UnexpectedResponse,
        "cannot be read: .*gzip",
    ),
    Wrong(
        "gzip-garbage-error",
        reply(403, "garbage", JSON, "content-encoding: gzip"),
        PermissionDenied,
        "403 Forbidden",
        {"status_code": 403, "error_code": None},
    ),
    Wrong(
        "cut-error",
        reply(404, '{"detail": "x', JSON, "content-length: 100", "connection: close"),
        NotFound,
        "404 Not Found",
        {"status_code": 404, "detail": None},
    ),
    Wrong(
        "latin-1-headers",
        reply(404, "{}", JSON, b"x-error-code: \xe9", b"x-java-method: caf\xe9", b"retry-after: \xff"),
        NotFound,
        "HTTP 404",
        {"error_code": None},
    ),
    Wrong("long-detail", reply(400, f'{{"detail": "{"x" * 100_000}"}}', JSON), ApiError, "HTTP 400 .*xxx"),
    Wrong(
        "control-characters-in-detail",
        reply(400, '{"errorCode": "A\\nB", "detail": "\\u001b[31mred\\r\\nINFO ok\\u0000"}', JSON),
        ApiError,
        r"HTTP 400 A B: +\[31mred +INFO ok *$",
        {"error_code": "A\nB", "detail": "\x1b[31mred\r\nINFO ok\0"},
    ),
    Wrong("closed-unanswered", lambda request: None, ConnectionError, "connection was lost"),
    Wrong("not-http", b"SSH-2.0-OpenSSH_9.6\r\n\r\n", ConnectionError, "connection was lost"),
    Wrong("header-without-end", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 600_000, ConnectionError, "connection was lost"),
    enveloped("404", 200, f'{{"status": 404, "envelope": {INSIDE}}}', NotFound, "404 CLUSTER_NOT", **FOUND_NOT),
    enveloped("404-content", 200, f'{{"status": 404, "content": {INSIDE}}}', NotFound, "404 CLUSTER_NOT", **FOUND_NOT),
    enveloped("404-outside", 404, f'{{"status": 404, "content": {INSIDE}}}', NotFound, "404 CLUSTER_NOT", **FOUND_NOT),
    enveloped("bare-outside", 404, INSIDE, NotFound, "404 CLUSTER_NOT_FOUND", **FOUND_NOT),
    enveloped("401", 200, '{"status": 401}', AuthenticationError, "HTTP 401", status_code=401),
    enveloped("429", 200, '{"status": 429, "content": {}}', RateLimited, "HTTP 429", status_code=429),
    enveloped("502", 200, '{"status": 502, "content": null}', ServerError, "HTTP 502", status_code=502),
    enveloped("empty", 200, '{"status": 200}', UnexpectedResponse, "(empty|nothing)"),
    enveloped("no-number", 200, '{"status": "no", "content": []}', UnexpectedResponse, "expected an array"),
]


@pytest.mark.parametrize("wrong", [pytest.param(wrong, id=wrong.id) for wrong in ANSWERS])
def test_answers(call: Caller, wrong: Wrong) -> None:
    arguments = (GROUP_ID, INSTANCE, *([GROUP_ID] if wrong.method == "get_endpoint" else []))
    with RawAtlas(wrong.answer) as server:
        options = {"max_retries": 0, "timeout": 20.0}
        error = caught(lambda: call(server, wrong.method, *arguments, options=options, **wrong.more))
    if wrong.id == "long-detail":
        assert isinstance(error, ApiError) and len(error.detail or "") == 100_000
    check(error, wrong.kind, wrong.rule)
    assert str(error).startswith(f"{wrong.method}: ")
    assert {name: getattr(error, name) for name in wrong.facts} == wrong.facts
    assert isinstance(error, AtlasError) and error.response is not None
    assert error.response.method == "GET" and error.response.url.startswith(server.base_url)


@pytest.mark.parametrize("seconds", ["9e18", "1e19", "1.8e19", '"18446744073709551615"', "1e300", "-1", "null", '"x"'])
@pytest.mark.parametrize("form", ["{}", '{{"status": 429, "content": {}}}'], ids=["bare", "enveloped"])
def test_no_number_of_seconds_to_wait_is_too_large(call: Caller, seconds: str, form: str) -> None:
    body = form.format(f'{{"errorCode": "RATE_LIMITED", "parameters": ["/x", {seconds}, 1, 1, 1]}}')
    with RawAtlas(reply(200 if form != "{}" else 429, body, JSON)) as server:
        options = {"max_retries": 1, "timeout": 20.0}
        arguments = (GROUP_ID, INSTANCE)
        error = caught(lambda: call(server, "list_endpoints", *arguments, options=options, envelope=form != "{}"))
    check(error, RateLimited, "HTTP 429 RATE_LIMITED")
    assert isinstance(error, RateLimited) and (error.retry_after or 0) >= 0


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("null", "UNKNOWN"),
        ("5", "UNKNOWN"),
        ("true", "UNKNOWN"),
        ('{"a": [1]}', "UNKNOWN"),
        ('"MOVING"', "MOVING"),
        ('"available"', "available"),
        ('"\\u00e9\\u0000"', "é\0"),
    ],
)
def test_any_status_is_taken(call: Caller, status: str, expected: str) -> None:
    with RawAtlas(reply(200, ONE % status, JSON)) as server:
        endpoint = call(server, "get_endpoint", GROUP_ID, INSTANCE, GROUP_ID)
    assert isinstance(endpoint, ServerlessEndpoint)
    assert endpoint.id == GROUP_ID and endpoint.status == expected
    assert pickle.loads(pickle.dumps(endpoint)) == endpoint
    assert ("status" in endpoint.extra) == (expected == "UNKNOWN" and status != "null")


@pytest.mark.parametrize("interim", ["100 Continue", "103 Early Hints\r\nlink: </x>"])
def test_interim_answers_are_skipped(call: Caller, interim: str) -> None:
    with RawAtlas(f"HTTP/1.1 {interim}\r\n\r\n".encode() * 3 + reply(200, "[]", JSON)) as server:
        assert call(server, "list_endpoints", GROUP_ID, INSTANCE) == []


def test_headers_in_latin_1_are_kept(call: Caller) -> None:
    with RawAtlas(reply(404, "{}", JSON, b"x-java-method: caf\xe9")) as server:
        error = caught(lambda: call(server, "list_endpoints", GROUP_ID, INSTANCE))
    assert isinstance(error, NotFound) and error.response is not None
    assert error.response.headers["x-java-method"] == "café"


# --- answers to a creation -------------------------------------------------------------------------------------------


REFUSALS: dict[str, tuple[int, type[ApiError]]] = {
    "NOT_SERVERLESS_TENANT_CLUSTER": (400, NotServerless),
    "NO_PAYMENT_INFORMATION_FOUND": (402, ApiError),
    "IP_ADDRESS_NOT_ON_ACCESS_LIST": (403, AddressNotAllowed),
    "USER_UNAUTHORIZED": (403, PermissionDenied),
    "SERVERLESS_INSTANCE_NOT_FOUND": (404, InstanceNotFound),
    "METHOD_NOT_ALLOWED": (405, ApiError),
    "A_CONFLICT": (409, Conflict),
    "VERSION_GONE": (410, Gone),
    "A_TEAPOT": (418, ApiError),
}


@pytest.mark.parametrize("form", ["json", "html", "empty"])
@pytest.mark.parametrize("code", list(REFUSALS))
def test_refused_creations(call: Caller, atlas: AtlasEmulator, code: str, form: str) -> None:
    status, kind = REFUSALS[code]
    atlas.fault("status", method="POST", authenticated=True, status=status, error_code=code, format=form)
    error = caught(lambda: call.create(atlas, comment="mine"))
    assert isinstance(error, ApiError) and error.response is not None
    told = form == "json" or "x-error-code" in error.response.headers
    by_status: dict[type[ApiError], type[ApiError]] = {
        NotServerless: ApiError,
        AddressNotAllowed: PermissionDenied,
        InstanceNotFound: NotFound,
    }
    check(error, kind if told else by_status.get(kind, kind), f"^create_endpoint: HTTP {status}")
    assert (error.status_code, error.error_code) == (status, code if told else None)
    assert atlas.stats().answers[("POST", status)] == 1
    assert atlas.stats().endpoints_made == 0


BROKEN = {
    "gzip-garbage": reply(403, "garbage", JSON, "content-encoding: gzip"),
    "cut": reply(403, '{"detail": "x', JSON, "content-length: 100", "connection: close"),
    "cut-chunk": reply(403, '5\r\n{"de', JSON, "transfer-encoding: chunked", "connection: close"),
    "not-utf-8": reply(403, b"\xff", JSON),
    "deep": reply(403, DEEP, JSON),
}


@pytest.mark.parametrize("broken", list(BROKEN))
def test_a_broken_body_does_not_make_a_refused_creation_uncertain(call: Caller, broken: str) -> None:
    def answer(request: Received) -> bytes:
        if "authorization" not in request.headers:
            return reply(401, "{}", JSON, CHALLENGE.format("n", "MD5", "false"))
        return BROKEN[broken] if request.method == "POST" else reply(200, "[]", JSON)

    with RawAtlas(answer) as server:
        error = caught(lambda: call.create(server, comment="mine"))
    check(error, PermissionDenied, "^create_endpoint: HTTP 403 Forbidden.*Project Owner")
    assert [request.method for request in server.requests] == ["GET", "POST"]


def test_a_creation_without_an_answer_is_pickled_with_its_candidates(call: Caller, atlas: AtlasEmulator) -> None:
    atlas.fault("close_after_handler", method="POST", authenticated=True)
    error = caught(lambda: call.create(atlas))
    check(error, OutcomeUnknown, "list_endpoints")
    assert isinstance(error, OutcomeUnknown)
    assert [candidate.id for candidate in error.candidates] == [made["_id"] for made in atlas.endpoints()]


def test_a_time_limit_is_named(call: Caller, atlas: AtlasEmulator) -> None:
    atlas.fault("delay", seconds=30, times=None)
    error = caught(lambda: call(atlas, "list_endpoints", GROUP_ID, INSTANCE, options={"timeout": 0.2}))
    check(error, Timeout, "^list_endpoints: no answer within 0.2 s$")
    error = caught(lambda: call.create(atlas, options={"timeout": 0.4}))
    check(error, Timeout, "^create_endpoint: no answer within 0.3 s: the request was not sent; nothing was created$")


def test_a_wrong_key(call: Caller, atlas: AtlasEmulator) -> None:
    error = caught(lambda: call.create(atlas, options={"private_key": SECRET}))
    check(error, AuthenticationError, "^create_endpoint: HTTP 401.*Project Owner", atlas.private_key)
    assert atlas.stats().endpoints_made == 0


def test_gzipped_error_bodies_are_read(call: Caller) -> None:
    with RawAtlas(reply(404, gzip.compress(INSIDE.encode()), JSON, "content-encoding: gzip")) as server:
        error = caught(lambda: call(server, "list_endpoints", GROUP_ID, INSTANCE))
    check(error, NotFound, "CLUSTER_NOT_FOUND: No Instance0")
