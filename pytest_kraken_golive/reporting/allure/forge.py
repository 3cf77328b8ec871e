"""Where a runbook's line can be read on the web: at the commit that was judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

_LINES = {
    "github.com": "/blob/{commit}/{path}?plain=1#L{line}",
    "gitlab.com": "/-/blob/{commit}/{path}?plain=1#L{line}",
    "bitbucket.org": "/src/{commit}/{path}#lines-{line}",
    "codeberg.org": "/src/commit/{commit}/{path}?display=source#L{line}",
}
"""How forges write the address of a line."""

_SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>[^/].*)")


def repository(remote: str | None, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Address of the repository's page, and how to go on from there to a line; None where nobody knows.

    Args:
        remote: as git knows it; user names and tokens in it are left out.
        environ: CI of GitHub and GitLab names the page itself, also on a host of one's own.
    """
    if "GITHUB_SERVER_URL" in environ and "GITHUB_REPOSITORY" in environ:
        return f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}", _LINES["github.com"]
    if "GITLAB_CI" in environ and "CI_PROJECT_URL" in environ:
        return environ["CI_PROJECT_URL"], _LINES["gitlab.com"]
    if remote is None:
        return None
    host, path = _host_and_path(remote)
    if host not in _LINES or not path:
        return None
    return f"https://{host}/{path}", _LINES[host]


def _host_and_path(remote: str) -> tuple[str, str]:
    if "://" in remote:
        parts = urlsplit(remote)
        host, path = parts.hostname or "", parts.path
    elif (found := _SCP.fullmatch(remote)) is not None:
        host, path = found["host"], found["path"]
    else:
        return "", ""
    return host.lower(), path.strip("/").removesuffix(".git")


class Links:
    """Makes the addresses of lines; none where a line's place in the commit is not known."""

    def __init__(self, page: tuple[str, str] | None, commit: str | None, prefix: str = "") -> None:
        self._page = page
        self._commit = commit
        self._prefix = prefix
        """The project's folder within its repository, with a slash at its end; empty: the repository itself."""

    def to(self, path: str, line: int) -> str | None:
        """The address of a line of a file below the project's root."""
        if self._page is None or self._commit is None or path.startswith(("/", "..")):
            return None
        page, rest = self._page
        return page + rest.format(commit=self._commit, path=quote(self._prefix + path), line=line)
