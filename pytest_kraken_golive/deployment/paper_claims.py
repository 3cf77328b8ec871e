"""Who claims to trade on paper: a paper run starts and sums up all of them, not only the one that goes live.

An entrypoint is on paper if its environment is; it claims to be if a paper profile names it, or if it is tagged so.
What claims it and is not is a contradiction: a person who reads the other copy takes real orders for play.
"""

from __future__ import annotations

from ..contract import Fault, Found
from .core import CoreConfig, Environment
from .runtime import RuntimeConfig
from .section import Section

PAPER, LIVE = "paper", "live"


def paper_claims(runtime: RuntimeConfig, core: CoreConfig) -> list[str]:
    """Names of the entrypoints that are on paper or claim to be, in the file's order.

    Raises:
        NotProven: an entrypoint has no environment, or core.yaml does not know it: who is meant is not known then.
        Fault: as with the properties that are read.
    """
    names = runtime.entrypoint_names.value
    return [name for name in names if _claim(runtime, name) or _environment(runtime, core, name).kind.value == PAPER]


def require_paper(runtime: RuntimeConfig, core: CoreConfig, entrypoint: str) -> Environment:
    """The paper environment of an entrypoint that claims to be on paper.

    Raises:
        NotProven: it has no environment, or core.yaml does not know it.
        Fault: the environment is another one, or the entrypoint is tagged as live.
    """
    environment, claim = _environment(runtime, core, entrypoint), _claim(runtime, entrypoint)
    kind = environment.kind
    if kind.value != PAPER:
        named = runtime.entrypoint(entrypoint).environment
        says = "" if claim is None else f", although {claim.where} says that it is on paper"
        raise Fault(
            f"{named.where}: expected a paper environment for {entrypoint}{says}, found {named.value!r}, which is "
            f"{kind.value} ({kind.where}). Next: decide which is right, and correct the other."
        )
    refuse_live_tag(runtime.entrypoint(entrypoint))
    return environment


def refuse_live_tag(section: Section) -> None:
    """Do nothing if a section about paper trading has no tags, or none that says `live`.

    Raises:
        Fault: it has one, or its tags are no list of words.
    """
    if not section.given("tags"):
        return
    tags = section.names("tags")
    for place, tag in enumerate(tags.value):
        if tag.strip().casefold() == LIVE:
            found = section.at("tags", str(place))
            raise Fault(
                f"{found.where}: expected no tag that says {LIVE}, for {section.name} is on paper, found {tag!r} in "
                f"{tags.value}. Next: take the tag out; what is filtered by it must be live."
            )


def _environment(runtime: RuntimeConfig, core: CoreConfig, entrypoint: str) -> Environment:
    return core.environment(runtime.entrypoint(entrypoint).environment.value)


def _claim(runtime: RuntimeConfig, entrypoint: str) -> Found | None:
    """Where it is said that an entrypoint is on paper, beside its environment."""
    for name in runtime.paper_profile_names.value:
        profile = runtime.paper_profile(name)
        if profile.given("entrypoint") and profile.entrypoint.value == entrypoint:
            return profile.entrypoint
    own = runtime.entrypoint(entrypoint)
    tags = own.tags.value if own.given("tags") else []
    return own.tags if any(tag.strip().casefold() == PAPER for tag in tags) else None
