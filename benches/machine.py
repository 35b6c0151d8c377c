"""What the numbers are true of: versions, the machine, the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import atlas_privatelink

PEERS = [
    "aiohttp",
    "yarl",
    "multidict",
    "httpx",
    "httpcore",
    "h11",
    "anyio",
    "sniffio",
    "requests",
    "urllib3",
    "pycurl",
]
_ROOT = Path(__file__).resolve().parent.parent
_JETTY = Path("/usr/share/java/jetty9-server.jar")


def facts() -> dict[str, str]:
    """All of it, by name."""
    dirty = " with changes" if _output("git", "status", "--porcelain", "--untracked-files=no") else ""
    return {
        "commit": (_output("git", "rev-parse", "HEAD") or "unknown") + dirty,
        "atlas-privatelink": f"{_version('atlas-privatelink')} in {_folder()}",
        **{peer: _version(peer) for peer in PEERS},
        "libcurl": _libcurl(),
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "Rust": _output("rustc", "--version"),
        "Java": _output("java", "--version").partition("\n")[0],
        "Jetty": _jetty(),
        "OS": f"{_distribution()}, {platform.system()} {platform.release()} {platform.machine()}",
        "CPU": f"{_cpu_model()}, {os.cpu_count()} visible",
        "load before": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _folder() -> str:
    """Where it is imported from. What `maturin develop` left in the source tree may be a debug build."""
    folder = Path(atlas_privatelink.__file__).resolve().parent
    return f"{folder} (perhaps no release build)" if folder == _ROOT / "python" / folder.name else str(folder)


def _libcurl() -> str:
    try:
        import pycurl
    except ImportError:
        return "not installed"
    return str(pycurl.version)


def _jetty() -> str:
    """Debian's link, which bears the version, points to the file that does not."""
    if not _JETTY.exists():
        return "not installed"
    links = [link.stem for link in _JETTY.parent.glob("jetty9-server-*.jar") if link.resolve() == _JETTY.resolve()]
    return links[0].removeprefix("jetty9-server-") if links else "of unknown version"


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
