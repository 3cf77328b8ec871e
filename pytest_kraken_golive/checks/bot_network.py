"""The bot spoke to nobody but this machine: in a rehearsal there is nothing else for it to speak to."""

from __future__ import annotations

from pytest_kraken_golive.contract import Evidence, NotProven
from pytest_kraken_golive.rehearsal.network import Contact, Network

LISTED = 5


def require_loopback_only(network: Network, evidence: Evidence, *, who: str = "bot") -> None:
    """Fail if one of the bot's processes was seen to speak to, or to ask a proxy for, another host than this machine.

    Questions to a name server are recorded only: libraries ask them unbidden, and whom they lead to is seen as well.

    Args:
        network: what was seen of the bot's connections.
        evidence: takes what was seen, and how closely was looked.
        who: which run of the bot, for messages.

    Raises:
        AssertionError: another host; names address, port and process.
        NotProven: nobody could look, or not at all of its processes.
    """
    note = f"{network.looks} looks, one every {network.every_ms} ms: a shorter connection may have been missed"
    evidence.record(who, [_shown(one) for one in network.contacts], key="connections", note=note)
    foreign = [one for one in network.contacts if not (one.stays_here or one.asks_for_a_name)]
    more = f" and {len(foreign) - LISTED} more" if len(foreign) > LISTED else ""
    assert not foreign, (
        f"{who}: expected connections to this machine's loopback alone, found {', '.join(map(_shown, foreign[:LISTED]))}"
        f"{more}. Next: let every client of the bot call what KRAKEN_BASE_URL names, and switch off what reports to "
        "other hosts."
    )
    if network.unseen or not network.looks:
        whose = ", ".join(network.unseen) or "any of its processes"
        raise NotProven(
            f"{who}: the connections of {whose} could not be looked at, so nobody knows to whom it spoke. "
            "Next: let the bot run as the user who runs this, for as long as it trades."
        )


def _shown(contact: Contact) -> str:
    place = f"{contact.host}:{contact.port}"
    if contact.how == "proxy":
        return f"{place} (asked for at the proxy, {contact.samples} times)"
    return f"{place} ({contact.how} of process {contact.pid}, seen {contact.samples} times)"
