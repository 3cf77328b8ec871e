"""Lines that people judge: what they sign, and whether those have signed who must."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_kraken_golive.bot.run_report import bot_version
from pytest_kraken_golive.contract import EvidenceRecord
from pytest_kraken_golive.gate.digests import judged_files
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.runbook.lock import FILE as LOCK
from pytest_kraken_golive.runbook.model import Manual
from pytest_kraken_golive.signoff.digests import digest_files
from pytest_kraken_golive.signoff.places import FOLDER
from pytest_kraken_golive.signoff.signatures import Needs, Signatures, line_signatures
from pytest_kraken_golive.signoff.signers import signers_of
from pytest_kraken_golive.signoff.subject import line_subject

if TYPE_CHECKING:
    from pytest_kraken_golive.gate.plan import Plan, PlannedLine


PACKAGE = "pytest-kraken-golive"


@dataclass(frozen=True)
class People:
    """Who may sign, and the files that their signatures are about; the same in every process of a run."""

    report_dir: Path
    """The signatures lie below it."""
    policy: Policy
    """Names the signers."""
    files: dict[str, str]
    """Digests of what is judged, by path, but for the runbooks: each line's own is bound apart. Also this package's
    version, which is that of checks and reference bot."""

    @classmethod
    def of(cls, rootdir: Path, deployment: Path | None, report_dir: Path, policy: Policy, plan: Plan) -> People:
        """Take the digests now."""
        apart = {*(book.path for book in plan.runbooks), rootdir / LOCK}
        digests = digest_files(path for path in judged_files(rootdir, deployment, plan, policy) if path not in apart)
        roots = [root for root in (deployment, rootdir) if root is not None]
        files = {_shown(Path(path), roots): digest for path, digest in digests.items()}
        return cls(report_dir, policy, files | {PACKAGE: bot_version()})

    def subject(self, planned: PlannedLine, evidence: Sequence[EvidenceRecord]) -> dict[str, str]:
        """What a signature under this line binds."""
        return line_subject(
            line=planned.digest,
            runbook=planned.runbook.sha256,
            files=self.files,
            evidence=[asdict(record) for record in evidence],
        )

    def signatures(self, line_id: str, subject: dict[str, str], manual: Manual) -> Signatures:
        """Those under the line, and what is lacking."""
        needs = Needs(
            roles=manual.roles,
            persons=manual.persons,
            now=dt.datetime.now(dt.UTC),
            max_age=dt.timedelta(hours=self.policy.sign_off.max_age_h),
        )
        signers = signers_of(self.policy)
        return line_signatures(self.report_dir / FOLDER, line_id, subject, signers=signers, needs=needs)

    def waits_for(self, line_id: str, manual: Manual, found: Signatures) -> str:
        """What is lacking until the line is signed, in words."""
        held = {role for signer in self.policy.signers.values() for role in signer.roles}
        nobody = [role for role in manual.roles if role not in held]
        signed = {one.role for one in found.valid}
        role = next((role for role in manual.roles if role not in signed), manual.roles[0])
        so_far = ", ".join(f"{one.name} as {one.role}" for one in found.valid)
        step = (
            f"Next: name somebody who signs as {' and as '.join(nobody)} under signers in config/golive.yaml."
            if nobody
            else f"Next: read the line; whoever answers for it runs `kraken-golive sign {line_id} --role "
            f"{role} --signer NAME --key FILE --statement '…'`, and the gate runs again."
        )
        told = [*found.lacking, *([f"signed so far: {so_far}"] if so_far else []), *map(str, found.void)]
        return f"{'; '.join(told)}. {step}"


def _shown(path: Path, roots: Sequence[Path]) -> str:
    """A path that is the same wherever the project and its deployment lie."""
    for number, root in enumerate(roots):
        if path.is_relative_to(root):
            return f"{number}:{path.relative_to(root).as_posix()}"
    return path.as_posix()
