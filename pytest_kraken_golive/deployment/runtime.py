"""`config/runtime.yaml` as nouns: `runtime.entrypoint("kraken_desktop_paper").environment`.

Each property gives a `Found`, raises `NotProven` where the key is absent and `Fault` where its type is wrong. Sections
are read when they are asked for: a fault in one fails only who reads it. Keys that are not named here are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract import Fault, Found, NotProven, Where
from .documents import Document, load_yaml
from .io_queue import SECONDS, WHOLE_LIMITS, IOQueue, global_limit
from .kinds import unlike
from .naming import Name
from .profiles import METRICS, THRESHOLDS, Entrypoint, PaperProfile, TradingProfile
from .section import Section, not_below

if TYPE_CHECKING:
    from .core import CoreConfig

__all__ = [
    "METRICS",
    "RESERVED_ENTRYPOINT",
    "THRESHOLDS",
    "Entrypoint",
    "IOQueue",
    "Licensing",
    "PaperProfile",
    "Prometheus",
    "RuntimeConfig",
    "TradingProfile",
]

RESERVED_ENTRYPOINT = "summary"
"""The report keeps its summary under this name, so no entrypoint may have it."""

_HIGHEST_PORT = 65535


class Licensing(Section):
    """`licensing` and, below it, `licensing.license`."""

    @property
    def enforcement(self) -> Found:
        """Whether a valid licence is demanded."""
        return self.flag("enforcement")

    @property
    def grace_period_hours(self) -> Found:
        """How long a running bot may go on after its licence has expired."""
        return self.at_least(0, "grace_period_hours")

    @property
    def license_path(self) -> Found:
        """The licence, relative to the deployment's root."""
        return self.text("license", "license_path")

    @property
    def fingerprint_path(self) -> Found:
        """The fingerprint of the bot's machine, relative to the deployment's root."""
        return self.text("license", "fingerprint_path")

    @property
    def revocation_list_path(self) -> Found:
        """The list of revoked licences, relative to the deployment's root."""
        return self.text("license", "revocation_list_path")

    @property
    def revocation_required(self) -> Found:
        """Whether a list of revoked licences is demanded."""
        return self.flag("license", "revocation_required")

    @property
    def allowed_profiles(self) -> Found:
        """Profiles that a licence may be for."""
        return self.names("license", "allowed_profiles")

    @property
    def allowed_issuers(self) -> Found:
        """Who may issue a licence."""
        return self.names("license", "allowed_issuers")

    @property
    def max_validity_days(self) -> Found:
        """The longest time from issue to expiry, in days."""
        return self.at_least(0, "license", "max_validity_days")

    @property
    def required_schema(self) -> Found:
        """The schema that a licence must name."""
        return self.text("license", "required_schema")

    @property
    def allowed_schema_versions(self) -> Found:
        """The versions of the schema that are accepted."""
        return self.names("license", "allowed_schema_versions")


class Prometheus(Section):
    """`observability.prometheus`: where the bot serves its metrics."""

    @property
    def enabled(self) -> Found:
        """Whether it does."""
        return self.flag("enabled")

    @property
    def host(self) -> Found:
        """The address that it listens on."""
        return self.text("host")

    @property
    def port(self) -> Found:
        """The port, 0 to 65535; 0 takes a free one."""
        found = not_below(self.whole("port"), 0)
        if found.value > _HIGHEST_PORT:
            raise unlike(found, f"a port up to {_HIGHEST_PORT}", "write the port's number, or 0 for a free one")
        return found

    @property
    def path(self) -> Found:
        """The path of the URL, with its leading slash."""
        found = self.text("path")
        if not found.value.startswith("/"):
            raise unlike(found, "a path that begins with a slash", f"write /{found.value}")
        return found


class RuntimeConfig(Section):
    """`config/runtime.yaml`."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)

    @classmethod
    def load(cls, path: Path, shown: str) -> RuntimeConfig:
        """Read the file; `shown` is how messages call it. Errors as with `load_yaml`."""
        return cls(load_yaml(path, shown))

    @property
    def document(self) -> Document:
        """The whole file."""
        return self._document

    @property
    def core_path(self) -> Found:
        """core.yaml, relative to this file's folder."""
        return self.text("core", "path")

    @property
    def default_entrypoint(self) -> Found:
        """What starts when nobody names an entrypoint."""
        return self.text("trading", "default_entrypoint")

    @property
    def entrypoint_names(self) -> Found:
        """All entrypoints, as a list of names in the file's order.

        Raises:
            NotProven: there is no `trading.entrypoints`.
            Fault: it is no mapping, or an entrypoint has the reserved name `summary`.
        """
        found = self.keys("trading", "entrypoints")
        if RESERVED_ENTRYPOINT in found.value:
            self._refuse_reserved()
        return found

    def entrypoint(self, name: Name) -> Entrypoint:
        """One entrypoint.

        Raises:
            NotProven: there is none of this name.
            Fault: the name is `summary`, or the entry is no mapping; or a file gives the name, and there is none.
        """
        if RESERVED_ENTRYPOINT in (name, getattr(name, "value", None)):
            self._refuse_reserved()
        return Entrypoint.named(self._document, name, "trading", "entrypoints")

    def paper_entrypoints(self, core: CoreConfig) -> Found:
        """The names of all entrypoints whose environment is a paper one in core.yaml, in the file's order.

        Raises:
            NotProven: an entrypoint has no environment, or core.yaml does not know it: who is meant is not known then.
            Fault: as with the properties that are read.
        """
        names = self.entrypoint_names
        paper = [
            name for name in names.value if core.environment(self.entrypoint(name).environment).kind.value == "paper"
        ]
        return Found(paper, names.where)

    def paper_profile(self, name: str) -> PaperProfile:
        """One paper profile; `NotProven` if there is none of this name."""
        return PaperProfile(self._document, "execution", "paper_profiles", name).required()

    @property
    def paper_profile_names(self) -> Found:
        """All paper profiles, as a list of names."""
        return self.keys("execution", "paper_profiles")

    def paper_profile_for(self, entrypoint: str) -> PaperProfile:
        """The paper profile whose `entrypoint` names this one.

        Raises:
            NotProven: none does.
            Fault: several do; or none does, and one that might cannot be read.
        """
        names = self.paper_profile_names
        matching: list[PaperProfile] = []
        unread: Fault | NotProven | None = None
        for name in names.value:
            try:
                profile = self.paper_profile(name)
                if profile.entrypoint.value == entrypoint:
                    matching.append(profile)
                else:
                    self.entrypoint(profile.entrypoint)
            except (Fault, NotProven) as error:
                unread = unread or error
        if len(matching) > 1:
            places = " and ".join(str(profile.entrypoint.where) for profile in matching)
            raise Fault(
                f"{matching[1].entrypoint.where}: expected one paper profile for the entrypoint {entrypoint}, "
                f"found {len(matching)}: {places}. Next: keep one."
            )
        if matching:
            return matching[0]
        if unread is not None:
            raise unread
        raise NotProven(
            f"{names.where}: expected a paper profile whose entrypoint is {entrypoint}, found none in "
            f"{', '.join(names.value) or 'an empty section'}. Next: add one, or correct its entrypoint."
        )

    def trading_profile(self, name: str) -> TradingProfile:
        """One trading profile; `NotProven` if there is none of this name."""
        return TradingProfile(self._document, "execution", "trading_profiles", name).required()

    @property
    def trading_profile_names(self) -> Found:
        """All trading profiles, as a list of names."""
        return self.keys("execution", "trading_profiles")

    @property
    def default_mode(self) -> Found:
        """The mode that the bot runs in when nobody names one."""
        return self.text("execution", "default_mode")

    @property
    def force_paper_when_offline(self) -> Found:
        """Whether a bot without network falls back to paper trading."""
        return self.flag("execution", "force_paper_when_offline")

    @property
    def live_enabled(self) -> Found:
        """Whether real orders are switched on."""
        return self.flag("execution", "live", "enabled")

    def modes(self) -> list[Found]:
        """What is said of how the bot trades, as far as it is: by default, without network, with real orders.

        Raises:
            Fault: one has a wrong type (`"false"` in quotes is true to most programs), or its key is misspelt.
        """
        readers: dict[tuple[str, ...], Callable[[], Found]] = {
            ("trading", "default_entrypoint"): lambda: self._of_an_entrypoint(self.default_entrypoint),
            ("execution", "default_mode"): lambda: self.default_mode,
            ("execution", "force_paper_when_offline"): lambda: self.force_paper_when_offline,
            ("execution", "live", "enabled"): lambda: self.live_enabled,
        }
        return [read() for key, read in readers.items() if self.given(*key)]

    def _of_an_entrypoint(self, name: Found) -> Found:
        self.entrypoint(name)
        return name

    def io_queue(self, name: Name) -> IOQueue:
        """The queue of an exchange; `NotProven` if there is none of this name, `Fault` if a file gives the name."""
        return IOQueue.named(self._document, name, "io_queue", "exchanges")

    @property
    def global_limits(self) -> list[Found]:
        """The limits that `io_queue` has for queues without their own; those that are there have the right type."""
        section = Section(self._document, "io_queue").required()
        return [global_limit(section, key) for key in (*WHOLE_LIMITS, *SECONDS) if section.given(key)]

    @property
    def io_queue_names(self) -> Found:
        """All queues, as a list of names."""
        return self.keys("io_queue", "exchanges")

    @property
    def log_directory(self) -> Found:
        """Where guardrail logs are written, relative to the deployment's root."""
        return self.text("io_queue", "log_directory")

    @property
    def licensing(self) -> Licensing:
        """What is demanded of a licence."""
        return Licensing(self._document, "licensing").required()

    @property
    def prometheus(self) -> Prometheus:
        """Where the bot serves its metrics."""
        return Prometheus(self._document, "observability", "prometheus").required()

    @property
    def risk(self) -> Section:
        """The section `risk`."""
        return Section(self._document, "risk").required()

    @property
    def secret_store_path(self) -> Found:
        """The folder of the secret store, relative to the deployment's root."""
        return self.text("secret_store", "path")

    def _refuse_reserved(self) -> None:
        where = Where(self._document.shown, key=f"trading.entrypoints.{RESERVED_ENTRYPOINT}")
        if self.has("trading", "entrypoints", RESERVED_ENTRYPOINT):
            where = self.at("trading", "entrypoints", RESERVED_ENTRYPOINT).where
        raise Fault(
            f"{where}: expected another name for an entrypoint, found {RESERVED_ENTRYPOINT}, which the report needs "
            "for its own summary. Next: rename the entrypoint."
        )
