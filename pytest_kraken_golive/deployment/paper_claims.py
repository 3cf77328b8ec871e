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


def paper_claims(runtime: RuntimeConfig, core: CoreConfig) -> dict[str, Found]:
    """The entrypoints that are on paper or claim to be, in the file's order, each with the place that says so.

    Raises:
        NotProven: an entrypoint has no environment, or core.yaml does not know it: who is meant is not known then.
        Fault: as with the properties that are read.
    """
    named = _named_by_profiles(runtime)
    claims = {}
    for name in runtime.entrypoint_names.value:
        kind = _environment(runtime, core, name).kind
        claim = named.get(name) or _paper_tag(runtime, name) or (kind if kind.value == PAPER else None)
        if claim is not None:
            claims[name] = claim
    return claims


def require_paper(runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, claim: Found) -> Environment:
    """The paper environment of an entrypoint that claims to be on paper.

    Args:
        runtime: runtime.yaml.
        core: core.yaml.
        entrypoint: its name.
        claim: where it is said that it is on paper.

    Raises:
        NotProven: it has no environment, or core.yaml does not know it.
        Fault: the environment is another one, or the entrypoint is tagged as live.
    """
    environment = _environment(runtime, core, entrypoint)
    kind = environment.kind
    if kind.value != PAPER:
        named = runtime.entrypoint(entrypoint).environment
        raise Fault(
            f"{named.where}: expected a paper environment for {entrypoint}, as {claim.where} says that it is on paper, "
            f"found {named.value!r}, which is {kind.value} ({kind.where}). "
            "Next: decide which is right, and correct the other."
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
    return core.environment(runtime.entrypoint(entrypoint).environment)


def _named_by_profiles(runtime: RuntimeConfig) -> dict[str, Found]:
    """Entrypoints that a paper profile names, each with the place."""
    profiles = [runtime.paper_profile(name) for name in runtime.paper_profile_names.value]
    named = [profile.entrypoint for profile in profiles if profile.given("entrypoint")]
    return {runtime.entrypoint(entrypoint).name: entrypoint for entrypoint in named}


def _paper_tag(runtime: RuntimeConfig, entrypoint: str) -> Found | None:
    own = runtime.entrypoint(entrypoint)
    tags = own.tags.value if own.given("tags") else []
    return own.tags if any(tag.strip().casefold() == PAPER for tag in tags) else None
