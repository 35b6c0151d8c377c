"""The client that a command uses, and the project that it is about."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from .. import Client
from ..errors import ConfigurationError, ValidationError
from .failures import CredentialsError, UsageError, in_terms_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

__all__ = ["configuration_file", "open_client", "project_of"]

PROJECT_VARIABLE = "MONGODB_ATLAS_PROJECT_ID"

_FILE = Path("atlascli", "config.toml")


def open_client(options: argparse.Namespace) -> Client:
    """A client with the credentials and the host that the options name, or that are found without.

    Raises:
        CredentialsError: There are none. UsageError: An option breaks a rule.
    """
    try:
        client = Client(profile=options.profile, base_url=options.base_url)
        if options.request_timeout is not None:
            client = client.with_options(timeout=options.request_timeout)
    except ValidationError as error:
        raise UsageError(in_terms_of(options.parser, error, {"timeout": "request_timeout"})) from error
    except ConfigurationError as error:
        raise CredentialsError(str(error)) from error
    return client


def project_of(options: argparse.Namespace) -> str:
    """The project's id: the option's, that of a profile asked for by name, the environment's, the default profile's.

    The same order as for credentials, so that both are of one place.

    Raises:
        UsageError: There is none.
    """
    named: str | None = options.profile
    found = (
        options.group_id
        or (named and _project_of_profile(named))
        or os.environ.get(PROJECT_VARIABLE)
        or (None if named else _project_of_profile("default"))
    )
    if not found:
        raise UsageError(
            f"no Atlas project: pass --project-id, set {PROJECT_VARIABLE}, or add project_id to the profile "
            f"{named or 'default'!r} of {configuration_file()}"
        )
    return str(found)


def configuration_file() -> Path:
    """The Atlas CLI's configuration file on this system."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", "")) / _FILE
    if given := os.environ.get("XDG_CONFIG_HOME"):
        return Path(given) / _FILE
    return Path.home() / ("Library/Application Support" if sys.platform == "darwin" else ".config") / _FILE


def _project_of_profile(name: str) -> str | None:
    try:
        lines = configuration_file().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    # Python 3.10 has no TOML parser, and ids need none: they are hexadecimal digits
    table = None
    for line in lines:
        if header := re.fullmatch(r"\s*\[\s*([\"']?)(.*?)\1\s*\]\s*(#.*)?", line):
            table = header[2]
        elif table == name and (
            value := re.fullmatch(r"\s*([\"']?)project_id\1\s*=\s*([\"'])([^\"']+)\2\s*(#.*)?", line)
        ):
            return value[3]
    return None
