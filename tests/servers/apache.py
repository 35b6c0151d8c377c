"""Apache's own mod_auth_digest, in its plain and in its strict kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .base import DigestServer

_MODULES = Path("/usr/lib/apache2/modules")


class ApacheServer(DigestServer):
    """Apache 2.4. Plain, it does not look at counts at all; with `nc_check` they have to rise, until 2.4.68 by one.

    `lifetime` is a nonce's in seconds; 0 makes it good for one request, and the answer names the next one.

    There is no delay here: Apache has no honest way to hold back its refusals. Use `JettyServer` for that.
    """

    def __init__(
        self,
        *,
        public_key: str = "pubkey",
        private_key: str = "private-key",
        nc_check: bool = False,
        lifetime: int = 300,
    ) -> None:
        super().__init__(public_key=public_key, private_key=private_key)
        self._nc_check = nc_check
        self._lifetime = lifetime

    @classmethod
    def available(cls) -> str | None:
        if _executable() is None or not (_MODULES / "mod_auth_digest.so").exists():
            return "Debian package apache2 is missing"
        return None

    def _command(self, port: int) -> list[str]:
        return [
            sys.executable,
            "-m",
            f"{__package__}.apache_supervisor",
            f"--executable={_executable()}",
            f"--modules={_MODULES}",
            f"--port={port}",
            f"--public-key={self.public_key}",
            f"--private-key={self.private_key}",
            f"--nc-check={'On' if self._nc_check else 'Off'}",
            f"--lifetime={self._lifetime}",
        ]

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        # The supervisor has Apache to kill and its folder to remove.
        assert process.stdin is not None
        process.stdin.close()


def _executable() -> str | None:
    # Debian keeps it where only root's path leads.
    return shutil.which("apache2", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
