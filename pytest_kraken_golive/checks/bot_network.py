"""The bot spoke to nobody but this machine, and nobody but the bot spoke for it."""

from __future__ import annotations

from pytest_kraken_golive.contract import Evidence, NotProven
from pytest_kraken_golive.rehearsal.network import Contact, Network

LISTED = 5
LASTS = 2
"""In so many looks an open UDP socket has to be seen: one that is about to be connected is open for a moment."""


def require_loopback_only(network: Network, evidence: Evidence, *, who: str = "bot") -> None:
    """Fail if one of the bot's processes was seen to speak to, or to ask a proxy for, another host than this machine.

    Questions to a name server are recorded only: libraries ask them unbidden, and whom they lead to is seen as well.
    So are calls that reach the bot at a port that it serves.

    Args:
        network: what was seen of the bot's connections.
        evidence: takes what was seen, and how closely was looked.
        who: which run of the bot, for messages.

    Raises:
        AssertionError: another host; names address, port and process.
        NotProven: nobody could look, not at all of its processes, or not to whom a socket of it sends.
    """
    note = f"{network.looks} looks, one every {network.every_ms} ms: a shorter connection may have been missed"
    evidence.record(who, [_shown(one) for one in network.contacts], key="connections", note=note)
    if network.asked_by:
        evidence.record(who, [_shown(one) for one in network.asked_by], key="asked_by", note="at ports of its own")
    foreign = [one for one in network.contacts if not (one.stays_here or one.asks_for_a_name)]
    more = f" and {len(foreign) - LISTED} more" if len(foreign) > LISTED else ""
    assert not foreign, (
        f"{who}: expected connections to this machine's loopback alone, found "
        f"{', '.join(map(_shown, foreign[:LISTED]))}{more}. Next: let every client of the bot call what "
        "KRAKEN_BASE_URL names, and switch off what reports to other hosts."
    )
    if network.unseen or not network.looks:
        whose = ", ".join(network.unseen) or "any of its processes"
        raise NotProven(
            f"{who}: the connections of {whose} could not be looked at, so nobody knows to whom it spoke. "
            "Next: let the bot run as the user who runs this, for as long as it trades."
        )
    lasting = [one for one in network.open_udp if one.samples >= LASTS]
    if lasting:
        raise NotProven(
            f"{who}: the UDP socket {_shown(lasting[0])} has no peer and may send to any host, so nobody knows to whom "
            "it spoke. Next: connect the bot's UDP sockets to whom they send to, or bind them to 127.0.0.1."
        )


def require_own_calls(network: Network, evidence: Evidence, *, who: str = "bot") -> None:
    """Make sure that who called at the bot's exchange is the bot, and not somebody whom nobody watches.

    Args:
        network: what was seen of these connections.
        evidence: takes whose they were.
        who: which run of the bot, for messages.

    Raises:
        NotProven: others called there, or the bot did not.
    """
    seen = {"own": network.own_calls, "strangers": network.strangers, "vanished": network.vanished_calls}
    evidence.record("exchange", seen, key=f"callers of the {who}'s port")
    if network.strangers:
        raise NotProven(
            f"{who}: {', '.join(network.strangers[:LISTED])} called at its exchange and was not started by it, so "
            "nobody knows to whom else that speaks. Next: let the bot make its calls itself, or start what makes them "
            "as a child of its own."
        )
    if not network.own_calls:
        raise NotProven(
            f"{who}: none of its processes was seen to call at its exchange. "
            "Next: let the bot trade on the exchange that KRAKEN_BASE_URL names."
        )


def _shown(contact: Contact) -> str:
    place = f"{contact.host}:{contact.port}"
    if contact.how == "proxy":
        return f"{place} (asked for at the proxy, {contact.samples} times)"
    whose = f"{contact.whose}, " if contact.whose else ""
    return f"{place} ({whose}{contact.how} of process {contact.pid}, seen {contact.samples} times)"
