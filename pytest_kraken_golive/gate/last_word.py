"""The last word of a run, after everyone else's: all reports, the verdict, what GitHub is told, exit status."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kraken_golive.gate.request import Options
from pytest_kraken_golive.gate.session import Gate, last_line
from pytest_kraken_golive.gate.verdict import Decision, exit_status
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting.page import fitting
from pytest_kraken_golive.reporting.signoff_page.proof import FILE as PROOF_FILE
from pytest_kraken_golive.stash import ALLURE, GATE, VERDICT_FILE, WORLDS
from pytest_kraken_golive.whole_file import replace_text

if TYPE_CHECKING:
    from pytest_kraken_golive.reporting.github import Silence


def last_word(config: pytest.Config) -> Generator[None, int, int]:
    """Decide after everyone else: verdict file, last line, exit status."""
    file = config.stash[VERDICT_FILE]
    silence = _silence(config)
    try:
        status = yield
    except BaseException as error:
        file.say_no_go(f"the run could not start: {str(error) or type(error).__name__}")
        raise
    gate = config.stash.get(GATE, None)
    if gate is None:
        file.say_no_go("the run could not start")
        return status if status else int(pytest.ExitCode.INTERNAL_ERROR)
    if config.option.golive_prove:
        proof = json.dumps(proof_without_secrets(config, gate), indent=1, ensure_ascii=False)
        replace_text(gate.options.report_dir / PROOF_FILE, proof)
    document, exit_code = _decide(gate, int(status), config)
    redactor = config.stash[WORLDS].redactor
    written = file.put(document, redactor)
    if written["verdict"] != document["verdict"]:  # it held a secret
        exit_code = exit_status(Decision.NO_GO, exit_code)
        if ALLURE in config.stash:
            config.stash[ALLURE].begin(written["reason"])
    _write_bundle(config, gate.options, redactor)
    last = redactor.text(last_line(written, file.path, config.invocation_params.dir))
    if silence is not None:
        from pytest_kraken_golive.reporting.github import harmless, tell  # noqa: PLC0415 - only there

        annotations = tell(written, os.environ, gate.options.rootdir, redactor)
        _print_lines(config, [*silence.end(), *annotations])
        last = harmless(last)
    _print_last(config, last)
    return exit_code


def _silence(config: pytest.Config) -> Silence | None:
    """In GitHub Actions: no line that is printed before the verdict's own is a command there; None elsewhere."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return None
    from pytest_kraken_golive.reporting.github import Silence  # noqa: PLC0415 - only there

    silence = Silence()
    _print_lines(config, [silence.begin()])
    config.add_cleanup(lambda: _print_lines(config, silence.end()))  # after pytest's word where nothing could start
    return silence


def _print_lines(config: pytest.Config, lines: Iterable[str]) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    for line in lines:
        print(line, flush=True) if reporter is None else reporter.write_line(line)
    if reporter is not None:
        reporter.flush()  # what goes to the other stream comes behind it


def _write_bundle(config: pytest.Config, options: Options, redactor: Redactor) -> None:
    """Put together what the verdict rests on; what stands in the way is said, for nobody can sign without it."""
    from pytest_kraken_golive.signoff import bundle  # noqa: PLC0415 - only at the end of a run

    allure = getattr(config.option, "allure_report_dir", None)
    try:
        bundle.build(
            options.report_dir, options.rootdir, allure=Path(allure) if allure else None, leaks_at=redactor.place_in
        )
    except bundle.BundleError as error:
        told = f"no bundle: {error}. Next: correct that, and run again; without a bundle nobody can sign."
        _print_lines(config, [redactor.text(told)])


def _decide(gate: Gate, status: int, config: pytest.Config) -> tuple[dict[str, Any], int]:
    """The verdict, once all reports are written and looked through: what is found there changes it."""
    document, exit_code = gate.conclude(status, config)
    written = write_reports(config, document)
    if gate.sweep(config.stash[WORLDS].credentials, config) or not written:
        document, exit_code = gate.conclude(status, config)
        write_reports(config, document)
    if ALLURE in config.stash:
        config.stash[ALLURE].close()
    return document, exit_code


def write_reports(config: pytest.Config, document: dict[str, Any]) -> bool:
    """All that is made from the verdict, but not the verdict itself, which comes last. Whether it could be written."""
    if ALLURE not in config.stash:
        return True
    from pytest_kraken_golive.gate.allure import write_results  # noqa: PLC0415 - only where allure-pytest is present

    return write_results(config, document)


def _print_last(config: pytest.Config, line: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    colour = {"green": True} if " GO " in line[:6] else {"red": True}
    line = fitting(line, getattr(sys.stdout, "encoding", None))
    if reporter is not None:
        writer = config.get_terminal_writer()
        if writer.hasmarkup:  # a person's screen: a program that reads this gets the one line
            line = textwrap.fill(line, writer.fullwidth - 1, break_long_words=False, break_on_hyphens=False)
        reporter.write_line(line, bold=True, **colour)
    else:
        print(line)


def proof_without_secrets(config: pytest.Config, gate: Gate) -> dict[str, Any]:
    """The proof without secrets."""
    document: dict[str, Any] = config.stash[WORLDS].redactor.data(gate.ledger.proof.document(gate.run_id))
    return document
