"""The command `atlas-privatelink`, as its users meet it: exit codes, what is on stdout and what on stderr."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, UNKNOWN, VPC_ENDPOINT, Shell, new_endpoint, resuming, run_in_shell
from support import GROUP_ID, INSTANCE

import atlas_privatelink
from atlas_privatelink import Client
from atlas_privatelink.testing import AtlasEmulator


@pytest.fixture
def shell() -> Iterator[Shell]:
    """Time flies; whatever was shown is looked through for secrets in the end."""
    with AtlasEmulator(speed=300) as emulator:
        shell = Shell(emulator)
        yield shell
        assert emulator.private_key not in shell.shown


# From the beginning to the end


def test_a_serverless_instance_from_reservation_to_removal(shell: Shell) -> None:
    instance = ("--instance", INSTANCE)
    made = shell.result("create", *instance, "--comment", "orders, production")
    assert (made["status"], made["comment"]) == ("RESERVATION_REQUESTED", "orders, production")
    adopted = shell.result("create", *instance, "--comment", "orders, production", "--if-exists", "adopt")
    assert adopted["id"] == made["id"]

    reserved = shell.result("wait", made["id"], *instance, "--until", "RESERVED")
    assert reserved["endpoint_service_name"].startswith("com.amazonaws.vpce.")
    told = shell.result("update", made["id"], *instance, "--cloud-provider-endpoint-id", VPC_ENDPOINT)
    assert told["status"] == "INITIATING"
    assert shell.result("wait", made["id"], *instance)["status"] == "AVAILABLE"
    strings = shell.result("connection-string", *instance, VPC_ENDPOINT)
    assert strings["srv"].startswith("mongodb+srv://")
    assert [one["id"] for one in shell.result("list", *instance)] == [made["id"]]

    gone = shell.result("delete", made["id"], *instance, "--force", "--wait")
    assert gone == {"id": made["id"], "status": "DELETED"}
    assert shell.result("list", *instance) == []


def test_a_dedicated_cluster_from_its_service_to_removal(shell: Shell) -> None:
    service = shell.result("service", "create", "--provider", "aws", "--region", "us-east-1", "--wait")
    assert service["status"] == "AVAILABLE"
    assert shell.fails(1, "service", "create", "--provider", "AWS", "--region", "us-east-1").startswith("dedicated.")
    again = shell.result("service", "create", "--provider", "AWS", "--region", "us-east-1", "--if-exists", "adopt")
    assert again["id"] == service["id"]

    at = ("--service", service["id"])
    assert shell.result("create", *at, VPC_ENDPOINT, "--wait")["status"] == "AVAILABLE"
    assert shell.result("get", VPC_ENDPOINT, *at)["id"] == VPC_ENDPOINT
    assert [one["id"] for one in shell.result("list", *at)] == [VPC_ENDPOINT]
    assert shell.result("connection-string", "--cluster", "Cluster0", VPC_ENDPOINT)["id"] == VPC_ENDPOINT
    changed = shell.result("service", "update", service["id"], "--supported-remote-regions", "US_WEST_2,EU_WEST_1")
    assert len(changed["supported_remote_regions"]) == 2
    assert [one["id"] for one in shell.result("service", "list")] == [service["id"]]
    assert shell.result("service", "get", service["id"])["interface_endpoints"] == [VPC_ENDPOINT]

    assert shell.result("delete", VPC_ENDPOINT, *at, "--force", "--wait")["status"] == "DELETED"
    # the last endpoint takes its service along
    assert shell.result("service", "wait", service["id"], "--until", "deleted")["status"] == "DELETED"
    unused = shell.result("service", "create", "--provider", "AWS", "--region", "us-east-1")
    assert shell.result("service", "delete", unused["id"], "--force")["status"] == "DELETING"
    assert shell.result("service", "wait", unused["id"], "--until", "deleted")["status"] == "DELETED"


def test_google_cloud_takes_its_forwarding_rules(shell: Shell) -> None:
    cloud = ("--provider", "GCP")
    made = shell.result("service", "create", *cloud, "--region", "us-central1", "--port-mapping-enabled", "--wait")
    rule = ("--gcp-project-id", "orders-1234", "--endpoint", "rule-0=10.0.0.5")
    group = shell.result("create", "--service", made["id"], *cloud, "group", *rule)
    assert [(one["name"], one["ip_address"]) for one in group["endpoints"]] == [("rule-0", "10.0.0.5")]


# Output


def test_every_format_can_be_read_by_whom_it_is_for(shell: Shell) -> None:
    ids = [new_endpoint(shell.emulator, comment=comment) for comment in ("one", "two")]
    several = ("list", "--instance", INSTANCE, "-o")
    one = ("get", ids[0], "--instance", INSTANCE, "-o")

    assert [endpoint["comment"] for endpoint in json.loads(shell(*several, "json").stdout)] == ["one", "two"]
    lines = shell(*several, "jsonl").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids
    assert shell(*several, "value").stdout.split() == ids
    header, *rows = shell(*several, "table").stdout.splitlines()
    assert header.split()[:3] == ["ID", "STATUS", "COMMENT"]
    assert [row.split()[0] for row in rows] == ids
    assert {row.index("RESERV") for row in rows} == {header.index("STATUS")}

    assert json.loads(shell(*one, "json").stdout)["id"] == ids[0]
    assert json.loads(shell(*one, "jsonl").stdout)["id"] == ids[0]
    assert shell(*one, "value").stdout == f"{ids[0]}\n"
    fields = dict(line.split(maxsplit=1) for line in shell(*one, "table").stdout.splitlines())
    assert (fields["id"], fields["comment"]) == (ids[0], "one")


def test_results_are_on_stdout_and_progress_on_stderr(shell: Shell) -> None:
    done = shell("create", "--instance", INSTANCE, "--wait", "--output", "value")
    assert re.fullmatch(r"[0-9a-f]{24}\n", done.stdout)
    lines = done.stderr.splitlines()
    assert [line.rsplit(maxsplit=1)[1] for line in lines] == ["RESERVATION_REQUESTED", "RESERVED"]
    assert all(re.match(r"\[ *\d+ s\] endpoint ", line) for line in lines)
    assert "\x1b" not in done.stderr

    endpoint_id = done.stdout.strip()
    quiet = shell("wait", endpoint_id, "--instance", INSTANCE, "--until", "RESERVED", "--quiet")
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_what_the_terminal_cannot_show_is_escaped(shell: Shell) -> None:
    new_endpoint(shell.emulator, comment="caf\u00e9 \u65e5\u672c\u8a9e")
    shown = shell("list", "--instance", INSTANCE, PYTHONIOENCODING="ascii")
    assert shown.returncode == 0
    assert r"caf\xe9" in shown.stdout


def test_a_reader_that_leaves_is_no_reason_for_a_traceback(shell: Shell) -> None:
    pipeline = shlex.join([*COMMAND, "list", "--instance", INSTANCE]) + " | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipeline],
        env=shell.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""


# Exit codes


def test_2_for_what_breaks_a_rule_and_nothing_is_sent(shell: Shell) -> None:
    there = ("--instance", INSTANCE)
    wrong: dict[tuple[str, ...], str] = {
        (): "COMMAND",
        ("create",): "--instance",
        ("create", *there, "--comment", "x" * 80): "--comment must be less than 80 characters",
        ("create", *there, "--if-exists", "adopt"): '--comment must be given with --if-exists="adopt"',
        ("create", *there, VPC_ENDPOINT): "ENDPOINT is for --service",
        ("create", *there, "--project-id", "X"): "--project-id must be 24 hexadecimal digits",
        ("create", "--service", UNKNOWN): "ENDPOINT",
        ("create", "--service", UNKNOWN, VPC_ENDPOINT, "--comment", "x"): "--comment is for --instance",
        ("create", "--instance", "a b"): "--instance must be",
        ("create", "--service", UNKNOWN, VPC_ENDPOINT, "--endpoint", "x"): "--endpoint: must look like NAME=TEXT",
        ("get", "x", *there): "ENDPOINT must be 24 hexadecimal digits",
        ("get", UNKNOWN, *there, "--provider", "AWS"): "--provider is for --service",
        ("get", UNKNOWN, *there, "--request-timeout", "-1"): "--request-timeout must be seconds",
        ("get", UNKNOWN, *there, "--inst", "x"): "--inst",
        ("get", UNKNOWN, *there, "--base-url", "ftp://x"): "--base-url must",
        ("update", UNKNOWN, *there, "--comment", "x"): "--provider must be given where --cloud-provider-endpoint-id",
        ("wait", UNKNOWN, *there, "--until", "FAILED"): "--until",
        ("wait", UNKNOWN, *there, "--timeout", "0"): "--timeout must be seconds",
        ("delete", UNKNOWN, *there): "--force",
        ("service", "create", "--provider", "AWS", "--region", "a b"): "--region must be",
        ("service", "delete", UNKNOWN): "--force",
        ("service", "get", "x"): "ID must be 24 hexadecimal digits",
        ("list", *there, "-o", "yaml"): "--output",
    }
    for words, reason in wrong.items():
        assert reason in shell.fails(2, *words), words
    assert "--project-id" in shell.fails(2, "list", *there, MONGODB_ATLAS_PROJECT_ID="")
    assert shell.emulator.stats().requests == 0


def test_3_for_what_is_not_there(shell: Shell) -> None:
    assert UNKNOWN in shell.fails(3, "get", UNKNOWN, "--instance", INSTANCE)
    shell.fails(3, "delete", UNKNOWN, "--instance", INSTANCE, "--force")
    shell.fails(3, "service", "get", UNKNOWN)


def test_4_for_credentials_that_are_missing_wrong_or_not_enough(shell: Shell) -> None:
    create = ("create", "--instance", INSTANCE)
    missing = {"MONGODB_ATLAS_PUBLIC_API_KEY": "", "MONGODB_ATLAS_PRIVATE_API_KEY": ""}
    assert "no API key found" in shell.fails(4, *create, **missing)
    assert "but not MONGODB_ATLAS_PRIVATE_API_KEY" in shell.fails(4, *create, MONGODB_ATLAS_PRIVATE_API_KEY="")
    wrong = "ffffffff-89ab-cdef-0123-456789abcdef"
    assert wrong not in shell.fails(4, *create, MONGODB_ATLAS_PRIVATE_API_KEY=wrong)
    shell.emulator.add_key("readonly", wrong, role="read_only")
    reader = {"MONGODB_ATLAS_PUBLIC_API_KEY": "readonly", "MONGODB_ATLAS_PRIVATE_API_KEY": wrong}
    assert "Project Owner" in shell.fails(4, *create, **reader)
    shell.emulator.allow_address(False)
    shell.fails(4, *create)
    assert shell.emulator.endpoints() == []
    assert wrong not in shell.shown


def test_5_for_what_failed_with_its_id_and_why(shell: Shell) -> None:
    shell.emulator.fail_next_endpoint("There is no capacity.")
    said = shell.fails(5, "create", "--instance", INSTANCE, "--wait", "--quiet")
    (endpoint,) = shell.emulator.endpoints()
    assert endpoint["_id"] in said
    assert "There is no capacity." in said


def test_6_for_a_time_out_with_the_command_that_waits_on(shell: Shell) -> None:
    done = shell("create", "--instance", INSTANCE, "--comment", "late", "--wait", "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (6, "")
    (endpoint,) = shell.emulator.endpoints()
    assert f" wait {endpoint['_id']} --instance {INSTANCE} --until RESERVED" in resuming(done.stderr)
    shell.emulator.fault("delay", seconds=20, times=None)
    shell.fails(6, "list", "--instance", INSTANCE, "--request-timeout", "0.3")
    shell.emulator.heal()


def test_1_for_everything_else(shell: Shell) -> None:
    nowhere = {"MONGODB_ATLAS_BASE_URL": "http://127.0.0.1:1"}
    assert "refused" in shell.fails(1, "list", "--instance", INSTANCE, "--request-timeout", "1", **nowhere)
    shell.emulator.retire()
    shell.fails(1, "list", "--instance", INSTANCE)


def test_what_may_have_been_made_is_named(shell: Shell) -> None:
    before = new_endpoint(shell.emulator)
    shell.emulator.fault("reset_after_handler", method="POST", authenticated=True)
    done = shell("create", "--instance", INSTANCE)
    made = [one["_id"] for one in shell.emulator.endpoints() if one["_id"] != before]
    assert len(made) == 1
    assert made[0] in (done.stdout if done.returncode == 0 else done.stderr)


# Interruption


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_wait_says_how_to_go_on_and_that_does(number: signal.Signals, code: int) -> None:
    with AtlasEmulator(clock="driven") as emulator:
        shell = Shell(emulator)
        endpoint_id = new_endpoint(emulator)
        options = ("--instance", INSTANCE, "--until", "RESERVED", "--project-id", GROUP_ID, "-o", "value")
        process = shell.until("RESERVATION_REQUESTED", "wait", endpoint_id, *options)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (code, "")
        assert f"interrupted: endpoint {endpoint_id} is RESERVATION_REQUESTED" in err
        emulator.advance(100)
        resumed = run_in_shell(resuming(err), shell.environment)
        assert (resumed.returncode, resumed.stdout) == (0, f"{endpoint_id}\n")


@pytest.mark.parametrize("kind", ["endpoint", "service"])
def test_an_interrupted_creation_goes_on_as_a_wait(kind: str) -> None:
    with AtlasEmulator(clock="driven") as emulator:
        shell = Shell(emulator)
        del shell.environment["MONGODB_ATLAS_PROJECT_ID"]
        words = {
            "endpoint": ["create", "--instance", INSTANCE, "--comment", "it's mine"],
            "service": ["service", "create", "--provider", "AZURE", "--region", "eastus2"],
        }[kind]
        begins = "RESERVATION_REQUESTED" if kind == "endpoint" else "INITIATING"
        process = shell.until(begins, *words, "--wait", "--project-id", GROUP_ID, "-ovalue", "--timeout", "900")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        emulator.advance(300)
        made = emulator.stats().endpoints_made
        resumed = run_in_shell(resuming(err), shell.environment)
        assert resumed.returncode == 0, resumed.stderr
        assert resumed.stdout.strip() in err
        assert emulator.stats().endpoints_made == made == 1


def test_a_creation_that_is_interrupted_while_it_is_sent_can_be_adopted(shell: Shell) -> None:
    shell.emulator.fault("delay_after_handler", seconds=30, method="POST", authenticated=True)
    words = ["create", "--instance", INSTANCE, "--comment", "it's mine", "--if-exists", "create", "-o", "value"]
    process = subprocess.Popen(
        [*COMMAND, *words], env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not shell.emulator.endpoints():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "it is not known whether the endpoint was created" in err
    resumed = run_in_shell(resuming(err), shell.environment)
    (endpoint,) = shell.emulator.endpoints()
    assert resumed.stdout.strip() == endpoint["_id"]


# Which project, which credentials


def test_the_project_comes_from_the_same_place_as_the_credentials(shell: Shell) -> None:
    other, default = "b" * 24, "c" * 24
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "atlascli" / "config.toml"
    path.parent.mkdir(parents=True)
    keys = (
        f"public_api_key = '{shell.emulator.public_key}'\nprivate_api_key = '{shell.emulator.private_key}'\n"
        f"base_url = '{shell.emulator.base_url}'\n"
    )
    path.write_text(
        f'[default]\n{keys}project_id = "{default}"\n[ "of others" ] # theirs\n{keys}  project_id = \'{other}\'\n'
        f"[none]\n{keys}"
    )

    def asked_for(*words: str, **environment: str) -> str:
        shell.emulator.reset_stats()
        done = shell("list", "--instance", INSTANCE, *words, **environment)
        assert done.returncode == 0, done.stderr
        return shell.emulator.requests()[-1].target.split("/groups/")[1].split("/")[0]

    assert asked_for() == GROUP_ID
    assert asked_for("--projectId", UNKNOWN) == UNKNOWN
    assert asked_for("-P", "of others") == other
    assert asked_for("-P", "of others", "--project-id", UNKNOWN) == UNKNOWN
    assert asked_for("--profile", "none") == GROUP_ID
    assert asked_for(MONGODB_ATLAS_PROJECT_ID="") == default
    nothing = dict.fromkeys(shell.emulator.environment(), "")
    assert asked_for(MONGODB_ATLAS_PROJECT_ID="", **nothing) == default
    assert "none" in shell.fails(2, "list", "--instance", INSTANCE, "-P", "none", MONGODB_ATLAS_PROJECT_ID="")


def test_no_option_takes_a_secret_of_atlas(shell: Shell) -> None:
    commands = (
        ["create"],
        ["connect", "aws"],
        ["connect", "many"],
        ["disconnect", "gcp"],
        ["service", "create"],
        ["doctor"],
    )
    helps = [shell(*words, "--help").stdout for words in commands]
    for text in helps:
        assert "--project-id, --projectId ID" in text
        assert not re.search(r"--\S*(secret|private-key|token|password)", text)


def test_the_version_and_both_ways_to_call_it(shell: Shell) -> None:
    expected = f"atlas-privatelink {atlas_privatelink.__version__}\n"
    assert shell("--version").stdout == expected
    script = Path(sys.executable).with_name("atlas-privatelink")
    if not script.exists():
        pytest.skip("the package's script is not installed beside this interpreter")
    assert subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout == expected


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("create", "--help")])
def test_help_imports_nothing_that_takes_long(words: tuple[str, ...]) -> None:
    program = (
        "import sys\nfrom atlas_privatelink.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    heavy = {"asyncio", "boto3", "dataclasses", "inspect", "json", "rich", "typing", "atlas_privatelink.models"}
    assert not heavy & set(done.stderr.split())


# In this process


def test_main_leaves_the_process_as_it_was(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    from atlas_privatelink.cli import main

    with AtlasEmulator(speed=60) as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        before: Callable[..., Any] | int | None = signal.getsignal(signal.SIGTERM)
        assert main(["list", "--instance", INSTANCE, "--project-id", GROUP_ID, "-o", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == []
        assert main(["get", UNKNOWN, "--instance", INSTANCE, "--project-id", GROUP_ID]) == 3
        assert signal.getsignal(signal.SIGTERM) is before


def test_a_mistake_of_ours_is_one_line_too(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    from atlas_privatelink.cli import main

    def broken(self: Client, *_: object, **__: object) -> None:
        raise RuntimeError("this\nshould not\x1b[31m be")

    monkeypatch.setattr(Client, "list_endpoints", broken)
    with AtlasEmulator() as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        assert main(["list", "--instance", INSTANCE, "--project-id", GROUP_ID]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("atlas-privatelink: error: RuntimeError: this should not\N{REPLACEMENT CHARACTER}[31m be")
