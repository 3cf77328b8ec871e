"""A deployment: the folder that goes live, and where things stand in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from ..contract import Fault, Found, NotProven, show
from .core import CoreConfig
from .guardrail_log import GuardrailLog
from .runtime import RuntimeConfig
from .source import read_bytes

if TYPE_CHECKING:
    from .secrets import SecretStore
    from .variables import Variables

_Part = TypeVar("_Part", bound="RuntimeConfig | CoreConfig | Variables")

RUNTIME = "config/runtime.yaml"
"""The first file that is read; it names the others."""

LICENSE = "var/licenses/active/license.json"
FINGERPRINT = "var/licenses/active/fingerprint.json"
REVOCATIONS = "var/licenses/active/revocations.json"
LOG_DIRECTORY = "logs/guardrails"
SECRETS = "secrets"


class Deployment:
    """The folder that holds `config/ .env var/ logs/ runtime/`.

    Files are read when they are asked for, once; a fault of a file is raised to each who reads it. Make a new
    `Deployment` to read them again.

    Args:
        root: the folder.
        runtime_path: runtime.yaml, if it is not `config/runtime.yaml` below the root.
        process: the variables of the process that its bot runs in, which win over `.env`; by default none.
    """

    def __init__(
        self, root: Path, runtime_path: Path | None = None, process: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.root = Path(os.path.abspath(root))  # not resolved: messages name the path that the user knows
        self.runtime_path = Path(os.path.abspath(runtime_path)) if runtime_path else self.root / RUNTIME
        self._runtime: RuntimeConfig | Fault | NotProven | None = None
        self._core: CoreConfig | Fault | NotProven | None = None
        self._process = process
        self._variables: Variables | Fault | NotProven | None = None

    def __repr__(self) -> str:
        return f"Deployment({self.root})"

    def shown(self, path: Path) -> str:
        """A path as messages write it: relative to the root where it lies below it, with slashes."""
        try:
            return Path(os.path.abspath(self.root / path)).relative_to(self.root).as_posix()
        except ValueError:
            return str(path)

    @property
    def runtime(self) -> RuntimeConfig:
        """runtime.yaml.

        Raises:
            NotProven: it is missing, unreadable or empty.
            Fault: it is no YAML, no mapping, or holds duplicate keys.
        """
        if self._runtime is None:
            try:
                self._runtime = RuntimeConfig.load(self.runtime_path, self.shown(self.runtime_path))
            except (Fault, NotProven) as error:
                self._runtime = error
        return _given(self._runtime)

    @property
    def core_path(self) -> Path:
        """core.yaml: runtime.yaml's `core.path`, relative to its folder; errors as with that key."""
        return Path(os.path.abspath(self.runtime_path.parent / self.runtime.core_path.value))

    @property
    def core(self) -> CoreConfig:
        """core.yaml; errors as with `runtime`, and with its key `core.path`."""
        if self._core is None:
            try:
                self._core = CoreConfig.load(self._named_core(), self.shown(self.core_path))
            except (Fault, NotProven) as error:
                self._core = error
        return _given(self._core)

    def _named_core(self) -> Path:
        """core.yaml, which is there; a file that is not is told where it is named."""
        path, name = self.core_path, self.runtime.core_path
        if not os.path.lexists(path):
            shown = self.shown(path)
            missing = NotProven(
                f"{name.where}: {show(name.value)} names no file: there is no {shown}. "
                f"Next: correct the name, or create {shown}."
            )
            missing.unread = shown
            raise missing
        return path

    @property
    def config_sha256(self) -> str:
        """SHA-256 (hex) over the bytes that runtime.yaml and then core.yaml have now.

        Raises:
            NotProven: one of them is missing or unreadable.
            Fault: runtime.yaml is broken, so that core.yaml is not known; or a file is no longer the one that was read.
        """
        paths = (self.runtime_path, self._named_core())
        digest = hashlib.sha256()
        for path, read in zip(paths, (self._runtime, self._core), strict=True):
            data = read_bytes(path, self.shown(path))
            known = None if read is None or isinstance(read, (Fault, NotProven)) else read.document.sha256
            if known not in {None, hashlib.sha256(data).hexdigest()}:
                raise Fault(
                    f"{self.shown(path)}: expected the file that was judged, found that it has changed since. "
                    "Next: leave it alone until the verdict is there, and run everything again."
                )
            digest.update(data)
        return digest.hexdigest()

    @property
    def license_path(self) -> Path:
        """The licence: as runtime.yaml says, else `LICENSE`."""
        return self._path(LICENSE, "licensing", "license", "license_path")

    @property
    def fingerprint_path(self) -> Path:
        """The fingerprint of the bot's machine: as runtime.yaml says, else `FINGERPRINT`."""
        return self._path(FINGERPRINT, "licensing", "license", "fingerprint_path")

    @property
    def revocations_path(self) -> Path:
        """The list of revoked licences: as runtime.yaml says, else `REVOCATIONS`."""
        return self._path(REVOCATIONS, "licensing", "license", "revocation_list_path")

    @property
    def guardrail_directory(self) -> Path:
        """The folder of guardrail logs: runtime.yaml's `io_queue.log_directory`, else `LOG_DIRECTORY`."""
        return self._path(LOG_DIRECTORY, "io_queue", "log_directory")

    @property
    def guardrail_log(self) -> GuardrailLog:
        """The guardrail logs."""
        return GuardrailLog(self.guardrail_directory, self.shown(self.guardrail_directory))

    @property
    def secrets_path(self) -> Path:
        """The secret store's folder: runtime.yaml's `secret_store.path`, else `SECRETS`."""
        return self._path(SECRETS, "secret_store", "path")

    @property
    def secrets(self) -> SecretStore:
        """The secret store that runtime.yaml's `secret_store.kind` names; by default the folder.

        Raises:
            NotProven: runtime.yaml or what the store needs is absent.
            Fault: the kind is unknown, or runtime.yaml or a variable is broken.
        """
        # pydantic is heavy: only who needs a secret pays.
        from .secret_stores import chosen_store  # noqa: PLC0415
        from .secrets import DirectorySecretStore  # noqa: PLC0415

        directory = DirectorySecretStore(self.secrets_path, self.shown(self.secrets_path))
        return chosen_store(self.runtime, directory, lambda: self.variables)

    @property
    def variables(self) -> Variables:
        """What `.env` and, above it, the process set; errors as with `Variables.read`."""
        if self._variables is None:
            from .variables import Variables  # noqa: PLC0415 - as above

            try:
                self._variables = Variables.read(self.env_path, self._process, self.shown(self.env_path))
            except (Fault, NotProven) as error:
                self._variables = error
        return _given(self._variables)

    @property
    def env_path(self) -> Path:
        """The file `.env`."""
        return self.root / ".env"

    @property
    def runtime_directory(self) -> Path:
        """The folder that the bot writes its metrics and events to."""
        return self.root / "runtime"

    @property
    def reports_directory(self) -> Path:
        """The folder that the bot writes its reports to."""
        return self.root / "reports"

    def _path(self, default: str, *key: str) -> Path:
        """A path that runtime.yaml may name; the default is the name that the file format documents."""
        found: Found | None = self.runtime.text(*key) if self.runtime.given(*key) else None
        return Path(os.path.abspath(self.root / (default if found is None else found.value)))


def _given(kept: _Part | Fault | NotProven) -> _Part:
    if isinstance(kept, (Fault, NotProven)):
        again = type(kept)(*kept.args)  # a new one each time: a raised exception gathers the traces of all its readers
        again.unread = kept.unread
        raise again
    return kept
