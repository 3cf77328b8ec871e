"""Ways in which a production environment says too little, too much, or something that two programs read differently."""

from __future__ import annotations

import base64
import os
from typing import Any

from pytest_kraken_golive.bot.names import LARGEST_ORDER, LIMIT_VARIABLES
from pytest_kraken_golive.contract import Break, Copy, sabotage

ENV = ".env"
KEY, SECRET, SWITCHER, BASE_URL = "KRAKEN_API_KEY", "KRAKEN_API_SECRET", "KRAKEN_USE_SANDBOX", "KRAKEN_BASE_URL"


def says(name: str, variable: str, text: str | None, expect: str, why: str) -> Break:
    """A break that lets `.env` set a variable to a text as it stands in the file, or not at all."""

    def act(copy: Any) -> None:
        copy.set_variable(variable, text)

    act.__doc__ = why
    return Break(name, act, expect)


def _base64_of(count: int) -> str:
    return base64.b64encode(bytes(range(count))).decode()


@sabotage("set a second time")
def variable_set_twice(copy: Copy) -> None:
    """Some programs take the first, some the last."""
    copy.write(ENV, f"{SWITCHER}=true\n" + copy.read(ENV))


@sabotage("expected NAME=value")
def line_that_sets_nothing(copy: Copy) -> None:
    """A quote that is never closed: what follows is read by nobody."""
    copy.write(ENV, copy.read(ENV) + 'OTHER="never closed\n')


@sabotage("expected UTF-8 text")
def env_in_another_encoding(copy: Copy) -> None:
    """A file as Windows editors save it."""
    copy.write(ENV, copy.read(ENV).encode("utf-16"))


BROKEN_FILE = [variable_set_twice, line_that_sets_nothing, env_in_another_encoding]

CREDENTIALS = [
    says("key_is_absent", KEY, None, KEY, "Half of the key pair."),
    says("key_is_empty", KEY, "", "found nothing", "A name without a value."),
    says("key_with_space", KEY, "'AB CD'", "white space", "A key that was pasted with a blank."),
    says("key_in_another_script", KEY, "\u041a" * 56, "printable ASCII", "Letters that only look right."),
    says("key_is_the_secret", KEY, f"${{{SECRET}}}", "the same text as at", "The secret was pasted twice."),
    says("secret_is_absent", SECRET, None, SECRET, "The other half."),
    says("secret_is_misspelt", f"{SECRET}S", "c2VjcmV0", SECRET, "A name that nobody reads, beside the right one."),
    says("secret_of_63_bytes", SECRET, _base64_of(63), "found 63 bytes", "A byte was lost."),
    says("secret_of_65_bytes", SECRET, _base64_of(65), "found 65 bytes", "A byte too many."),
    says("secret_with_spaces", SECRET, f"'{_base64_of(64)[:44]} {_base64_of(64)[44:]}'", "white space", "Two lines."),
    says("secret_is_padded", SECRET, f"'{_base64_of(64)} '", "white space", "A blank at its end."),
    says("secret_is_cut", SECRET, _base64_of(64)[:-3], "Base64", "The end was not copied."),
    says("secret_for_urls", SECRET, "-_" * 43 + "A=", "Base64", "The other alphabet of Base64."),
    says("secret_is_a_word", SECRET, "your-secret-here", "Base64", "What the example says."),
    *BROKEN_FILE,
]


@sabotage("found none")
def no_env_file(copy: Copy) -> None:
    """There is no such file."""
    copy.remove(ENV)


@sabotage("mode 0644")
def readable_by_all(copy: Any) -> None:
    """Everyone on the machine can read it."""
    (copy.root / ENV).chmod(0o644)


@sabotage("mode 0640")
def readable_by_group(copy: Any) -> None:
    """The group can read it."""
    (copy.root / ENV).chmod(0o640)


@sabotage("mode 0777")
def folder_is_everybody_s(copy: Any) -> None:
    """Anybody can put another file in its place."""
    copy.root.chmod(0o777)


@sabotage("a link to")
def link_to_readable_file(copy: Any) -> None:
    """The link is private, what it leads to is not."""
    target = copy.root / "var" / "shared"
    (copy.root / ENV).rename(target)
    target.chmod(0o644)
    os.symlink(target, copy.root / ENV)


@sabotage("a link to")
def link_to_tracked_file(copy: Any) -> None:
    """The link is ignored, what it leads to is in the repository."""
    target = copy.root / "production.cfg"
    (copy.root / ENV).rename(target)
    os.symlink(target, copy.root / ENV)
    copy.git("add", "-f", "production.cfg")


@sabotage("git's index")
def tracked(copy: Any) -> None:
    """Added by force: the next commit has it."""
    copy.git("add", "-f", ENV)


@sabotage("never committed")
def committed_long_ago(copy: Any) -> None:
    """It was removed the next day; the history keeps it."""
    copy.git("add", "-f", ENV)
    copy.git("commit", "-q", "-m", "all of it")
    copy.git("rm", "-q", "--cached", ENV)
    copy.git("commit", "-q", "-m", "oops")


@sabotage("never committed")
def committed_on_another_branch(copy: Any) -> None:
    """The branch in use never had it."""
    copy.git("checkout", "-q", "-b", "experiment")
    committed_long_ago.act(copy)
    copy.git("checkout", "-q", "-")


@sabotage(".gitignore")
def not_ignored(copy: Any) -> None:
    """Nothing keeps it out of the next commit."""
    copy.write(".gitignore", "reports/\n")


@sabotage(".gitignore")
def let_in_again(copy: Any) -> None:
    """A later rule takes the exclusion back."""
    copy.write(".gitignore", copy.read(".gitignore") + "\n!.env\n")


@sabotage("git init")
def no_repository(copy: Any) -> None:
    """Nobody can tell what was ever committed."""
    (copy.root / ".git").rename(copy.root / "git-was-here")


@sabotage("shallow")
def shallow_clone(copy: Any) -> None:
    """A history without its beginning."""
    copy.git("commit", "-q", "--allow-empty", "-m", "a second one")
    copy.git("fetch", "-q", "--depth=1", (copy.root / ".git").as_uri(), "HEAD")


PRIVATE_FILE_IF_THERE = [
    readable_by_all,
    readable_by_group,
    folder_is_everybody_s,
    link_to_readable_file,
    link_to_tracked_file,
    tracked,
    committed_long_ago,
    committed_on_another_branch,
    not_ignored,
    let_in_again,
    no_repository,
    shallow_clone,
]
PRIVATE_FILE = [no_env_file, *PRIVATE_FILE_IF_THERE]


@sabotage("directory, environment, keyring or vault")
def unknown_store(copy: Copy) -> None:
    """A store that nobody knows must not be the usual one."""
    copy.edit("config/runtime.yaml", "secret_store.kind", "vualt")


@sabotage("found them here too")
def vault_and_env(copy: Copy) -> None:
    """The configuration names a Vault, and `.env` wins over it."""
    copy.edit("config/runtime.yaml", "secret_store.kind", "vault")


@sabotage("found another")
def another_pair_in_the_store(copy: Any) -> None:
    """Two key pairs for the live environment: which one trades?"""
    _store(copy, "Q" * 56)


@sabotage("found that key with another secret than that of .env:")
def another_secret_in_the_store(copy: Any) -> None:
    """Of one key, two secrets: one of them was pasted wrongly."""
    lines = copy.read(ENV).splitlines()
    _store(copy, next(line.partition("=")[2] for line in lines if line.startswith(f"{KEY}=")))


def _store(copy: Any, key: str) -> None:
    folder = copy.root / "secrets" / "kraken_live_trading"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("api_key", key), ("api_secret", _base64_of(64))):
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o600)


@sabotage("found it in deploy/production.txt")
def copy_under_another_name(copy: Any) -> None:
    """`.env` is ignored; a copy of it is not."""
    copy.write("deploy/production.txt", copy.read(ENV))
    copy.git("add", "-f", "deploy/production.txt")


@sabotage("found it in scripts/deploy.sh")
def copy_in_a_script(copy: Any) -> None:
    """Nobody has added it to git yet; the next `git add .` does."""
    copy.write("scripts/deploy.sh", f"export {copy.read(ENV)}")


@sabotage("mode 0644")
def readable_backup(copy: Any) -> None:
    """`.env` is private, and what the editor left beside it is not."""
    copy.write(".gitignore", f"{copy.read('.gitignore')}\n.env.*\n")
    copy.write(".env.bak", copy.read(ENV))
    (copy.root / ".env.bak").chmod(0o644)


STORE = [
    unknown_store,
    copy_under_another_name,
    copy_in_a_script,
    readable_backup,
    vault_and_env,
    another_pair_in_the_store,
    another_secret_in_the_store,
    says("half_a_pair", SECRET, None, SECRET, "The store must not complete it."),
]


NO_WORD = "expected true or false"
MODE = [
    says("mode_is_absent", SWITCHER, None, f"default {SWITCHER}", "Unset means sandbox."),
    says("mode_is_sandbox", SWITCHER, "true", "expected false, found true", "The switch was never thrown."),
    says("mode_is_empty", SWITCHER, "''", NO_WORD, "Empty meant production to one program and sandbox to another."),
    says("mode_begins_with_a_blank", SWITCHER, "' false'", NO_WORD, "Not false to every program."),
    says("mode_ends_with_a_blank", SWITCHER, "'False '", NO_WORD, "Not false to every program."),
    says("mode_is_no", SWITCHER, "no", NO_WORD, "A word of another program."),
    says("mode_is_off", SWITCHER, "off", NO_WORD, "A word of another program."),
    says("mode_ends_with_a_hard_blank", SWITCHER, "false\u00a0", "a no-break space", "A text processor was here."),
    says("mode_is_misspelt", SWITCHER, "flase", NO_WORD, "A slip of the fingers."),
    says("name_is_misspelt", "KRAKEN_USE_SANBOX", "true", SWITCHER, "A name that nobody reads."),
    variable_set_twice,
]


@sabotage("sandbox mode")
def production_url_in_sandbox_mode(copy: Any) -> None:
    """The bot thinks that it plays."""
    copy.set_variable(SWITCHER, "true")
    copy.set_variable(BASE_URL, "https://api.kraken.com")


@sabotage("sandbox mode")
def sandbox_without_url(copy: Any) -> None:
    """Nothing says where the sandbox is; production is not the answer."""
    copy.set_variable(SWITCHER, "true")
    copy.set_variable(BASE_URL, None)


WRONG_URL = [
    says("url_is_empty", BASE_URL, "''", BASE_URL, "Empty is not unset."),
    says("url_with_login", BASE_URL, "http://key:secret@127.0.0.1", "a login", "Keys have their own variables."),
    says("url_with_path", BASE_URL, "https://api.kraken.com/0", "a path", "The path would be doubled."),
    says("url_without_tls", BASE_URL, "http://api.kraken.com", "expected https", "Anybody on the way reads along."),
    says("url_is_misspelt", "KRAKEN_BASEURL", "http://127.0.0.1", BASE_URL, "A name that nobody reads."),
]
URL = [
    *WRONG_URL,
    says("another_host", BASE_URL, "https://api.kraken.com.evil.example", "to go to", "A host that looks right."),
    says("another_port", BASE_URL, "http://127.0.0.1:9", "to go to", "Nobody listens there."),
    production_url_in_sandbox_mode,
    sandbox_without_url,
]
SWITCH = [
    *WRONG_URL,
    production_url_in_sandbox_mode,
    sandbox_without_url,
    says("switch_is_empty", SWITCHER, "''", NO_WORD, "Empty is neither."),
    says("switch_is_misspelt", "KRAKEN_USE_SANBOX", "true", SWITCHER, "A name that nobody reads."),
]

_TEXTS = {
    "zero": "0",
    "negative": "-1",
    "nan": "nan",
    "infinite": "inf",
    "text": "fast",
    "wide_digit": "\uff12",
    "empty": "''",
    "padded": "' 2'",
}


def _no_number(variable: str, *names: str) -> list[Break]:
    positive = "positive finite number"
    return [
        says(f"{variable}_{name}".lower(), variable, _TEXTS[name], f"{variable}: expected a {positive}", "No number.")
        for name in names
    ]


BUCKETS = [
    *_no_number("KRAKEN_RL_ORDER_CAP", *_TEXTS),
    *_no_number("KRAKEN_RL_GLOBAL_FR", "zero", "nan", "empty"),
    says("less_than_a_token", "KRAKEN_RL_ORDER_CAP", "0.5", "at least 1", "No call would ever be made."),
    says("limit_name_is_misspelt", "KRAKEN_RL_MARKET_DATA_CAP", "15", "KRAKEN_RL_MD_CAP", "A name nobody reads."),
    *(
        says(f"{name}_absent".lower(), name, None, name, "The starting value applies unseen.")
        for name in LIMIT_VARIABLES
    ),
]
VALUES = [
    says("larger_capacity", "KRAKEN_RL_GLOBAL_CAP", "21", "at most 20", "One more, and nothing measured."),
    says("larger_rate", "KRAKEN_RL_ORDER_STATUS_FR", "1.51", "at most 1.5", "A little more, and nothing measured."),
    says("much_larger", "KRAKEN_RL_ORDER_CAP", "1e3", "at most 10", "A number in another dress."),
    says("no_number", "KRAKEN_RL_MD_FR", "nan", "positive finite number", "It compares with nothing."),
    says("limit_absent", "KRAKEN_RL_MD_CAP", None, "KRAKEN_RL_MD_CAP", "Nothing to compare."),
]
DRAWS = [
    *_no_number("KRAKEN_RL_ORDER_STATUS_CAP", "zero", "infinite", "text"),
    says("bucket_name_misspelt", "KRAKEN_RL_STATUS_CAP", "10", "KRAKEN_RL_", "A bucket of that name is none."),
    *BROKEN_FILE,
]


@sabotage("this file does not set it")
def deployed_without_env_file(copy: Copy) -> None:
    """The service starts with nothing."""
    copy.remove(ENV)


DEPLOY = [
    says("deploy_without_key", KEY, None, KEY, "The service cannot sign."),
    says("deploy_with_short_secret", SECRET, _base64_of(32), "found 32 bytes", "The service cannot sign."),
    says("deploy_without_mode", SWITCHER, None, SWITCHER, "The service would look for a sandbox."),
    says("deploy_as_sandbox", SWITCHER, "true", "expected", "The service would play."),
    says("deploy_without_limit", "KRAKEN_RL_ORDER_FR", None, "KRAKEN_RL_ORDER_FR", "A default, unseen."),
    says("deploy_with_bad_limit", "KRAKEN_RL_ORDER_FR", "-1", "positive finite number", "No limit at all."),
    says("deploy_with_misspelt_flag", "FF_EXECUTION_MOD", "legacy", "FF_EXECUTION_MODE", "No roll-back by this."),
    says("deploy_with_unknown_mode", "FF_POLLER_MODE", "canary", "FF_POLLER_MODE", "A mode that nobody knows."),
    says("deploy_with_a_cap_that_is_none", LARGEST_ORDER, "inf", LARGEST_ORDER, "The largest order is any."),
    says("deploy_with_a_cap_in_words", LARGEST_ORDER, "fifty", LARGEST_ORDER, "The largest order is not known."),
    deployed_without_env_file,
    *BROKEN_FILE,
]
