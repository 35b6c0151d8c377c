"""Jetty's own DigestAuthenticator: a nonce lives for a time and a number of counts, and takes them in any order."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from .base import DigestServer, ServerError

_SOURCE = Path(__file__).with_name("JettyDigest.java")
_CACHE = Path(__file__).parent.parent / ".cache"
_JARS = Path("/usr/share/java")
_CLASSPATH = [
    _JARS / "jetty9-http.jar",
    _JARS / "jetty9-io.jar",
    _JARS / "jetty9-security.jar",
    _JARS / "jetty9-server.jar",
    _JARS / "jetty9-util.jar",
    _JARS / "jetty9-util-ajax.jar",
    _JARS / "servlet-api.jar",
]


class JettyServer(DigestServer):
    """Jetty 9.4. Counts may arrive in any order, but each only once; an old or unknown nonce is answered stale."""

    def __init__(
        self,
        *,
        public_key: str = "pubkey",
        private_key: str = "private-key",
        max_nonce_age_ms: int = 60_000,
        max_nonce_count: int = 1024,
        delay_ms: int = 0,
    ) -> None:
        super().__init__(public_key=public_key, private_key=private_key)
        self._max_nonce_age_ms = max_nonce_age_ms
        self._max_nonce_count = max_nonce_count
        self._delay_ms = delay_ms

    @classmethod
    def available(cls) -> str | None:
        if shutil.which("javac") is None or shutil.which("java") is None:
            return "Debian package default-jdk-headless is missing"
        if not all(jar.exists() for jar in _CLASSPATH):
            return "Debian package libjetty9-java is missing"
        return None

    def set_delay_ms(self, delay_ms: int) -> None:
        """Hold every request, also one that will be refused, for so long before it reaches the authenticator.

        At least 128 of them are held side by side. The delay outlasts `reset` and `restart`.
        """
        self._delay_ms = delay_ms
        self._control("POST", f"/delay?ms={delay_ms}")

    def forget_nonces(self) -> None:
        """Put a fresh authenticator in front: every nonce given so far is unknown. Connections stay open."""
        self._control("POST", "/forget-nonces")

    def _command(self, port: int) -> list[str]:
        classpath = [*map(str, _CLASSPATH), str(_compiled())]
        return [
            "java",
            "-Xshare:auto",
            "-Xmx256m",
            "-Dorg.eclipse.jetty.LEVEL=WARN",
            "-Dorg.eclipse.jetty.util.log.announce=false",
            "-cp",
            ":".join(classpath),
            "JettyDigest",
            str(port),
            self.public_key,
            self.private_key,
            str(self._max_nonce_age_ms),
            str(self._max_nonce_count),
            str(self._delay_ms),
        ]

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        # By its standard input the JVM would end as well, but takes its time over it.
        process.kill()


def _compiled() -> Path:
    """The folder of the compiled server, one for each version of its source."""
    classes = _CACHE / f"jetty-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]}"
    if classes.exists():
        return classes
    _CACHE.mkdir(exist_ok=True)
    (_CACHE / ".gitignore").write_text("*\n")
    with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
        # An old release keeps the classes good for whichever `java` comes first on the path.
        command = ["javac", "--release", "11", "-cp", ":".join(map(str, _CLASSPATH)), "-d", scratch, str(_SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            message = f"JettyDigest.java does not compile: {done.stderr}"
            raise ServerError(message)
        finished = Path(scratch) / "finished"
        finished.mkdir()
        for compiled in Path(scratch).glob("*.class"):
            compiled.rename(finished / compiled.name)
        try:
            # In one step, as another test run may be compiling at the same time.
            finished.rename(classes)
        except OSError:
            if not classes.exists():
                raise
    return classes
