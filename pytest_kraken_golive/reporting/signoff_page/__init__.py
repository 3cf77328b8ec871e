"""`reports/signoff.html`: the page that a person signs and an auditor reads, made from the verdict document alone.

The proof that lines can fail stands in it where one was made in the same run.
"""

from pytest_kraken_golive.reporting.signoff_page.proof import proof_beside
from pytest_kraken_golive.reporting.signoff_page.render import render, root_seen_from, write

__all__ = ["proof_beside", "render", "root_seen_from", "write"]
