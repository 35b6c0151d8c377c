"""`atlas-privatelink doctor`: what it finds in every situation that people get stuck in, and what it never shows."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from local_servers import Proxy, RawAtlas, TlsFront, reply
from support import GROUP_ID

from atlas_privatelink import __version__
from atlas_privatelink._doctor import Finding, diagnose
from atlas_privatelink.cli import main
from atlas_privatelink.testing import AtlasEmulator

NAME = "atlas.test"
"""Resolves nowhere: only a proxy gets there."""
SECRET = "hush5ecret"
"""Every secret of every test holds it."""
FINDINGS = [
    "version",
    "credentials",
    "host",
    "certificates",
    "proxy",
    "connection",
    "clock",
    "authentication",
    "project",
    "aws",
]


@dataclass(frozen=True)
class Diagnosis:
    """What `doctor` found: by JSON, and as people read it."""

    code: int
    findings: dict[str, dict[str, Any]]
    text: str

    def __getitem__(self, name: str) -> tuple[str, str, str]:
        finding = self.findings[name]
        return finding["verdict"], finding["what"], finding["advice"] or ""

    @property
    def verdicts(self) -> dict[str, str]:
        return {name: finding["verdict"] for name, finding in self.findings.items()}


class Doctor:
    """Runs the command in this process, in every form of output, and looks for secrets in all of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def environment(self, **variables: str | Path) -> None:
        """Variables for the runs that follow."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, str(value))

    def key(self, public_key: str = "abcdefgh", private_key: str = SECRET) -> None:
        """An API key, where most people have theirs."""
        self.environment(MONGODB_ATLAS_PUBLIC_API_KEY=public_key, MONGODB_ATLAS_PRIVATE_API_KEY=private_key)

    def at(self, base_url: str, *words: str) -> Diagnosis:
        """What it finds where the environment names a host, beside its credentials."""
        self.environment(MONGODB_ATLAS_BASE_URL=base_url)
        return self(*words)

    def run(self, *words: str) -> tuple[int, str]:
        code = main(["doctor", *words])
        out, err = self._capfd.readouterr()
        assert SECRET not in out + err
        assert err == ""
        return code, out

    def __call__(self, *words: str) -> Diagnosis:
        code, out = self.run(*words, "--output", "json")
        findings = {finding["name"]: finding for finding in json.loads(out)}
        assert list(findings) == FINDINGS
        for finding in findings.values():
            assert finding["what"] and "\n" not in finding["what"]
            assert finding["verdict"] == "ok" or finding["verdict"] == "skipped" or finding["advice"]
        again, text = self.run(*words)
        assert again == code
        diagnosis = Diagnosis(code, findings, text)
        refused = {"credentials", "authentication"} & {n for n, v in diagnosis.verdicts.items() if v == "failure"}
        assert code == (4 if refused else int("failure" in diagnosis.verdicts.values()))
        return diagnosis


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Doctor:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    # nobody may be asked for a role
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Doctor(monkeypatch, capfd)


@pytest.fixture
def local() -> Iterator[AtlasEmulator]:
    """A local Atlas with one project."""
    with AtlasEmulator(private_key=SECRET, client_secret=f"mdb_sa_sk_{SECRET}", groups=[GROUP_ID]) as emulator:
        yield emulator


@pytest.fixture
def atlas(local: AtlasEmulator, doctor: Doctor) -> AtlasEmulator:
    """The same, with the environment that points there."""
    doctor.environment(**local.environment())
    return local


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    return port


class Authority:
    """A private CA, its file, and servers that bear its signature."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def context(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


# --- all is well -----------------------------------------------------------------------------------------------------


def test_all_is_well(doctor: Doctor, atlas: AtlasEmulator) -> None:
    found = doctor("--project-id", GROUP_ID)
    assert found.code == 0
    assert set(found.verdicts.values()) <= {"ok", "skipped"}
    assert {name for name, verdict in found.verdicts.items() if verdict == "skipped"} <= {"aws"}
    assert __version__ in found["version"][1]
    what = found["credentials"][1]
    assert "API key" in what and "abcdefgh" in what and "the environment" in what
    assert "MONGODB_ATLAS_PUBLIC_API_KEY, MONGODB_ATLAS_PRIVATE_API_KEY" in what
    assert atlas.base_url in found["host"][1] and "MONGODB_ATLAS_BASE_URL" in found["host"][1]
    assert found["proxy"][1] == "none"
    assert GROUP_ID in found["project"][1] and "Project Owner" in found["project"][1]


def test_it_changes_nothing_and_asks_little(doctor: Doctor, atlas: AtlasEmulator) -> None:
    doctor.run("--project-id", GROUP_ID)
    requests = atlas.requests()
    assert len(requests) == 2  # one of them for the challenge
    assert {request.method for request in requests} == {"GET"}


def test_the_project_comes_from_where_other_commands_have_it(doctor: Doctor, atlas: AtlasEmulator) -> None:
    doctor.environment(MONGODB_ATLAS_PROJECT_ID=GROUP_ID)
    assert doctor()["project"][0] == "ok"
    assert GROUP_ID in atlas.requests()[-1].target


@pytest.mark.parametrize("way", ["jsonl", "value", "table"])
def test_forms_of_output(doctor: Doctor, atlas: AtlasEmulator, way: str) -> None:
    code, out = doctor.run("--output", way)
    assert code == 0
    lines = out.splitlines()
    if way == "jsonl":
        assert [json.loads(line)["name"] for line in lines] == FINDINGS
    elif way == "value":
        assert lines == ["ok"]
    else:
        heads = [line.split()[:2] for line in lines if not line.startswith(" ")]
        assert [name for _, name in heads] == FINDINGS
        assert {mark for mark, _ in heads} <= {"✓", "\N{EN DASH}"}


def test_the_worst_in_one_word(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.advance(3600)
    assert doctor.run("--output", "value") == (0, "warning\n")
    doctor.key(private_key=f"{SECRET}-wrong")
    assert doctor.run("--output", "value") == (4, "failure\n")


def test_a_terminal_that_knows_ascii_only(doctor: Doctor, atlas: AtlasEmulator) -> None:
    doctor.environment(PYTHONIOENCODING="ascii")
    command = [sys.executable, "-m", "atlas_privatelink", "doctor"]
    ran = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    lines = ran.stdout.decode("ascii").splitlines()
    assert lines[0].startswith("+ version") and any(line.startswith("- project") for line in lines)


# --- credentials -----------------------------------------------------------------------------------------------------


def test_no_keys(doctor: Doctor) -> None:
    found = doctor()
    assert found.code == 4
    verdict, what, advice = found["credentials"]
    assert verdict == "failure"
    for place in ("MONGODB_ATLAS_PUBLIC_API_KEY", "MONGODB_ATLAS_CLIENT_ID", "config.toml"):
        assert place in what
    assert "MONGODB_ATLAS_PRIVATE_API_KEY" in advice
    # what needs none is looked at all the same
    assert found["host"][0] == found["certificates"][0] == found["proxy"][0] == "ok"
    for name in ("connection", "clock", "authentication", "project"):
        assert found[name][0] == "skipped"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("MONGODB_ATLAS_PUBLIC_API_KEY", "MONGODB_ATLAS_PRIVATE_API_KEY"),
        ("MONGODB_ATLAS_PRIVATE_API_KEY", "MONGODB_ATLAS_PUBLIC_API_KEY"),
        ("MONGODB_ATLAS_CLIENT_SECRET", "MONGODB_ATLAS_CLIENT_ID"),
    ],
)
def test_half_a_key(doctor: Doctor, given: str, missing: str) -> None:
    doctor.environment(**{given: SECRET if "PUBLIC" not in given else "abcdefgh"})
    found = doctor()
    assert found.code == 4
    assert found["credentials"][:2] == ("failure", f"the environment has {given} but not {missing}")


def test_a_wrong_key(doctor: Doctor, atlas: AtlasEmulator) -> None:
    doctor.key(private_key=f"{SECRET}-wrong")
    found = doctor("--project-id", GROUP_ID)
    assert found.code == 4
    verdict, what, advice = found["authentication"]
    assert verdict == "failure" and "API key is refused" in what and "401" in what
    assert "both halves" in advice and "organisation" in advice
    assert found["connection"][0] == found["clock"][0] == found["credentials"][0] == "ok"
    assert found["project"][0] == "skipped"


def test_an_unknown_key_is_a_wrong_one(doctor: Doctor, atlas: AtlasEmulator) -> None:
    doctor.key("stranger", SECRET)
    assert doctor()["authentication"][0] == "failure"


def test_credentials_that_are_set_and_not_used_are_named(doctor: Doctor, atlas: AtlasEmulator) -> None:
    doctor.environment(
        MONGODB_ATLAS_CLIENT_ID=atlas.client_id,
        MONGODB_ATLAS_CLIENT_SECRET=atlas.client_secret,
        MCLI_PRIVATE_API_KEY=SECRET,
    )
    found = doctor()
    assert found.code == 0
    what = found["credentials"][1]
    assert what.startswith("service account") and atlas.client_id in what
    unused = what.partition("not used: ")[2]
    assert unused == "MONGODB_ATLAS_PUBLIC_API_KEY, MONGODB_ATLAS_PRIVATE_API_KEY, MCLI_PRIVATE_API_KEY"


def test_a_service_account_with_a_wrong_secret(doctor: Doctor, atlas: AtlasEmulator) -> None:
    doctor.environment(MONGODB_ATLAS_CLIENT_ID=atlas.client_id, MONGODB_ATLAS_CLIENT_SECRET=f"{SECRET}-wrong")
    found = doctor()
    assert found.code == 4
    verdict, what, advice = found["authentication"]
    assert verdict == "failure" and "service account is refused" in what and "invalid_client" in what
    assert "expired" in advice
    assert found["connection"][0] == "ok"


def test_an_access_token_that_is_none(doctor: Doctor, atlas: AtlasEmulator) -> None:
    doctor.environment(MONGODB_ATLAS_ACCESS_TOKEN=f"eyJ{SECRET}")
    found = doctor()
    assert found.code == 4
    verdict, what, advice = found["authentication"]
    assert verdict == "failure" and "access token is refused" in what
    assert "expired" in advice


def profile(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config" / "atlascli" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def test_a_profile(doctor: Doctor, local: AtlasEmulator, tmp_path: Path) -> None:
    file = profile(
        tmp_path,
        f"[prod]\npublic_api_key = '{local.public_key}'\nprivate_api_key = '{SECRET}'\n"
        f"base_url = '{local.base_url}'\nproject_id = '{GROUP_ID}'\n",
    )
    found = doctor("--profile", "prod")
    assert found.code == 0
    assert f"profile 'prod' of {file}" in found["credentials"][1]
    assert local.base_url in found["host"][1] and "profile 'prod'" in found["host"][1]
    assert found["project"][0] == "ok"


def test_a_profile_that_is_not_there(doctor: Doctor, tmp_path: Path) -> None:
    profile(tmp_path, f"[prod]\npublic_api_key = 'a'\nprivate_api_key = '{SECRET}'\n")
    found = doctor("--profile", "prud")
    assert found.code == 4
    assert "prud" in found["credentials"][1] and "profiles there: prod" in found["credentials"][1]
    assert "unless the profile says otherwise" in found["host"][1]


def test_a_profile_with_good_credentials_and_a_bad_host(doctor: Doctor, tmp_path: Path) -> None:
    text = f"[prod]\npublic_api_key = 'a'\nprivate_api_key = '{SECRET}'\nbase_url = 'http://{NAME}'\n"
    profile(tmp_path, text)
    found = doctor("--profile", "prod")
    assert found.code == 1
    assert found["credentials"][0] == "ok"
    assert found["host"][0] == "failure" and "must begin with https://" in found["host"][1]


# --- the access list, and the project --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["API key", "service account"])
@pytest.mark.parametrize("words", [(), ("--project-id", GROUP_ID)], ids=["no project", "project"])
def test_an_address_that_is_not_allowed(doctor: Doctor, atlas: AtlasEmulator, kind: str, words: Sequence[str]) -> None:
    if kind == "service account":
        doctor.environment(MONGODB_ATLAS_CLIENT_ID=atlas.client_id, MONGODB_ATLAS_CLIENT_SECRET=atlas.client_secret)
    atlas.allow_address(False)
    found = doctor(*words)
    assert found.code == 4
    verdict, what, advice = found["authentication"]
    assert verdict == "failure"
    assert what.startswith(f"the address 127.0.0.1 is not on the {kind}'s access list")
    assert "Access Manager" in advice and kind in advice
    assert found["project"][0] == "skipped"


@pytest.mark.parametrize("code", ["ORG_REQUIRES_ACCESS_LIST", "RESOURCE_REQUIRES_ACCESS_LIST"])
def test_an_access_list_that_is_demanded(doctor: Doctor, atlas: AtlasEmulator, code: str) -> None:
    atlas.fault("status", status=403, error_code=code, authenticated=True, times=None)
    verdict, what, advice = doctor()["authentication"]
    assert verdict == "failure" and code in what and "access list" in advice


def test_without_a_project(doctor: Doctor, atlas: AtlasEmulator) -> None:
    found = doctor()
    assert found.code == 0
    assert found["authentication"][0] == "ok"
    assert found["project"][0] == "skipped"
    assert "--project-id" in found["project"][2]


def test_an_unknown_project(doctor: Doctor, atlas: AtlasEmulator) -> None:
    found = doctor("--project-id", "0123456789abcdef01234567")
    assert found.code == 1
    assert found["authentication"][0] == "ok"
    assert found["project"][0] == "failure" and "GROUP_NOT_FOUND" in found["project"][1]


def test_a_project_of_another_organisation(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.add_key("outsider", SECRET, role="outsider")
    doctor.key("outsider")
    found = doctor("--project-id", GROUP_ID)
    assert found.code == 1
    assert found["authentication"][0] == "ok"
    verdict, what, advice = found["project"]
    assert verdict == "failure" and "NOT_IN_GROUP" in what and "organisation" in advice


def test_a_project_that_may_not_be_read(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.fault("status", status=403, error_code="USER_UNAUTHORIZED", authenticated=True, times=None)
    found = doctor("--project-id", GROUP_ID)
    assert found.code == 1
    assert found["authentication"][0] == "ok"
    assert found["project"][0] == "failure" and "Project Read Only" in found["project"][2]


def test_a_key_that_may_only_read_is_not_said_to_create(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.add_key("reader", SECRET, role="read_only")
    doctor.key("reader")
    verdict, what, _ = doctor("--project-id", GROUP_ID)["project"]
    assert verdict == "ok" and "only making one tells" in what


def test_a_project_id_that_is_none(doctor: Doctor, atlas: AtlasEmulator) -> None:
    found = doctor("--project-id", "my project")
    assert found.code == 1
    assert found["authentication"][0] == "ok"
    assert found["project"][:2] == (
        "failure",
        '--project-id must be 24 hexadecimal digits in lower case, got "my project"',
    )


# --- the clock -------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_behind(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.advance(3600)
    found = doctor()
    assert found.code == 0
    verdict, what, advice = found["clock"]
    assert verdict == "warning" and what == "60 minutes behind Atlas's"
    assert "NTP" in advice and "AWS" in advice
    assert found["authentication"][0] == "ok"


def test_a_clock_that_is_ahead(doctor: Doctor) -> None:
    doctor.key()
    long_ago = "date: Sun, 06 Nov 1994 08:49:37 GMT"
    with RawAtlas(reply(200, "[]", "content-type: application/json", long_ago)) as server:
        verdict, what, _ = doctor.at(server.base_url)["clock"]
    assert verdict == "warning" and "ahead of" in what


def test_a_clock_that_is_a_little_off(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.advance(120)
    assert doctor()["clock"][0] == "ok"


@pytest.mark.parametrize("header", ["x-note: none", "date: yesterday"])
def test_an_answer_that_does_not_tell_the_time(doctor: Doctor, header: str) -> None:
    doctor.key()
    with RawAtlas(reply(200, "[]", "content-type: application/json", header)) as server:
        assert doctor.at(server.base_url)["clock"][0] == "skipped"


# --- proxies ---------------------------------------------------------------------------------------------------------


def test_a_proxy_that_works(doctor: Doctor, local: AtlasEmulator, authority: Authority) -> None:
    doctor.key()
    doctor.environment(SSL_CERT_FILE=authority.file)
    with (
        TlsFront(local.base_url, authority.context(NAME)) as front,
        Proxy(front.base_url) as proxy,
    ):
        doctor.environment(HTTPS_PROXY=proxy.base_url.replace("//", f"//user:{SECRET}@"), NO_PROXY="10.0.0.0/8")
        found = doctor.at(f"https://{NAME}")
    assert found.code == 0
    assert found["proxy"][1] == f"{proxy.base_url}, from HTTPS_PROXY (NO_PROXY=10.0.0.0/8)"
    assert proxy.base_url in found["connection"][1]


REFUSAL = reply(407, "no", 'proxy-authenticate: Basic realm="gate"')


def test_a_proxy_that_wants_a_password(doctor: Doctor) -> None:
    doctor.key()
    with Proxy("http://127.0.0.1:1", refusal=REFUSAL) as proxy:
        doctor.environment(HTTPS_PROXY=proxy.base_url.replace("//", f"//user:{SECRET}@"))
        found = doctor.at(f"https://{NAME}")
    assert found.code == 1
    verdict, what, advice = found["connection"]
    assert verdict == "failure" and f"the proxy {proxy.base_url} wants a user name and a password" in what
    assert "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT" in advice and f"NO_PROXY name {NAME}" in advice
    for name in ("clock", "authentication", "project"):
        assert found[name][0] == "skipped"


def by_name(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_a_proxy_that_wants_a_password_for_plain_http(doctor: Doctor) -> None:
    with Proxy("http://127.0.0.1:1", refusal=REFUSAL) as proxy:
        url = proxy.base_url.replace("//", f"//user:{SECRET}@")
        options = {"base_url": f"http://{NAME}", "allow_insecure": True, "proxy": url}
        found = by_name(diagnose({"public_key": "abcdefgh", "private_key": SECRET, **options}))
    assert found["host"].verdict == "warning" and "not encrypted" in found["host"].what
    assert found["proxy"].what == f"{proxy.base_url}, as given"
    assert found["connection"].verdict == "failure"
    assert "wants a user name and a password" in found["connection"].what
    assert "HTTP_PROXY=" in (found["connection"].advice or "")
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("name", "value", "finding"),
    [("proxy", f"ftp://user:{SECRET}@x", "proxy"), ("ca_file", "/no/such", "certificates")],
)
def test_arguments_that_break_their_rules(doctor: Doctor, name: str, value: str, finding: str) -> None:
    found = by_name(diagnose({"public_key": "abcdefgh", "private_key": SECRET, name: value}))
    assert found[finding].verdict == "failure" and found[finding].what.startswith(name)
    assert {each for each, its in found.items() if its.verdict == "failure"} == {finding}
    assert found["connection"].verdict == "skipped"
    assert SECRET not in repr(found)


@pytest.mark.parametrize("status", [403, 502])
def test_a_proxy_that_refuses(doctor: Doctor, status: int) -> None:
    doctor.key()
    with Proxy("http://127.0.0.1:1", refusal=reply(status, "no")) as proxy:
        doctor.environment(HTTPS_PROXY=proxy.base_url.replace("//", f"//user:{SECRET}@"))
        found = doctor.at(f"https://{NAME}")
    assert found.code == 1
    verdict, what, advice = found["connection"]
    assert verdict == "failure" and what == f"the proxy {proxy.base_url} refuses to lead to {NAME}"
    assert "ask whoever runs it" in advice


def test_a_proxy_that_is_not_there(doctor: Doctor, closed_port: int) -> None:
    doctor.key()
    doctor.environment(HTTPS_PROXY=f"http://user:{SECRET}@127.0.0.1:{closed_port}")
    found = doctor.at(f"https://{NAME}")
    assert found.code == 1
    assert found["proxy"][:2] == ("ok", f"http://127.0.0.1:{closed_port}, from HTTPS_PROXY")
    verdict, what, advice = found["connection"]
    assert verdict == "failure" and f"the proxy http://127.0.0.1:{closed_port} cannot be reached" in what
    assert "HTTPS_PROXY" in advice


def test_a_proxy_that_says_nothing(doctor: Doctor) -> None:
    doctor.key()
    with Proxy("http://127.0.0.1:1", refusal=b"") as proxy:
        doctor.environment(HTTPS_PROXY=proxy.base_url)
        verdict, what, advice = doctor.at(f"https://{NAME}", "--request-timeout", "0.2")["connection"]
    assert verdict == "failure" and f"nothing comes through the proxy {proxy.base_url}" in what
    assert NAME in advice


def test_a_proxy_of_another_kind(doctor: Doctor, closed_port: int) -> None:
    doctor.key()
    doctor.environment(ALL_PROXY=f"socks5://user:{SECRET}@127.0.0.1:{closed_port}")
    verdict, what, advice = doctor.at(f"https://{NAME}")["connection"]
    assert verdict == "failure" and "not supported" in what and "http://HOST:PORT" in advice


def test_a_proxy_that_is_no_url(doctor: Doctor) -> None:
    doctor.environment(HTTPS_PROXY=f"http://user:{SECRET} with a blank@127.0.0.1:1")
    verdict, what, advice = doctor()["proxy"]
    assert verdict == "warning" and "HTTPS_PROXY is set" in what and "percent-encoded" in advice


def test_a_host_that_is_exempt(doctor: Doctor) -> None:
    doctor.environment(HTTPS_PROXY=f"http://user:{SECRET}@127.0.0.1:1", NO_PROXY=".mongodb.com")
    assert doctor()["proxy"][:2] == ("ok", "none: NO_PROXY=.mongodb.com exempts this host from HTTPS_PROXY")


def test_this_machine_is_reached_without_the_proxy(doctor: Doctor, atlas: AtlasEmulator, closed_port: int) -> None:
    doctor.environment(HTTP_PROXY=f"http://user:{SECRET}@127.0.0.1:{closed_port}")
    found = doctor()
    assert found.code == 0
    assert found["proxy"][1].startswith("none: HTTP_PROXY is not used")


# --- certificates ----------------------------------------------------------------------------------------------------


def test_a_private_ca_that_is_missing_and_then_is_not(
    doctor: Doctor, local: AtlasEmulator, authority: Authority
) -> None:
    doctor.key()
    with TlsFront(local.base_url, authority.context("127.0.0.1")) as front:
        found = doctor.at(front.base_url)
        assert found.code == 1
        verdict, what, advice = found["connection"]
        assert verdict == "failure" and "UnknownIssuer" in what and "CA that is not trusted" in what
        for way in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "ca_file"):
            assert way in advice
        assert found["certificates"][0] == "ok"
        assert found["authentication"][0] == "skipped"

        doctor.environment(SSL_CERT_FILE=authority.file)
        found = doctor.at(front.base_url)
        assert found.code == 0
        assert found["certificates"][1] == f'SSL_CERT_FILE "{authority.file}" (1 roots)'
        assert found["authentication"][0] == "ok"


def test_a_certificate_of_another_name(doctor: Doctor, local: AtlasEmulator, authority: Authority) -> None:
    doctor.key()
    doctor.environment(SSL_CERT_FILE=authority.file)
    with TlsFront(local.base_url, authority.context("elsewhere.test")) as front:
        verdict, what, advice = doctor.at(front.base_url)["connection"]
    assert verdict == "failure" and "elsewhere.test" in what and "gateway" in advice


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_certificate_file_that_is_none(doctor: Doctor, tmp_path: Path, name: str) -> None:
    file = tmp_path / "empty.pem"
    file.write_text("not a certificate\n")
    doctor.key()
    doctor.environment(**{name: file})
    found = doctor.at(f"https://{NAME}")
    assert found.code == 1
    verdict, what, _ = found["certificates"]
    assert verdict == "failure" and name in what and str(file) in what
    assert found["connection"][0] == "skipped"


def test_a_certificate_file_that_is_not_needed(doctor: Doctor, atlas: AtlasEmulator, tmp_path: Path) -> None:
    doctor.environment(SSL_CERT_FILE=tmp_path / "none.pem")
    found = doctor()
    assert found.code == 0
    assert found["certificates"][0] == "warning" and "SSL_CERT_FILE" in found["certificates"][1]


# --- hosts -----------------------------------------------------------------------------------------------------------


def test_the_government_s_atlas(doctor: Doctor, closed_port: int) -> None:
    doctor.key()
    doctor.environment(HTTPS_PROXY=f"http://127.0.0.1:{closed_port}")
    found = doctor("--base-url", "https://cloud.mongodbgov.com")
    what = found["host"][1]
    assert what.startswith("https://cloud.mongodbgov.com, as given")
    assert "keys of cloud.mongodb.com do not work here" in what
    assert "cloud.mongodbgov.com" in found["connection"][2]


def test_atlas_itself(doctor: Doctor, closed_port: int) -> None:
    doctor.key()
    doctor.environment(HTTPS_PROXY=f"http://127.0.0.1:{closed_port}")
    what = doctor()["host"][1]
    assert what.startswith("https://cloud.mongodb.com, the default")
    assert "keys of cloud.mongodbgov.com do not work here" in what


def test_a_host_of_one_s_own(doctor: Doctor, closed_port: int) -> None:
    doctor.key()
    doctor.environment(
        HTTPS_PROXY=f"http://127.0.0.1:{closed_port}", MONGODB_ATLAS_BASE_URL="https://ops.example/atlas/"
    )
    what = doctor()["host"][1]
    assert what.startswith("https://ops.example/atlas, from MONGODB_ATLAS_BASE_URL")
    assert "Ops Manager" in what


def test_a_host_with_a_password(doctor: Doctor) -> None:
    doctor.key()
    verdict, what, _ = doctor("--base-url", f"https://user:{SECRET}@{NAME}")["host"]
    assert verdict == "failure" and "must not hold a user name or password" in what


def test_a_host_that_the_credentials_must_not_go_to(doctor: Doctor, closed_port: int) -> None:
    doctor.key()
    found = doctor("--base-url", f"https://127.0.0.1:{closed_port}")
    assert found["credentials"][0] == "ok"
    verdict, what, _ = found["host"]
    assert verdict == "failure" and "the environment are not sent to" in what
    assert found["connection"][0] == "skipped"


@pytest.mark.parametrize("source", ["--base-url", "MONGODB_ATLAS_BASE_URL"])
def test_plain_http_to_another_machine(doctor: Doctor, source: str) -> None:
    doctor.key()
    words = (source, f"http://{NAME}") if source.startswith("-") else ()
    if not words:
        doctor.environment(**{source: f"http://{NAME}"})
    found = doctor(*words)
    assert found.code == 1
    assert found["credentials"][0] == "ok"
    verdict, what, _ = found["host"]
    assert verdict == "failure" and what.startswith(f"{source} must begin with https://")
    assert found["connection"][0] == "skipped"


def test_a_host_that_refuses_connections(doctor: Doctor, closed_port: int) -> None:
    doctor.key()
    found = doctor.at(f"https://127.0.0.1:{closed_port}")
    assert found.code == 1
    verdict, what, advice = found["connection"]
    assert verdict == "failure" and f"127.0.0.1:{closed_port} refuses connections" in what
    assert "HTTPS_PROXY" in advice


def test_a_host_that_does_not_answer(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.fault("delay", seconds=60, times=None)
    verdict, what, advice = doctor("--request-timeout", "0.2")["connection"]
    assert verdict == "failure" and "does not answer in time" in what and "firewall" in advice


def test_a_name_that_does_not_resolve(doctor: Doctor) -> None:
    doctor.key()
    verdict, what, advice = doctor.at(f"https://{NAME}")["connection"]
    assert verdict == "failure" and "cannot be resolved" in what and "DNS" in advice


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, "<html>Log in</html>", "content-type: text/html"),
        reply(302, "", "location: https://login.example/"),
        reply(403, "<html>Blocked</html>", "content-type: text/html"),
        reply(404, "not found"),
        reply(401, "<html>Log in</html>", 'www-authenticate: Basic realm="gate"'),
    ],
    ids=["page", "redirect", "forbidden", "not found", "password"],
)
def test_something_else_answers(doctor: Doctor, answer: bytes) -> None:
    doctor.key()
    with RawAtlas(answer) as server:
        found = doctor.at(server.base_url)
    assert found.code == 1
    verdict, what, advice = found["connection"]
    assert verdict == "failure" and "is not Atlas's API" in what and "in its place" in advice
    assert found["authentication"][0] == "skipped"


def test_atlas_fails(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.fault("status", status=503, times=None)
    found = doctor()
    assert found.code == 1
    verdict, what, advice = found["connection"]
    assert verdict == "failure" and "HTTP 503" in what and "later" in advice


def test_atlas_is_asked_too_much(doctor: Doctor, atlas: AtlasEmulator) -> None:
    atlas.fault("status", status=429, authenticated=True, times=None)
    found = doctor()
    assert found.code == 0
    verdict, what, _ = found["authentication"]
    assert verdict == "warning" and "cannot be told" in what and "429" in what


def test_an_option_that_breaks_its_rule(doctor: Doctor, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--request-timeout", "-1"]) == 2
    _, err = capfd.readouterr()
    assert "--request-timeout must be seconds" in err


# --- AWS -------------------------------------------------------------------------------------------------------------


def test_boto3_is_not_needed(doctor: Doctor, atlas: AtlasEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("boto3", "botocore"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("atlas_privatelink._doctor.find_spec", lambda name: None)
    found = doctor()
    assert found.code == 0
    assert found["aws"][0] == "skipped" and "atlas-privatelink[aws]" in found["aws"][2]


class TestWithBoto:
    """Which credentials of AWS's there are."""

    @pytest.fixture(autouse=True)
    def boto(self) -> None:
        pytest.importorskip("boto3")

    def test_none(self, doctor: Doctor) -> None:
        assert doctor()["aws"][0] == "skipped"

    def test_the_environment(self, doctor: Doctor) -> None:
        doctor.environment(
            AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION="eu-west-1"
        )
        verdict, what, _ = doctor()["aws"]
        assert verdict == "ok" and "by env" in what and "eu-west-1" in what and "not asked" in what

    def test_a_file(self, doctor: Doctor, tmp_path: Path) -> None:
        file = tmp_path / "AWS_SHARED_CREDENTIALS_FILE"
        file.write_text(f"[work]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n")
        verdict, what, _ = doctor("--aws-profile", "work")["aws"]
        assert verdict == "ok" and "shared-credentials-file" in what and "no region" in what

    def test_a_role(self, doctor: Doctor, tmp_path: Path) -> None:
        (tmp_path / "AWS_CONFIG_FILE").write_text(
            "[default]\nrole_arn = arn:aws:iam::123456789012:role/x\ncredential_source = Ec2InstanceMetadata\n"
        )
        verdict, what, _ = doctor()["aws"]
        assert verdict == "ok" and "by assume-role" in what

    def test_a_program_is_not_run(self, doctor: Doctor, tmp_path: Path) -> None:
        ran = tmp_path / "ran"
        (tmp_path / "AWS_CONFIG_FILE").write_text(f"[default]\ncredential_process = touch {ran}\n")
        verdict, what, _ = doctor()["aws"]
        assert verdict == "ok" and "by custom-process" in what
        assert not ran.exists()

    def test_a_profile_that_is_not_there(self, doctor: Doctor, atlas: AtlasEmulator) -> None:
        found = doctor("--aws-profile", "wrok")
        assert found.code == 0
        assert found["aws"][0] == "warning" and "wrok" in found["aws"][1]

    def test_asking_without_credentials(self, doctor: Doctor, atlas: AtlasEmulator) -> None:
        found = doctor("--aws")
        assert found.code == 1
        assert found["aws"][0] == "failure" and "NoCredentials" in found["aws"][1]

    def test_asking(self, doctor: Doctor, atlas: AtlasEmulator) -> None:
        answer = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            "<Arn>arn:aws:iam::123456789012:user/Ann</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        with RawAtlas(reply(200, answer, "content-type: text/xml")) as sts:
            doctor.environment(
                AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
                AWS_SECRET_ACCESS_KEY=SECRET,
                AWS_ENDPOINT_URL_STS=sts.base_url,
            )
            verdict, what, _ = doctor("--aws")["aws"]
        assert verdict == "ok" and "arn:aws:iam::123456789012:user/Ann" in what
        assert "GetCallerIdentity" in sts.requests[0].body.decode()


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_a_server_that_repeats_the_secret(doctor: Doctor) -> None:
    doctor.environment(MONGODB_ATLAS_CLIENT_ID="mdb_sa_id_x", MONGODB_ATLAS_CLIENT_SECRET=SECRET)
    body = json.dumps({"error": "invalid_client", "error_description": f"{SECRET} is wrong"})
    with RawAtlas(reply(401, body, "content-type: application/json")) as server:
        found = doctor.at(server.base_url)
    assert found.code == 4
