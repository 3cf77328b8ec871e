"""What a person is about to sign, shown before they do, and the file that holds their signature."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_kraken_golive.contract import Outcome, show
from pytest_kraken_golive.deployment.variables import texts_to_mask
from pytest_kraken_golive.policy import FILE as POLICY
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting import signoff_page as page
from pytest_kraken_golive.signoff.demands import signatures_of
from pytest_kraken_golive.signoff.payloads import STATEMENT_MAX, LinePayload, Payload, RunPayload, plain_text, sealed
from pytest_kraken_golive.signoff.places import BUNDLE, FOLDER, LINES, MANIFEST, RUN
from pytest_kraken_golive.signoff.private_keys import SigningKey
from pytest_kraken_golive.signoff.record import VerdictRecord
from pytest_kraken_golive.signoff.signatures import file_name
from pytest_kraken_golive.signoff.signers import KnownSigner, signers_of
from pytest_kraken_golive.signoff.unchanged import changed_files
from pytest_kraken_golive.signoff.verify import Unreadable, verify
from pytest_kraken_golive.whole_file import replace_text


class Refusal(Exception):
    """This is not signed; says why and what to do."""


@dataclass(frozen=True)
class Signing:
    """What is signed, by whom, and what it is said with."""

    signer: KnownSigner
    role: str
    statement: str
    now: dt.datetime
    """Aware UTC."""

    @property
    def signed_at(self) -> str:
        """To the second."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Draft:
    """A signature that nobody has made yet."""

    payload: Payload
    shown: tuple[str, ...]
    """What the person reads before they sign, line by line."""
    places: tuple[Path, ...]
    """Where its file goes."""


def who_signs(policy: Policy, key: SigningKey, signer: str | None, role: str | None) -> tuple[KnownSigner, str]:
    """The signer whose key this is, and the role.

    Raises:
        Refusal: the key or the signer is not listed, the key is somebody else's, or the role is not held or not clear.
    """
    signers = signers_of(policy)
    owner = next((one for one in signers.values() if one.key == key.public_bytes), None)
    if signer is not None and signer not in signers:
        raise Refusal(
            f"{POLICY} signers.{signer}: expected an entry, found none; there is {', '.join(signers) or 'no signer'}. "
            "Next: add it, in a commit that others review."
        )
    if owner is None or signer not in {None, owner.id}:
        whose = "nobody's in the policy" if owner is None else f"that of {owner.id}"
        wanted = "a key that the policy lists" if signer is None else f"the key that {POLICY} lists for {signer}"
        raise Refusal(
            f"expected {wanted}, found one that is {whose} ({key.public_text}). "
            f"Next: name the right file by --key, or list this key under {POLICY} signers."
        )
    held = sorted(owner.roles)
    if role is None and len(held) > 1:
        raise Refusal(f"{owner.id} holds the roles {', '.join(held)}. Next: say by --role as what you sign.")
    if role is not None and role not in held:
        raise Refusal(
            f"{owner.id} does not hold the role {show(role, 80)}, but {', '.join(held)}. "
            "Next: choose one of these, or have it signed by somebody who holds it."
        )
    return owner, role or held[0]


def checked_statement(text: str, project: Path) -> str:
    """A statement that may be kept.

    Raises:
        Refusal: it is blank, too long, holds control characters or a secret.
    """
    text = text.strip()
    try:
        plain_text(text)
    except ValueError as error:
        raise Refusal(f"the statement cannot be signed: {error}. Next: write it in plain words.") from error
    if len(text) > STATEMENT_MAX:
        raise Refusal(f"the statement has {len(text)} characters. Next: write at most {STATEMENT_MAX}.")
    redactor = Redactor()
    redactor.learn_environment(os.environ)
    redactor.learn_environment(texts_to_mask(project / ".env"))
    if redactor.text(text) != text:
        raise Refusal("the statement holds a secret of .env or the environment. Next: leave it out.")
    return text


def draft_run(record: VerdictRecord, report_dir: Path, project: Path, policy: Policy, signing: Signing) -> Draft:
    """The signature of a run.

    Raises:
        Refusal: it is no GO, files changed since, or its bundle is not whole or of another run.
    """
    data = record.data
    if data.verdict != "GO":
        raise Refusal(
            f"only a GO is signed, found {record.headline}. Next: remove what is in the way, run the gate again."
        )
    _require_unchanged(record, project)
    bundle = report_dir / BUNDLE
    name = f"{signing.signer.id}.{signing.role}.json"
    try:
        found = verify(bundle, policy, signing.now)
    except Unreadable as error:
        raise Refusal(f"{error}. Next: run the gate again, which writes it.") from error
    problems = [problem for problem in found.problems if not problem.startswith(f"{FOLDER}/{RUN}/{name}: ")]
    if problems or found.record is None or found.manifest_sha256 is None:
        raise Refusal(f"{bundle}: {problems[0] if problems else 'it cannot be read'}. Next: run the gate again.")
    if found.record.sha256 != record.sha256:
        raise Refusal(f"{bundle}: is of another run than {record.path}. Next: run the gate again.")
    payload = RunPayload(
        signs="kraken-golive run 1",
        run_id=data.run_id,
        verdict=data.verdict,
        scope=data.scope.name,
        commit=data.commit,
        verdict_sha256=record.sha256,
        manifest_sha256=found.manifest_sha256,
        **_by(signing),
    )
    shown = (
        *told(record),
        f"signed are  {record.path}  {record.sha256}",
        f"            {bundle / MANIFEST}  {found.manifest_sha256}",
        *_signature_told(signing),
    )
    place = f"{FOLDER}/{RUN}/{file_name(payload)}"
    return Draft(payload, shown, (report_dir / place, bundle / place))


def draft_line(record: VerdictRecord, line_id: str, report_dir: Path, project: Path, signing: Signing) -> Draft:
    """The signature of a line that only a person can judge.

    Raises:
        Refusal: there is no such line, it is judged by a check, it asks for other roles, or files changed since.
    """
    line = record.lines.get(line_id)
    if line is None:
        near = difflib.get_close_matches(line_id, list(record.lines), n=1)
        step = f"did you mean {near[0]}?" if near else "name one of its lines."
        raise Refusal(f"{record.path}: no line {show(line_id, 80)} in this run. Next: {step}")
    if line.manual is None:
        raise Refusal(
            f"{line_id}: nobody has to sign it, for {line.check or 'no check'} judges it. "
            "Next: sign lines whose binding says {manual: true}."
        )
    subject = line.manual.subject
    if subject is None:
        raise Refusal(f"{line_id}: it has not run, so there is nothing to sign. Next: run the gate again.")
    if line.manual.roles and signing.role not in line.manual.roles:
        raise Refusal(
            f"{line_id}: expected a signature as {' and '.join(line.manual.roles)}, found the role {signing.role}. "
            "Next: have it signed by somebody who holds what the line asks for."
        )
    _require_unchanged(record, project)
    payload = LinePayload(signs="kraken-golive line 1", line_id=line_id, subject=subject, **_by(signing))
    persons = f", {line.manual.persons} persons" if line.manual.persons > 1 else ""
    digests = [f"            {part}  {digest}" for part, digest in subject.model_dump().items()]
    shown = (
        f"{line_id}: {line.text}",
        f"needs       {' and '.join(line.manual.roles) or 'any role'}{persons}; now it is {line.outcome}",
        "signed are  the line as it stands, the runbook, the configuration and the evidence:",
        *digests,
        *_signature_told(signing),
    )
    return Draft(payload, shown, (report_dir / FOLDER / LINES / line_id / file_name(payload),))


def seal(draft: Draft, key: SigningKey) -> None:
    """Sign, and write the signature to its places, each in one step.

    Raises:
        OSError: it cannot be written.
    """
    text = sealed(draft.payload, key.public_text, key.sign).decode()
    for place in draft.places:
        replace_text(place, text)


def show_on_page(record: VerdictRecord, report_dir: Path, project: Path, policy: Policy, now: dt.datetime) -> None:
    """Write the page beside the verdict anew, with who has signed the run; the one in the bundle stays as it was.

    Raises:
        OSError: it cannot be written.
    """
    signed = [one.document() for one in signatures_of(record, report_dir, policy, now).valid]
    page.write(report_dir, json.loads(record.path.read_bytes()), run_signatures=signed, root=project)


def told(record: VerdictRecord) -> Sequence[str]:
    """Verdict, scope and waivers, as a person reads them."""
    data = record.data
    state = {True: "with changes that are not in it", False: "clean", None: "nobody knows whether clean"}[data.dirty]
    counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(data.counts.items()))
    own = [f"{name} ({file})" for name, file in data.scope.overridden_fixtures.items()]
    rows = [
        record.headline,
        f"run         {data.run_id}, ended {_time(data.finished_at)}, counts until {_time(data.valid_until)}",
        f"commit      {data.commit or 'unknown'}, {state}",
        f"deployment  {data.scope.deployment}",
        f"exchange    {data.scope.exchange} ({', '.join(data.scope.hosts) or 'no host was called'})",
        f"production  {'yes' if data.production_signoff else 'no: this is no production sign-off'}",
        f"lines       {counts}",
    ]
    rows += (
        [f"overridden  {', '.join([*own, *data.scope.replaced_checks])}"] if own or data.scope.replaced_checks else []
    )
    for line in record.lines.values():
        if line.waiver is not None and line.outcome == Outcome.WAIVED:
            until = _time(line.waiver.expires_at)
            ticket = f", {line.waiver.ticket}" if line.waiver.ticket else ""
            rows.append(f"waiver      {line.id} until {until}: {line.waiver.reason} ({line.waiver.approver}{ticket})")
    return rows


def _signature_told(signing: Signing) -> Sequence[str]:
    who = f"{signing.signer.name} ({signing.signer.id})"
    return (f"by          {who} as {signing.role}, {signing.signed_at}", f"statement   {signing.statement}")


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _by(signing: Signing) -> dict[str, str]:
    return {
        "signer": signing.signer.id,
        "name": signing.signer.name,
        "role": signing.role,
        "signed_at": signing.signed_at,
        "statement": signing.statement,
    }


def _require_unchanged(record: VerdictRecord, project: Path) -> None:
    changed = changed_files(record.data.scope, project)
    if changed:
        more = f" ({len(changed)} files in all)" if len(changed) > 1 else ""
        raise Refusal(f"{changed[0]}{more}: the verdict is about other files. Next: run the gate again.")
