"""A whole Airflow of a test's own: its database, and each of its components as a real process that can be killed.

    with PostgresServer() as database, Airflow(database.url, dags=DAGS) as airflow:
        airflow.start(*COMPONENTS)
        run = airflow.trigger("my_dag", {"a": 1})
        airflow.components["triggerer"].kill()
        airflow.start("triggerer")
        instances = run.wait()

Nothing here imports Airflow: it is started as users start it, and asked through its REST API.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

from typing_extensions import Self

Value = TypeVar("Value")

HOST = "127.0.0.1"
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# against hanging only: nothing that is waited for here takes as long on a machine that works
PATIENCE = 300.0
RUN_ENDED = frozenset({"success", "failed"})
TASK_ENDED = RUN_ENDED | {"skipped", "upstream_failed", "removed"}
UNMAPPED = -1
# Airflow names the process that runs a task's code after the task instance's id
TASK_TITLE = re.compile(r"^airflow worker -- (?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
IDLE_WORKER_TITLE = "airflow worker -- LocalExecutor: <idle>"


def airflow_version() -> tuple[int, int] | None:
    """Major and minor version of this Python's Airflow; `None` where there is none."""
    try:
        major, minor, *_ = version("apache-airflow").split(".")
    except PackageNotFoundError:
        return None
    return int(major), int(minor)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
        return port


def wait_until(
    what: str, condition: Callable[[], Value | None], *, patience: float = PATIENCE, pause: float = 1.0
) -> Value:
    """The first value of a condition that is neither `None` nor false."""
    give_up = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > give_up:
            raise TimeoutError(f"still waiting after {patience:.0f} s: {what}")
        time.sleep(pause)


# Processes


@dataclass(frozen=True)
class Process:
    """A process of this machine, as /proc shows it."""

    pid: int
    parent: int
    session: int
    title: str

    def kill(self) -> None:
        """SIGKILL; does nothing where it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def processes() -> Iterator[Process]:
    """All processes that run; not those that have ended and wait to be collected."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
            title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # the name in parentheses may have any character in it
        state, parent, _, session, *_ = stat.rpartition(")")[2].split()
        if state not in "ZX":
            yield Process(int(folder.name), int(parent), int(session), title)


@dataclass(frozen=True)
class TaskProcess:
    """A process that runs a task's code, and the one beside it that speaks with Airflow's API."""

    task_instance_id: str
    process: Process
    supervisor: Process | None

    def kill(self) -> None:
        """What the kernel does when memory runs out; the supervisor tells Airflow."""
        self.process.kill()

    def kill_supervisor(self) -> None:
        """The task's code runs on, without anybody who listens."""
        if self.supervisor is not None:
            self.supervisor.kill()

    def kill_both(self) -> None:
        """What the end of a machine does: nobody tells Airflow."""
        self.kill_supervisor()
        self.kill()


class Component:
    """A long-running process, with all that it forks. It can be started, and ended, more than once."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name, self.command = name, list(command)
        self.log = folder / f"{name}.log"
        self._environment, self._folder = dict(environment), folder
        self._process: subprocess.Popen[bytes] | None = None
        self.started_at = datetime.now(timezone.utc)

    def start(self) -> Self:
        """Start it; does not wait until it is ready."""
        assert not self.members(), f"{self.name} runs already"
        self.started_at = datetime.now(timezone.utc)
        with self.log.open("ab") as log:
            # a session of its own: whatever it forks stays in it, also once its parent has died
            self._process = subprocess.Popen(
                self.command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        """The process id of the one that was started."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the one that was started has not ended."""
        return self._process is not None and self._process.poll() is None

    def members(self) -> list[Process]:
        """It, and everything that it has started and that is still there."""
        if self._process is None:
            return []
        self._process.poll()
        running = list(processes())
        found = {one.pid: one for one in running if one.session == self._process.pid}
        while more := {one.pid: one for one in running if one.parent in found and one.pid not in found}:
            # what a task starts may have a session of its own
            found |= more
        return list(found.values())

    def kill(self) -> None:
        """SIGKILL for it and for everything that it has started."""
        while members := self.members():
            for one in members:
                one.kill()
            if self._process is not None:
                self._process.wait()
            time.sleep(0.05)
        # its number may be somebody else's soon
        self._process = None

    def stop(self, patience: float = 60.0) -> None:
        """SIGTERM, as a service manager sends it.

        Raises:
            TimeoutError: It, or something that it has started, is still there. It is killed then.
        """
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            if self.is_running:
                os.kill(self._process.pid, signal.SIGTERM)

        def ended() -> bool:
            members = self.members()
            for one in members:
                # where workers were killed, LocalExecutor may wait for ever for one that it does not tell to end: seen
                # in Airflow 3.3.2 with tasks that only sleep (apache/airflow#67870)
                if one.title == IDLE_WORKER_TITLE:
                    one.kill()
            return not members

        try:
            wait_until(f"the end of {self.name}", ended, patience=patience, pause=0.2)
        except TimeoutError as error:
            left = [f"{one.pid} {one.title}" for one in self.members()]
            self.kill()
            raise TimeoutError(f"{self.name} did not end within {patience:.0f} s: {left}") from error
        self._process = None

    def tail(self, lines: int = 40) -> str:
        """The last lines of what it has said."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


# The database


class PostgresServer:
    """A PostgreSQL server with an empty database, in a temporary folder."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._user = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self._folder, "postgres", "postgres")

    @staticmethod
    def programs() -> Path | None:
        """The folder of the newest PostgreSQL's programs; `None` where there is none."""
        folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
        return max(folders, key=lambda folder: int(folder.parent.name), default=None)

    @property
    def url(self) -> str:
        """How SQLAlchemy finds it."""
        return f"postgresql+psycopg2://airflow@{HOST}:{self.port}/postgres"

    def start(self) -> Self:
        """Make the database and serve it; returns when it is ready."""
        programs = self.programs()
        assert programs is not None, "PostgreSQL is not installed"
        data = str(self._folder / "data")
        initdb = [str(programs / "initdb"), "--username=airflow", "--auth=trust", "--no-sync", "--encoding=UTF8"]
        subprocess.run([*initdb, "--locale=C", data], check=True, capture_output=True, cwd=self._folder, **self._user)
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": 300,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(programs / "postgres"), "-D", data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,
                **self._user,
            )
        ready = [str(programs / "pg_isready"), "--quiet", f"--host={HOST}", f"--port={self.port}"]
        wait_until("PostgreSQL", lambda: subprocess.run(ready, check=False).returncode == 0, pause=0.1)
        return self

    def stop(self) -> None:
        """End it, whoever is connected, and remove its folder."""
        if self._process is not None:
            # immediate shutdown
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


# Airflow


class ApiError(Exception):
    """Airflow's API has answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class Airflow:
    """An Airflow 3 of this Python's environment, in a temporary folder.

    Args:
        database: SQLAlchemy's address of an empty database.
        dags: The folder of the DAG files.
        executor: Its name, as in Airflow's configuration.
        parallelism: How many tasks may run at the same moment.
        environment: Further variables for all components, such as `AIRFLOW__SECTION__NAME` and `AIRFLOW_CONN_…`.
    """

    def __init__(
        self,
        database: str,
        *,
        dags: Path,
        executor: str = "LocalExecutor",
        parallelism: int = 8,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="airflow-"))
        self.port = free_port()
        self.base_url = f"http://{HOST}:{self.port}"
        self.parallelism = parallelism
        self.components: dict[str, Component] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            "AIRFLOW_HOME": str(self.home),
            **self._configuration(database, dags, executor, parallelism),
            **(environment or {}),
        }
        self._opener = build_opener(ProxyHandler({}))
        self._token: str | None = None

    def _configuration(self, database: str, dags: Path, executor: str, parallelism: int) -> dict[str, str]:
        sections: dict[str, dict[str, object]] = {
            "core": {
                "executor": executor,
                "dags_folder": dags,
                "load_examples": False,
                "parallelism": parallelism,
                "max_active_tasks_per_dag": 10_000,
                # LocalExecutor takes any number of tasks, and blocks the scheduler where they do not fit into its pipe
                # (apache/airflow#71914)
                "default_pool_task_slot_count": parallelism,
                "dags_are_paused_at_creation": False,
                "fernet_key": "YWlyZmxvdyB0ZXN0cyBuZWVkIG5vIHNlY3JldCBrZXk=",
                "simple_auth_manager_all_admins": True,
                "execution_api_server_url": f"{self.base_url}/execution/",
            },
            "database": {"sql_alchemy_conn": database},
            "logging": {"base_log_folder": self.home / "logs"},
            "api": {
                "base_url": self.base_url,
                "secret_key": "a secret that all components share" * 2,
                "maximum_page_limit": 10_000,
                "expose_config": False,
            },
            "api_auth": {"jwt_secret": "another secret that all components share" * 2},
            # who dies is missed after tens of seconds instead of minutes
            "scheduler": {
                "scheduler_heartbeat_sec": 2,
                "scheduler_idle_sleep_time": 0.5,
                "orphaned_tasks_check_interval": 10,
                "task_instance_heartbeat_timeout": 20,
                "task_instance_heartbeat_timeout_detection_interval": 3,
                "trigger_timeout_check_interval": 5,
                # what a killed worker of LocalExecutor had taken is queued for ever otherwise
                "task_queued_timeout": 45,
                "task_queued_timeout_check_interval": 5,
                "max_tis_per_query": 64,
            },
            "workers": {"min_heartbeat_interval": 3},
            "triggerer": {"job_heartbeat_sec": 2, "triggerer_health_check_threshold": 10},
            # DAG files do not change here; reading them again would only cost time
            "dag_processor": {"refresh_interval": 600, "min_file_process_interval": 600, "parsing_processes": 1},
        }
        return {
            f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
            for section, options in sections.items()
            for name, value in options.items()
        }

    # Life

    def __enter__(self) -> Self:
        try:
            self.command("db", "migrate")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            print(self.report())
        self.close()

    def close(self) -> None:
        """End everything at once, and remove the folder."""
        for component in self.components.values():
            component.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def command(self, *arguments: str) -> str:
        """Run `airflow` with these arguments to its end; what it has printed."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"airflow {' '.join(arguments)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def component(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None, program: Sequence[str] = ()
    ) -> Component:
        """One more component, not started: `airflow` with these arguments, or another program."""
        command = program or [sys.executable, "-m", "airflow", *(arguments or self._arguments(name))]
        self.components[name] = Component(name, command, {**self.environment, **(environment or {})}, self.home)
        return self.components[name]

    def _arguments(self, name: str) -> list[str]:
        own: dict[str, list[str]] = {
            "api-server": ["--host", HOST, "--port", str(self.port), "--workers", "1"],
            # logs are in a folder that all share
            "scheduler": ["--skip-serve-logs"],
            "triggerer": ["--skip-serve-logs"],
        }
        return [name, *own.get(name, [])]

    def start(self, *names: str) -> None:
        """Start components, and wait until those that are Airflow's own are healthy."""
        for name in names:
            (self.components.get(name) or self.component(name)).start()
        wait_until(f"the health of {', '.join(names)}", lambda: self.healthy(*names), pause=0.5)

    def healthy(self, *names: str) -> bool:
        """Whether Airflow itself says that these components are alive."""
        for name in names:
            assert self.components[name].is_running, f"{name} has ended\n{self.components[name].tail()}"
        if not set(names) & set(COMPONENTS):
            return True
        try:
            health = self.api("GET", "/monitor/health")
        except (URLError, ConnectionError, TimeoutError):
            return False
        for name in names:
            known = name.replace("-", "_")
            # the API server has no entry: it has answered
            if known in health:
                beat = health[known][f"latest_{known}_heartbeat"]
                # a beat of the one before is no life sign of this one
                if beat is None or datetime.fromisoformat(beat) < self.components[name].started_at:
                    return False
        return True

    def stop(self, patience: float = 60.0) -> None:
        """Ask all components to end, the API server last, and see that nothing of them is left."""
        for name in sorted(self.components, key=lambda name: name == "api-server"):
            self.components[name].stop(patience)

    def report(self, lines: int = 100) -> str:
        """The end of each component's log, for a test that has failed."""
        return "\n".join(f"===== {name}\n{one.tail(lines)}" for name, one in self.components.items())

    # Its API

    def api(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """One call of the REST API, as an administrator.

        Raises:
            ApiError: The answer is an error.
        """
        # anybody gets a token of an administrator here
        self._token = self._token or self._call("GET", "/auth/token", None, {})["access_token"]
        question = f"?{urlencode(query, doseq=True)}" if query else ""
        return self._call(method, f"/api/v2{path}{question}", body, {"Authorization": f"Bearer {self._token}"})

    def _call(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.base_url + path, data=data, headers=sent, method=method)
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            with error:
                raise ApiError(error.code, f"{method} {path}: {error.read().decode(errors='replace')}") from None

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until a DAG file has been read."""

        def known() -> bool:
            errors = self.api("GET", "/importErrors")["import_errors"]
            assert not errors, "\n".join(f"{one['filename']}: {one['stack_trace']}" for one in errors)
            try:
                self.api("GET", f"/dags/{dag_id}")
            except ApiError as error:
                if error.status == 404:
                    return False
                raise
            return True

        wait_until(f"DAG {dag_id}", known)

    def trigger(self, dag_id: str, conf: Mapping[str, object] | None = None) -> Run:
        """Start a run of a DAG, as soon as its file has been read."""
        self.wait_for_dag(dag_id)
        body = {"logical_date": None, "conf": dict(conf or {})}
        return Run(self, dag_id, self.api("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    # What runs on its workers

    def task_processes(self) -> dict[str, TaskProcess]:
        """The processes that run tasks' code, by the id of the task instance."""
        sessions = {component.pid for component in self.components.values() if component.is_running}
        ours = {one.pid: one for one in processes() if one.session in sessions}
        return {
            found["id"]: TaskProcess(found["id"], one, ours.get(one.parent))
            for one in ours.values()
            if (found := TASK_TITLE.match(one.title))
        }


@dataclass(frozen=True)
class TaskInstance:
    """A task instance, as Airflow's API shows it."""

    id: str
    task_id: str
    map_index: int
    state: str | None
    try_number: int
    trigger_id: int | None
    """The trigger that a deferred one waits for."""

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the others of the same run, also after it has been cleared."""
        return self.task_id, self.map_index

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.task_id if self.map_index == UNMAPPED else f"{self.task_id}[{self.map_index}]"


class Run:
    """One run of a DAG."""

    def __init__(self, airflow: Airflow, dag_id: str, run_id: str) -> None:
        self.airflow, self.dag_id, self.run_id = airflow, dag_id, run_id
        self._path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"

    def state(self) -> str:
        """Its state."""
        state: str = self.airflow.api("GET", self._path)["state"]
        return state

    def task_instances(self, *, task_id: str | None = None, state: str | None = None) -> list[TaskInstance]:
        """Its task instances, those of mapped tasks one by one; all, or those of one task or in one state."""
        answer = self.airflow.api("GET", f"{self._path}/taskInstances", limit=10_000)
        instances = [
            TaskInstance(
                one["id"],
                one["task_id"],
                one["map_index"],
                one["state"],
                one["try_number"],
                (one["trigger"] or {}).get("id"),
            )
            for one in answer["task_instances"]
            if task_id in (None, one["task_id"]) and state in (None, one["state"])
        ]
        return sorted(instances, key=lambda one: one.key)

    def wait(self, *, patience: float = PATIENCE) -> list[TaskInstance]:
        """Wait until it has ended, however; its task instances."""
        what = f"the end of {self.dag_id}"
        try:
            wait_until(what, lambda: self.state() in RUN_ENDED, patience=patience, pause=2)
        except TimeoutError as error:
            states = [f"{one.label}: {one.state}" for one in self.task_instances() if one.state not in TASK_ENDED]
            raise TimeoutError(f"{error}; {', '.join(states)}") from None
        return self.task_instances()

    def mark(self, instance: TaskInstance, state: str) -> None:
        """Mark a task instance as `failed` or `success` by hand, as the web page does."""
        self.airflow.api("PATCH", self._of(instance, own_path=True), {"new_state": state})

    def clear(self, *instances: TaskInstance, only_failed: bool = True) -> None:
        """Let task instances begin again, and the run go on, as the web page does."""
        chosen = [one.task_id if one.map_index == UNMAPPED else [one.task_id, one.map_index] for one in instances]
        body = {"dry_run": False, "dag_run_id": self.run_id, "task_ids": chosen, "only_failed": only_failed}
        self.airflow.api("POST", f"/dags/{self.dag_id}/clearTaskInstances", body)

    def xcom(self, instance: TaskInstance, key: str = "return_value") -> Any:
        """What a task has left under a key; `None` where there is nothing."""
        path = f"{self._of(instance)}/xcomEntries/{quote(key)}"
        try:
            return self.airflow.api("GET", path, map_index=instance.map_index, deserialize="false")["value"]
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def xcom_times(self) -> dict[tuple[str, int], dict[str, datetime]]:
        """Under which keys each of its task instances has left something, and when."""
        entries = self.airflow.api("GET", f"{self._path}/taskInstances/~/xcomEntries", limit=10_000)["xcom_entries"]
        times: dict[tuple[str, int], dict[str, datetime]] = {}
        for one in entries:
            of_task = times.setdefault((one["task_id"], one["map_index"]), {})
            of_task[one["key"]] = datetime.fromisoformat(one["timestamp"])
        return times

    def log(self, instance: TaskInstance) -> str:
        """All that a task has logged in all its tries, on workers and in the triggerer, as the web page shows it."""
        lines: list[str] = []
        for number in range(1, instance.try_number + 1):
            path = f"{self._of(instance)}/logs/{number}"
            answer = self.airflow.api("GET", path, map_index=instance.map_index, full_content="true")
            lines += [one if isinstance(one, str) else json.dumps(one) for one in answer["content"]]
        return "\n".join(lines)

    def _of(self, instance: TaskInstance, *, own_path: bool = False) -> str:
        path = f"{self._path}/taskInstances/{instance.task_id}"
        return path if instance.map_index == UNMAPPED or not own_path else f"{path}/{instance.map_index}"
