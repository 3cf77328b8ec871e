"""From the verdict document to one self-contained page."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_kraken_golive.reporting.page import SIGNS
from pytest_kraken_golive.reporting.signoff_page.blocking import blocking, further, said, sign_of, words_of
from pytest_kraken_golive.reporting.signoff_page.evidence import sources
from pytest_kraken_golive.reporting.signoff_page.identity import about
from pytest_kraken_golive.reporting.signoff_page.parts import parts
from pytest_kraken_golive.reporting.signoff_page.proof import proof_beside, proof_of
from pytest_kraken_golive.reporting.signoff_page.standing import standing
from pytest_kraken_golive.reporting.signoff_page.texts import NOT_RECORDED, between, lasted, moment, visible
from pytest_kraken_golive.reporting.verdict_file import PAGE, as_text
from pytest_kraken_golive.whole_file import replace_text


def render(
    document: dict[str, Any],
    *,
    run_signatures: Sequence[dict[str, Any]] = (),
    proof: dict[str, Any] | None = None,
    root: str = "..",
) -> str:
    """The page as HTML.

    Args:
        document: the content of `verdict.json`, already redacted; see `gate.document`.
        run_signatures: valid signatures of the run as a whole, each with `signer`, `name`, `role`, `signed_at` and
            `statement`.
        proof: the content of `proof.json` if it is of the same run; see `proof_beside`.
        root: where the project's root lies, seen from the folder of the page: links to runbooks begin there.
    """
    environment = _environment()
    head = standing(document)
    footer = _footer(document, head.scope)
    page = environment.get_template("page.html.j2").render(
        document=document,
        head=head,
        blocking=blocking(document),
        books=[(book, parts(book["lines"])) for book in document["runbooks"]],
        took=between(document["started_at"], document["finished_at"]),
        counts=[(outcome, document["counts"][outcome]) for outcome in SIGNS if document["counts"].get(outcome)],
        about=list(about(document, _digest(document))),
        run_signatures=list(run_signatures),
        proof=None if proof is None else proof_of(proof, document),
        waivers=document.get("waivers"),
        warnings=document.get("warnings"),
        signatures=_signatures(document),
        root=root,
        policy=_policy(footer),
        style=_source("page.css"),
        script=_source("page.js"),
        footer=footer,
    )
    return str(page)


def write(
    report_dir: Path, document: dict[str, Any], *, run_signatures: Sequence[dict[str, Any]] = (), root: Path
) -> Path:
    """Write the page anew beside its verdict, whole or not at all; the arguments are as with `render`."""
    path = report_dir / PAGE
    seen_from = root_seen_from(report_dir, root)
    proof = proof_beside(report_dir, document)
    replace_text(path, render(document, run_signatures=run_signatures, proof=proof, root=seen_from))
    return path


def root_seen_from(report_dir: Path, root: Path) -> str:
    """The project's root as a link from the folder of the page."""
    try:
        return quote(Path(os.path.relpath(root, report_dir)).as_posix())
    except ValueError:  # another drive of Windows
        return root.absolute().as_uri()


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pytest_kraken_golive.reporting.signoff_page"),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "NOT_RECORDED": NOT_RECORDED,
        "sources": sources,
        "said": said,
        "further": further,
        "place": _place,
    }
    environment.filters |= {
        "sign": sign_of,
        "outcome": words_of,
        "moment": moment,
        "lasted": lasted,
        "anchor": lambda line_id: f"line-{quote(line_id)}",
    }
    return environment


@functools.cache
def _source(name: str) -> Markup:
    """A style or a script of this package, to stand in the page as it is."""
    environment = _environment()
    assert environment.loader is not None
    text = environment.loader.get_source(environment, name)[0].replace("\r\n", "\n")  # as a browser hashes it
    return Markup(text)  # noqa: S704 - a file of our own


def _place(root: str, path: str, line: int) -> str:
    """A link to a line of a runbook; one that lies elsewhere is linked where it lies."""
    where = Path(path)
    address = where.as_uri() if where.is_absolute() else f"{root}/{quote(path)}"
    return f"{address}#L{line}"


def _policy(footer: str) -> str:
    """The Content-Security-Policy: these very styles and this very script, and pictures that are in the page itself."""
    styles = " ".join(f"'sha256-{_hash(style)}'" for style in (_source("page.css"), footer))
    script = f"'sha256-{_hash(_source('page.js'))}'"
    return (
        f"default-src 'none'; style-src {styles}; script-src {script}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _digest(document: dict[str, Any]) -> str:
    """Of `verdict.json` as it is written: a signature on paper is bound to it by this."""
    return hashlib.sha256(as_text(document).encode(errors="backslashreplace")).hexdigest()


def _signatures(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]] | None:
    """Signatures under single lines, each with the line's id; None where the document does not say."""
    lines = [line for book in document["runbooks"] for line in book["lines"]]
    if not lines or any("signatures" not in line for line in lines):
        return None
    return [(line["id"], one) for line in lines for one in line["signatures"]]


def _footer(document: dict[str, Any], scope: str) -> Markup:
    """A style that prints the verdict and its run at the foot of each sheet: a single one cannot be misread."""
    told = re.sub(r"[^\w ,.()/-]", "?", f"{document['verdict']} ({scope}), run {document['run_id'] or 'without end'}")
    return Markup('@page { @bottom-left { content: "%s" } }' % told)  # noqa: S704, UP031 - no character of it is markup
