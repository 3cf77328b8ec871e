"""The report of a paper run, each value with its place: what the bot says about itself."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_kraken_golive.contract import Found, NotProven
from pytest_kraken_golive.deployment.documents import Document, load_json
from pytest_kraken_golive.deployment.section import Section

SECTION = "paper_exchange_metrics"
SUMMARY = "summary"

KEYS = (
    *("mode", "entrypoint", "run_id", "config_sha256", "started_at", "finished_at", "status", "errors", "warnings"),
    *("validation", "checkpoint", "metrics_endpoint", "decision_events", "guardrails", "io_queue", SECTION),
)
"""What the stock lines read at the top of a report."""


class PaperReport(Section):
    """A report as the bot wrote it. Absent keys raise `NotProven`, wrong types `Fault`; nothing has a default."""

    @classmethod
    def load(cls, path: Path, root: Path) -> PaperReport:
        """Read a report.

        Args:
            path: the file.
            root: messages show the path relative to this folder where they can.

        Raises:
            NotProven: it is missing or empty.
            Fault: it is no JSON object; a bare NaN and a duplicate key count as that.
        """
        shown = os.path.relpath(path, root)
        return cls(load_json(path, Path(shown).as_posix() if not shown.startswith("..") else path.name))

    def lacking(self) -> list[str]:
        """Those of `KEYS` that it does not have, so that an author learns of all at once."""
        return [key for key in KEYS if not self.has(key)]

    def summary(self, key: str) -> Found:
        """A field of `paper_exchange_metrics.summary`, of whatever type.

        Raises:
            NotProven: absent; a report without summary is of an older generation and proves nothing.
        """
        return self.at(SECTION, SUMMARY, key)

    @property
    def document(self) -> Document:
        """The whole file."""
        return self._document

    @property
    def entrypoint_names(self) -> list[str]:
        """The entrypoints that the report has an entry for, sorted."""
        return sorted(name for name in self.mapping(SECTION).value if name != SUMMARY)

    def entry(self, name: str) -> Section:
        """The entry of one entrypoint.

        Raises:
            NotProven: the report has none of this name; says which it has.
            Fault: it is no mapping.
        """
        if name not in self.entrypoint_names:
            where = self.mapping(SECTION).where
            raise NotProven(
                f"{where}: expected an entry for {name}, found {', '.join(self.entrypoint_names) or 'none'}. "
                "Next: let the bot report every paper entrypoint."
            )
        section = Section(self._document, SECTION, name)
        _ = section.found
        return section
