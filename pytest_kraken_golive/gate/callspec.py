"""How an item tells the fixture `golive_world` whose world it wants: pytest's own parametrization, without an id."""

from __future__ import annotations

from _pytest.python import CallSpec
from _pytest.scope import Scope

WORLD_FIXTURE = "golive_world"


def in_world(world: object, index: int = 0, name: str | None = None) -> CallSpec:
    """Let an item run in a world.

    Args:
        world: a stage, or what alters one.
        index: tells worlds of one item apart.
        name: what stands in brackets behind the item's name; None: nothing.
    """
    return CallSpec(
        params={WORLD_FIXTURE: world},
        indices={WORLD_FIXTURE: index},
        _arg2scope={WORLD_FIXTURE: Scope.Session},
        _idlist=[] if name is None else [name],
    )
