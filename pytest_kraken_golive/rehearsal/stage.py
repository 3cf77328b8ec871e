"""A rehearsal from beginning to end: the copy on disk, the process behind it, and the handles on both."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.issue import SigningKey
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.licence import REHEARSAL
from pytest_kraken_golive.deployment.secrets import Credentials
from pytest_kraken_golive.policy import Policy, is_reference_bot
from pytest_kraken_golive.rehearsal.altered import PARTS, FinishedCopy, PlannedCopy
from pytest_kraken_golive.rehearsal.build import Blueprint, observe, rehearse, store_of
from pytest_kraken_golive.rehearsal.build_live import copy_for_drill, know_live_account, rehearse_live
from pytest_kraken_golive.rehearsal.commands import LiveCommands
from pytest_kraken_golive.rehearsal.copying import copy_tree
from pytest_kraken_golive.rehearsal.handle import Addresses, HostError, HostProcess, PaperBot, SandboxHandle
from pytest_kraken_golive.rehearsal.head_start import HeadStart
from pytest_kraken_golive.rehearsal.in_place import InPlaceCommands, ticket_of_real
from pytest_kraken_golive.rehearsal.live_service import LiveService
from pytest_kraken_golive.rehearsal.order import BOT_DOOR, DEPLOYMENT, DRILLS, HostOrder
from pytest_kraken_golive.rehearsal.permit import NOTHING_REAL, Permit
from pytest_kraken_golive.rehearsal.program import clean_environment
from pytest_kraken_golive.rehearsal.programs_of_host import REPORT, bot_order, commands_order
from pytest_kraken_golive.rehearsal.real_exchange import RealExchange
from pytest_kraken_golive.rehearsal.unlicensed import order_without_licence
from pytest_kraken_golive.runbook.model import Stage

FIRST, SECOND = DEPLOYMENT, "repetition"
"""Folders of the bot's runs with and without licence. Bots print where they are: no word says which is which."""


class Rehearsal:
    """A deployment to look at, an exchange to talk to, a bot to run.

    Made by `start` in the process that owns it, and by `join` in workers, from the owner's ticket. The ticket travels
    through pipes only, never to disk: it can sign as the issuer that was made up for this rehearsal.
    """

    def __init__(self, ticket: dict[str, Any], policy: Policy, process: HostProcess | None = None) -> None:
        self.ticket = ticket
        self._policy = policy
        self._process = process
        self.judged = Path(ticket["judged"])
        """Root of the deployment under judgement: the copy, or the real one."""
        self.root = Path(ticket["root"])
        """Root of the copy that the bot runs in."""
        self.is_rehearsal: bool = ticket["issuer"] is not None
        """False: the deployment under judgement is a real one."""
        self.own_bot: bool = ticket["own_bot"]
        """Whether the bot is the project's own, not the reference bot."""
        self.has_bot: bool = ticket["has_bot"]
        """Whether there is a bot to run at all."""
        self.stage: Stage = ticket["stage"]
        """What goes live: the paper run, or production."""
        self.tell: Callable[[str], None] = print
        """Says something to the person who waits."""
        self.permit = Permit.from_data(ticket["permit"]) if "permit" in ticket else NOTHING_REAL
        """What may be done to a real exchange and deployment."""
        self.drill_roots = {place: Path(root) for place, root in ticket.get("drills", {}).items()}
        """Roots of the copies for drills; one that is not there is done where the service runs."""
        self._head_start = HeadStart()

    def __repr__(self) -> str:
        return f"Rehearsal({self.judged})"

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment under judgement; a real one's bot may see this process's variables, a rehearsal's does not."""
        if self.is_rehearsal and self.stage == "production":
            _ = self.addresses  # until the exchange is up, .env does not say where it is
        return self._files

    @cached_property
    def _files(self) -> Deployment:
        return self._read_again()

    def _read_again(self) -> Deployment:
        return Deployment(self.judged, process={} if self.is_rehearsal else os.environ)

    @cached_property
    def policy(self) -> Policy:
        """The policy; in a rehearsal it trusts the made-up issuer and asks the rehearsal's central list."""
        issuer = self._issuer()
        if issuer is None:
            return _rooted(self._policy, Path(self.ticket["rootdir"]))
        served = f"{self.addresses.control_url}/revocations.json" if self._serves_central else None
        licence = self._policy.licence.model_copy(update={"issuer_keys": {issuer.key_id: issuer.public_text}})
        revocations = self._policy.revocations.model_copy(update={"central": self.ticket.get("central", served)})
        return self._policy.model_copy(update={"licence": licence, "revocations": revocations})

    @property
    def _serves_central(self) -> bool:
        return "central" not in self.ticket

    def _issuer(self) -> SigningKey | None:
        if self.ticket["issuer"] is None:
            return None
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.ticket["issuer"]))
        return SigningKey(REHEARSAL, private)

    @cached_property
    def addresses(self) -> Addresses:
        """Where the host answers; waits until it does."""
        return Addresses.wait_for(Path(self.ticket["ready_file"]), self._process)

    @cached_property
    def sandbox(self) -> SandboxHandle:
        """The embedded exchange.

        Raises:
            NotProven: this stage's exchange is a real one.
        """
        if self.is_real:
            raise NotProven(
                f"kraken_sandbox: this run's exchange is {self.real.url} (--kraken=real), which keeps no books for us "
                "and meets no trouble on demand. Next: prove this line in a rehearsal, or let its check ask "
                "kraken_client."
            )
        return SandboxHandle(self.addresses, lambda: self.account)

    @property
    def is_real(self) -> bool:
        """Whether nothing of this stage is embedded; a bot on paper keeps its embedded exchange."""
        return self.permit.real and self.stage == "production"

    @cached_property
    def real(self) -> RealExchange:
        """The deployment's own exchange."""
        return RealExchange(lambda: LiveSettings.of(self._read_again()), self.permit)

    @property
    def exchange(self) -> SandboxHandle | RealExchange:
        """The exchange of this stage's lines."""
        return self.real if self.is_real else self.sandbox

    @cached_property
    def bot(self) -> PaperBot:
        """The bot."""
        return self._new_bot()

    @cached_property
    def commands(self) -> LiveCommands | InPlaceCommands:
        """The documents' own commands; of a real deployment each says whether it may be run."""
        if self.is_rehearsal:
            return self._new_commands(DEPLOYMENT)
        return InPlaceCommands(
            self.judged,
            Path(self.ticket["rootdir"]),
            self._policy,
            self.permit,
            entrypoint=self.ticket["entrypoint"],
            settings=lambda: LiveSettings.of(self._read_again()),
            tell=self.tell,
        )

    def _new_commands(self, place: str) -> LiveCommands:
        root = self.drill_roots.get(place, self.root)
        return LiveCommands(self.addresses.control_url, self.addresses.token, root, place)

    @cached_property
    def _drill_commands(self) -> dict[str, LiveCommands]:
        return {place: self._new_commands(place) for place in self.drill_roots}

    def start_bot_soon(self) -> None:
        """Start the bot as soon as the host is up, without waiting for it: other lines run meanwhile."""
        if self.has_bot:
            threading.Thread(target=self._start_bot, name="start-bot", daemon=True).start()

    def _start_bot(self) -> None:
        # Who needs the bot asks for it again, and says what went wrong.
        with contextlib.suppress(HostError, httpx.HTTPError), contextlib.closing(self._new_bot()) as bot:
            bot.start()

    def _new_bot(self) -> PaperBot:
        return PaperBot(self.addresses, self.root, Path(self.ticket.get("origin", self.root)))

    @cached_property
    def service(self) -> LiveService:
        """The live service of the deployment under judgement."""
        exchange = (lambda: self.exchange) if self.is_rehearsal or self.is_real else None
        copies = {
            place: LiveService(
                root,
                functools.partial(lambda name: self._drill_commands[name], place),
                exchange,
                is_rehearsal=True,
                door=place,
            )
            for place, root in self.drill_roots.items()
        }
        still = "origin" in self.ticket
        return LiveService(
            self.judged,
            lambda: self.commands,
            exchange,
            is_rehearsal=self.is_rehearsal,
            copies=copies,
            still=still,
        )

    def begin(self, wanted: Collection[str]) -> None:
        """Begin what lines are going to ask for without waiting for it; see `HeadStart.begin`."""
        for place in (DEPLOYMENT, *self.drill_roots):
            self._head_start.begin(place, wanted, functools.partial(self._new_commands, place), self._doors)

    def _doors(self) -> Collection[str]:
        return self.addresses.urls.values()

    def settle(self) -> None:
        """Wait until nothing that was begun is under way: what is measured from then on is measured alone."""
        self._head_start.settle()

    @property
    def made_up(self) -> list[Credentials]:
        """Credentials that stand nowhere in the deployment under judgement: those of the copies for drills."""
        found = []
        for root in self.drill_roots.values():
            with contextlib.suppress(NotProven, Fault):  # a break has spoiled them, and the line about them says so
                found.append(LiveSettings.of(Deployment(root, process={})).key_pair.credentials)
        return found

    @property
    def account(self) -> Credentials:
        """The credentials of the account that goes live, or trades on paper, as the deployment has them.

        Raises:
            NotProven: there is none.
            Fault: they cannot be used.
        """
        if self.stage == "production":
            return LiveSettings.of(self._read_again()).key_pair.credentials  # .env may not be filled in yet
        names: list[str] = self.ticket["accounts"]
        if not names:
            raise NotProven(
                "config/core.yaml environments: no keychain key with credentials, so the exchange has no account. "
                "Next: see the lines about the key."
            )
        same = self.judged == self.root  # then it need not be read again
        return store_of(self._files if same else Deployment(self.root)).credentials(names[0])

    @property
    def written(self) -> list[Path]:
        """Output that is kept beside the deployment: files and folders, as far as there are any."""
        folder = Path(self.ticket["ready_file"]).parent
        places = [folder / name for name in ("bot.log", "commands", "host.log")]
        places += [root / name for root in self.drill_roots.values() for name in ("logs", "reports", "runtime")]
        return [place for place in places if place.exists()]

    @property
    def report(self) -> Path:
        """Where the reference bot leaves its report."""
        return self.root / REPORT

    @property
    def project(self) -> Path:
        """The project whose own tests the runbook names: a break may have put an altered copy beside the deployment."""
        altered = self.root.parent / "project"
        return altered if altered.is_dir() else Path(self.ticket["rootdir"])

    def altered(self, sabotage: Callable[[FinishedCopy], None]) -> Rehearsal:
        """A copy of this rehearsal's files as they are now, with a sabotage in it; exchange and bot stay the same."""
        issuer = self._issuer()
        assert issuer is not None, "only a rehearsal can be broken"
        root = Path(tempfile.mkdtemp(prefix="kraken-golive-broken-")) / "deployment"
        copy_tree(self.root, root, PARTS, living=True)
        copy = FinishedCopy(root, Path(self.ticket["rootdir"]), issuer, self.ticket["central_list"], self.drill_roots)
        sabotage(copy)
        changed = {"root": str(root), "judged": str(root), "origin": str(self.root), **copy.overrides}
        drills = {place: str(target) for place, target in copy.drills.items()}
        changed["drills"] = {**self.ticket.get("drills", {}), **drills}
        return Rehearsal({**self.ticket, **changed}, self._policy)

    def close(self) -> None:
        """Close the connections; who owns a process or a copy also ends and removes it."""
        for name in ("sandbox", "bot", "commands"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()
        for commands in self.__dict__.pop("_drill_commands", {}).values():
            commands.close()
        if self._process is not None:
            self._process.stop()  # and with it what was begun and nobody came for
        self.settle()
        if "origin" in self.ticket:
            shutil.rmtree(self.root.parent, ignore_errors=True)

    @classmethod
    def start(
        cls,
        rootdir: Path,
        policy: Policy,
        *,
        entrypoint: str,
        stage: Stage = "paper",
        deployment: Path | None = None,
        for_tests: bool = False,
        permit: Permit = NOTHING_REAL,
        sabotage: Callable[[PlannedCopy], None] | None = None,
    ) -> Rehearsal:
        """Build a copy and start its process; does not wait until it is up.

        Args:
            rootdir: the project.
            policy: the project's policy.
            entrypoint: what the bot is started for.
            stage: what goes live.
            deployment: a real deployment to judge; None: rehearse the project's `config/`.
            for_tests: outside of a gate; see `rehearse`.
            permit: what may be done to a real exchange and deployment.
            sabotage: acts before anything is started; only on a rehearsal.
        """
        if permit.real and deployment is not None and stage == "production":
            return cls(ticket_of_real(rootdir, deployment, policy, entrypoint, permit), policy)
        folder = Path(tempfile.mkdtemp(prefix="kraken-golive-"))
        try:
            root = folder / FIRST
            root.mkdir()
            if deployment is not None:
                blueprint = observe(deployment, root, policy, entrypoint)
                if stage == "production":
                    know_live_account(blueprint, deployment)
            elif stage == "production":
                blueprint = rehearse_live(rootdir, root, policy, entrypoint)
            else:
                blueprint = rehearse(rootdir, root, policy, entrypoint, for_tests=for_tests)
            overrides = _sabotage(blueprint, rootdir, sabotage) if sabotage else {}
            live = stage == "production"
            places = {DEPLOYMENT: (root, BOT_DOOR)} if live else {}
            drills = DRILLS if live and deployment is None else ()
            places |= {place: (folder / place, place) for place in drills if copy_for_drill(blueprint, folder / place)}
            overrides["drills"] = {place: str(copy) for place, (copy, _) in places.items() if place in drills}
            of_run = {"stage": stage, "entrypoint": entrypoint, "permit": permit.data()}
            ticket = {**_ticket(folder, rootdir, blueprint, deployment, policy), **of_run, **overrides}
            ticket["has_bot"] = ticket["has_bot"] and not live
            bot = bot_order(folder, rootdir, blueprint, policy, entrypoint) if ticket["has_bot"] else None
            order = HostOrder(
                folder=str(folder),
                ready_file=ticket["ready_file"],
                sandbox=blueprint.sandbox.to_json(),
                central=json.dumps(blueprint.central),
                bot=None if bot is None else asdict(bot),
                unlicensed=None if bot is None else order_without_licence(bot, blueprint.root, folder / SECOND),
                commands={
                    place: asdict(
                        commands_order(
                            folder / "commands" / place, rootdir, blueprint, policy, entrypoint, root=copy, door=door
                        )
                    )
                    for place, (copy, door) in places.items()
                },
                fill={str(copy / ".env"): door for copy, door in places.values()},
            )
            process = HostProcess(order, folder / "host.log", clean_environment(rootdir, {}))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(ticket, policy, process)

    @classmethod
    def join(cls, ticket: dict[str, Any], policy: Policy) -> Rehearsal:
        """Connect to a rehearsal that another process owns."""
        return cls(ticket, policy)


def _rooted(policy: Policy, rootdir: Path) -> Policy:
    """The same; a central list that it names as a file is relative to the project, wherever pytest was started."""
    central = policy.revocations.central
    if central is None or "://" in central:
        return policy
    found = policy.revocations.model_copy(update={"central": os.path.abspath(rootdir / central)})
    return policy.model_copy(update={"revocations": found})


def _sabotage(blueprint: Blueprint, rootdir: Path, sabotage: Callable[[PlannedCopy], None]) -> dict[str, Any]:
    assert blueprint.issuer is not None, "only a rehearsal can be broken"
    copy = PlannedCopy(blueprint.root, rootdir, blueprint.issuer, blueprint.central, blueprint.sandbox)
    sabotage(copy)
    blueprint.bot_words = copy.bot_words
    blueprint.bot_environ.update(copy.bot_environ)
    return copy.overrides


def _ticket(
    folder: Path, rootdir: Path, blueprint: Blueprint, deployment: Path | None, policy: Policy
) -> dict[str, Any]:
    own, issuer = policy.commands.bot, blueprint.issuer
    return {
        "rootdir": str(rootdir),
        "ready_file": str(folder / "host.json"),
        "root": str(blueprint.root),
        "judged": str(deployment or blueprint.root),
        "issuer": None if issuer is None else base64.b64encode(issuer.private.private_bytes_raw()).decode(),
        "central_list": blueprint.central,
        "accounts": [account.name for account in blueprint.sandbox.accounts],
        "own_bot": not is_reference_bot(own),
        "left_out": blueprint.left_out,
        "has_bot": own is not None or issuer is not None,
    }
