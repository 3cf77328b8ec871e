"""What became of each break, as the proof's table: which line noticed it, which did not, and which was not tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ProofTable:
    """What became of each break, line by line."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def document(self, run_id: str | None = None) -> dict[str, Any]:
        """The table as `proof.json` holds it, with the run that it is of."""
        tried = [row for row in self.rows if row["tried"]]
        survivors = [f"{row['line']}[{row['break']}]" for row in tried if not row["killed"]]
        return {
            "run_id": run_id,
            "breaks": len(self.rows),
            "killed": len(tried) - len(survivors),
            "survivors": survivors,
            "not_tried": [f"{row['line']}[{row['break']}]" for row in self.rows if not row["tried"]],
            "rows": self.rows,
        }
