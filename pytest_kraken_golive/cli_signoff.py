"""`kraken-golive sign`, `verify`, `verdict` and `check-report`: what people and deploy scripts do with a verdict."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from pydantic import SecretStr

    from pytest_kraken_golive.policy import Policy
    from pytest_kraken_golive.signoff.private_keys import Passphrase, SigningKey
    from pytest_kraken_golive.signoff.record import VerdictRecord
    from pytest_kraken_golive.signoff.sign import Signing

_CLI_FILE = click.Path(path_type=Path)
GOOD, REFUSED, UNREADABLE, UNSIGNED = 0, 1, 2, 3
"""Exit statuses."""

_report_dir = click.option(
    "--report-dir", type=_CLI_FILE, default=Path("reports"), show_default=True, help="Where the gate wrote."
)
_project = click.option(
    "--project", type=_CLI_FILE, default=Path(), help="The root that the gate ran in.  [default: this folder]"
)
_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _say(text: str, *, word: str = "", colour: str = "red") -> None:
    """Show a text that may be somebody else's; with a word before it, as something that is wrong."""
    from pytest_kraken_golive.signoff.payloads import visible  # noqa: PLC0415 - each command imports what it needs

    before = f"{click.style(word, fg=colour, bold=True)} " if word else ""
    click.echo(f"{before}{visible(text)}", err=bool(word))


def _end(status: int, problems: Iterable[str] = ()) -> NoReturn:
    word = "cannot be read:" if status == UNREADABLE else "refused:"
    for problem in problems:
        _say(problem, word=word)
    sys.exit(status)


def _policy(project: Path) -> Policy:
    from pytest_kraken_golive.contract import Fault  # noqa: PLC0415 - each command imports what it needs
    from pytest_kraken_golive.policy import Policy, load_policy  # noqa: PLC0415 - each command imports what it needs

    try:
        return load_policy(project) or Policy()
    except Fault as error:
        _end(UNREADABLE, [str(error)])


def _verdict_of(report_dir: Path) -> VerdictRecord:
    """The verdict; ends with status 1 where its run has not, and with 2 where it cannot be read."""
    from pytest_kraken_golive.contract import Fault, NotProven  # noqa: PLC0415 - each command imports what it needs
    from pytest_kraken_golive.signoff.places import VERDICT  # noqa: PLC0415 - as above
    from pytest_kraken_golive.signoff.record import Unfinished, read_verdict  # noqa: PLC0415 - as above

    path = report_dir / VERDICT
    try:
        return read_verdict(path, str(path))
    except Unfinished as error:
        _end(REFUSED, [str(error)])
    except (Fault, NotProven) as error:
        _end(UNREADABLE, [str(error)])


# --- sign ------------------------------------------------------------------------------------------------------------


@click.command(short_help="Sign a run, or a line that only a person can judge.")
@click.argument("line", required=False)
@click.option("--signer", metavar="ID", help="Who you are in the policy's signers; by default, whose key it is.")
@click.option("--role", help="As what you sign; by default, your only role.")
@click.option("--statement", help="What you say, in your own words; asked for at a terminal.")
@click.option("--key", type=_CLI_FILE, help="Your private key: PEM, or as ssh-keygen -t ed25519 writes it.")
@click.option("--passphrase-env", metavar="NAME", help="The variable that holds the key's passphrase.")
@click.option("--passphrase-file", type=_CLI_FILE, help="The private file that holds it.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--new-key", type=_CLI_FILE, metavar="FILE", help="Make a key pair instead, and print its entry.")
@_report_dir
@_project
def sign(
    *,
    line: str | None,
    signer: str | None,
    role: str | None,
    statement: str | None,
    key: Path | None,
    passphrase_env: str | None,
    passphrase_file: Path | None,
    yes: bool,
    new_key: Path | None,
    report_dir: Path,
    project: Path,
) -> None:
    """Put your name under the last run, or under LINE, one that its runbook binds with {manual: true}.

    The signature goes to <report dir>/signatures; that of a run also into the bundle. All of it: kraken-golive docs
    sign-off.

    Exit status: 0 signed; 1 refused; 2 something cannot be read.
    """
    from pytest_kraken_golive.contract import Fault, NotProven  # noqa: PLC0415 - each command imports what it needs
    from pytest_kraken_golive.signoff import sign as signing  # noqa: PLC0415 - each command imports what it needs

    asking = sys.stdin.isatty()
    project = Path(os.path.abspath(project))
    try:
        passphrase = _passphrase(passphrase_env, passphrase_file, asking=asking)
        if new_key is not None:
            _make_key(new_key, passphrase_env is not None or passphrase_file is not None, passphrase, asking=asking)
            return
        if not yes and not asking:
            raise click.UsageError("nobody is there to confirm what is signed. Next: sign at a terminal, or say --yes")
        if key is None:
            raise click.UsageError("--key is missing. Next: name your private key; --new-key FILE makes one")
        if statement is None and not asking:
            raise click.UsageError("--statement is missing. Next: say in your own words what you vouch for")
        record, policy = _verdict_of(report_dir), _policy(project)
        draft_of = _drafting(record, line, report_dir, project, policy)
        private = _private_key(key, passphrase)
        person, role = signing.who_signs(policy, private, signer, role)
        words = signing.checked_statement(click.prompt("Statement") if statement is None else statement, project)
        draft = draft_of(signing.Signing(person, role, words, _now()))
        for row in draft.shown:
            _say(row)
        if not yes and not click.confirm("Sign this?"):
            _end(REFUSED, ["nothing was signed"])
        signing.seal(draft, private)
        if line is None:
            signing.show_on_page(record, report_dir, project, policy, _now())
    except signing.Refusal as refusal:
        _end(REFUSED, [str(refusal)])
    except (Fault, NotProven) as error:
        _end(UNREADABLE, [str(error)])
    except OSError as error:
        _end(UNREADABLE, [f"{error.filename}: cannot be written: {error.strerror}"])
    for place in draft.places:
        click.echo(f"{click.style('signed:', fg='green', bold=True)} {place}")
    if line is not None:
        click.echo("Next: pytest --golive, which counts it.")


def _drafting(
    record: VerdictRecord, line: str | None, report_dir: Path, project: Path, policy: Policy
) -> Callable[[Signing], Any]:
    from pytest_kraken_golive.signoff import sign as signing  # noqa: PLC0415 - each command imports what it needs

    if line is None:
        return lambda by: signing.draft_run(record, report_dir, project, policy, by)
    return lambda by: signing.draft_line(record, line, report_dir, project, by)


def _private_key(path: Path, passphrase: Passphrase) -> SigningKey:
    from pytest_kraken_golive.signoff.private_keys import read_key  # noqa: PLC0415 - each command imports what it needs

    return read_key(path, passphrase)


def _passphrase(variable: str | None, file: Path | None, *, asking: bool) -> Passphrase:
    """Where the passphrase comes from: the variable, the file, or the person at the terminal."""
    from pydantic import SecretStr  # noqa: PLC0415 - each command imports what it needs

    from pytest_kraken_golive.signoff.private_keys import read_passphrase  # noqa: PLC0415 - as above

    def ask() -> SecretStr | None:
        if variable is not None:
            value = os.environ.get(variable)
            return None if value is None else SecretStr(value)
        if file is not None:
            return read_passphrase(file)
        return SecretStr(click.prompt("Passphrase of the key", hide_input=True)) if asking else None

    return ask


def _make_key(path: Path, protected: bool, passphrase: Passphrase, *, asking: bool) -> None:
    from pydantic import SecretStr  # noqa: PLC0415 - each command imports what it needs

    from pytest_kraken_golive.contract import Fault  # noqa: PLC0415 - as above
    from pytest_kraken_golive.signoff.private_keys import new_key  # noqa: PLC0415 - as above

    secret: SecretStr | None = None
    if protected:
        secret = passphrase()
        if secret is None or not secret.get_secret_value():
            raise Fault("the passphrase that was named is empty or absent. Next: set it, or leave the option out.")
    elif asking:
        words = click.prompt(
            "Passphrase (empty for none)", hide_input=True, confirmation_prompt=True, default="", show_default=False
        )
        secret = SecretStr(words) if words else None
    made = new_key(path, secret)
    click.echo(f"{path} holds your private key: keep it to yourself. Add to config/golive.yaml, in a reviewed commit:")
    click.echo(f"\nsigners:\n  your_id:\n    name: Your Name\n    key: {made.public_text}\n    roles: [trader]")


# --- verify ----------------------------------------------------------------------------------------------------------


@click.command(short_help="Check a bundle offline: every byte, and who signed.")
@click.argument("bundle", type=_CLI_FILE, default=Path("reports/bundle"))
@click.option(
    "--policy", "policy_file", type=_CLI_FILE, help="Whose keys count.  [default: config/golive.yaml of this folder]"
)
@_as_json
def verify(bundle: Path, policy_file: Path | None, as_json: bool) -> None:
    """Check BUNDLE (default: reports/bundle): each byte, that all of it is of one run, and who signed.

    Exit status: 0 whole and validly signed; 1 altered or void; 2 cannot be read; 3 whole, but not signed.
    """
    from pytest_kraken_golive.signoff import verify as checking  # noqa: PLC0415 - each command imports what it needs
    from pytest_kraken_golive.signoff.sign import told  # noqa: PLC0415 - each command imports what it needs

    policy, named = _vouching_policy(bundle, policy_file)
    try:
        found = checking.verify(bundle, policy, _now())
    except checking.Unreadable as error:
        _end(UNREADABLE, [f"{error}."])
    signed = () if found.signatures is None else found.signatures.valid
    lacking = () if found.signatures is None or found.exit_status != UNSIGNED else found.signatures.lacking
    if as_json:
        outcome = {
            "exit_status": found.exit_status,
            "problems": list(found.problems),
            "run_id": None if found.record is None else found.record.data.run_id,
            "verdict": None if found.record is None else found.record.data.verdict,
            "signers_from": named,
            "signatures": [one.document() for one in signed],
            "lacking": list(lacking),
        }
        click.echo(json.dumps(outcome, indent=2, ensure_ascii=False))
        sys.exit(found.exit_status)
    for row in told(found.record) if found.record is not None else ():
        _say(row)
    for one in signed:
        about = one.document()
        _say(f"signed      {one.name} ({one.signer}) as {one.role}, {about['signed_at']}: {one.statement}")
    click.echo(f"signers     from {named}" if named else "signers     from no policy: nobody vouches for the keys")
    for problem in found.problems:
        _say(problem, word="altered:")
    for lack in lacking:
        _say(lack, word="not signed:", colour="yellow")
    if found.exit_status == GOOD:
        click.echo(click.style("whole and signed", fg="green", bold=True))
    sys.exit(found.exit_status)


def _vouching_policy(bundle: Path, file: Path | None) -> tuple[Policy | None, str | None]:
    """The policy that says whose keys count, and its name; never one that lies in the bundle."""
    from pytest_kraken_golive.contract import Fault  # noqa: PLC0415 - each command imports what it needs
    from pytest_kraken_golive.policy import FILE, read_policy  # noqa: PLC0415 - each command imports what it needs

    path = file or Path(FILE)
    if file is None and not os.path.lexists(path):
        return None, None
    if path.resolve().is_relative_to(bundle.resolve()):
        _end(
            UNREADABLE,
            [f"{path} lies in the bundle, which cannot vouch for itself. Next: name the project's own by --policy."],
        )
    try:
        return read_policy(path, str(path)), os.path.abspath(path)
    except Fault as error:
        _end(UNREADABLE, [str(error)])


# --- verdict ---------------------------------------------------------------------------------------------------------


@click.command(short_help="For deploy scripts: may this go live?")
@click.option("--require", type=click.Choice(["production", "paper", "rehearsal"]), help="What the run must have been.")
@click.option("--commit", metavar="HEAD|SHA", help="The commit it must be of.  [default for production: HEAD]")
@click.option("--max-age", metavar="TIME", help="How old it may be: 90s, 30m, 1h, 2d.")
@click.option("--allow-dirty", is_flag=True, help="Files may differ from the commit.")
@_report_dir
@_project
@_as_json
def verdict(
    *,
    require: Any,
    commit: str | None,
    max_age: str | None,
    allow_dirty: bool,
    report_dir: Path,
    project: Path,
    as_json: bool,
) -> None:
    """Say whether the last verdict may be relied upon, and why not.

    With --require, exit status: 0 all holds; 1 something does not, one line for each reason; 2 cannot be read. Without,
    it shows the verdict: 0 GO, 10 NO-GO, 11 INCOMPLETE; 1 a GO that does not count any more; 2 cannot be read.
    """
    from pytest_kraken_golive.signoff import demands as asking  # noqa: PLC0415 - each command imports what it needs
    from pytest_kraken_golive.signoff.sign import told  # noqa: PLC0415 - each command imports what it needs

    if require is None and (commit or max_age or allow_dirty):
        raise click.UsageError("--commit, --max-age and --allow-dirty need --require. Next: say what the run must be")
    try:
        longest = None if max_age is None else asking.age(max_age)
    except ValueError as error:
        raise click.UsageError(f"--max-age: {error}") from error
    project = Path(os.path.abspath(project))
    record, policy, now = _verdict_or_status(report_dir, require), _policy(project), _now()
    signed = asking.signatures_of(record, report_dir, policy, now)
    if require is None:
        reasons = asking.outdated(record, project, now) if record.data.verdict == "GO" else []
        reasons += [str(void) for void in signed.void if void.altered]
        status = {"GO": REFUSED if reasons else GOOD, "NO-GO": 10, "INCOMPLETE": 11}[record.data.verdict]
    else:
        wanted = asking.Demands(require, commit, longest, allow_dirty, policy.required)
        reasons = asking.against(record, signed, wanted, project, now)
        status = REFUSED if reasons else GOOD
    if as_json:
        outcome = {
            "exit_status": status,
            "reasons": reasons,
            "verdict": record.data.verdict,
            "scope": record.data.scope.name,
            "run_id": record.data.run_id,
            "commit": record.data.commit,
            "age_s": round((now - record.data.finished_at).total_seconds()),
            "signatures": [one.document() for one in signed.valid],
            "void": [str(void) for void in signed.void],
        }
        click.echo(json.dumps(outcome, indent=2, ensure_ascii=False))
        sys.exit(status)
    for row in told(record) if require is None else (record.headline,):
        _say(row)
    click.echo(f"age         {asking.span(now - record.data.finished_at)}")
    for one in signed.valid:
        click.echo(
            f"signed      {one.name} ({one.signer}) as {one.role}, {one.document()['signed_at']}: {one.statement}"
        )
    for void in signed.void:
        _say(f"void        {void}")
    if not signed.valid:
        click.echo("signed      by nobody")
    _end(status, reasons)


def _verdict_or_status(report_dir: Path, require: str | None) -> VerdictRecord:
    """The verdict; a run that did not end is a NO-GO where only the verdict's own status is asked for."""
    if require is not None:
        return _verdict_of(report_dir)
    try:
        return _verdict_of(report_dir)
    except SystemExit as ended:
        sys.exit(10 if ended.code == REFUSED else ended.code)


# --- check-report ----------------------------------------------------------------------------------------------------


@click.command("check-report", short_help="Judge a bot's saved report alone.")
@click.argument("file", type=_CLI_FILE)
@click.option("--entrypoint", help="Who was started.  [default: whom the report names]")
@click.option("--config", type=_CLI_FILE, default=Path("config/runtime.yaml"), show_default=True, help="runtime.yaml.")
def check_report(file: Path, entrypoint: str | None, config: Path) -> None:
    """Judge FILE, the report of a paper run, by the rules of the gate's lines about it.

    Exit status: 0 it bears out a good run; 1 it does not; 2 report or configuration cannot be read.
    """
    from pytest_kraken_golive.signoff import saved_report as judging  # noqa: PLC0415 - each command imports its own

    try:
        found = judging.judge(file, Path(os.path.abspath(config)), entrypoint, _now())
    except judging.Unreadable as error:
        _end(UNREADABLE, [str(error)])
    for problem in found.problems:
        _say(problem, word="wrong:")
    if not found.problems:
        others = ", ".join(found.entrypoints)
        click.echo(f"{file}: bears out a good paper run of {found.entrypoint}; it speaks of {others}")
    click.echo("A report alone does not show:")
    for one in judging.NOT_SHOWN:
        click.echo(f"  - {one}")
    sys.exit(REFUSED if found.problems else GOOD)


COMMANDS = (sign, verify, verdict, check_report)
