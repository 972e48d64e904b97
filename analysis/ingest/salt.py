"""Keep the salt of customers' pseudonyms: made once, private, and the same every quarter.

It lies in ``releases/``, beside the raw files, and is backed up with them. Where a machine has no
such folder, as in continuous integration, the environment gives it. With another salt, every
customer would look like a new one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from analysis.core.problems import Problem, Refused

#: Where the salt lies in a project, and the environment variable that wins over it.
PLACE = Path("releases/customer-salt")
ENVIRONMENT = "REPORT_CUSTOMER_SALT"
#: A salt that is shorter could be guessed.
SHORTEST = 16
#: The fact by which a build tells which salt its pseudonyms were made with.
FACT = "customers.salt"


def find(root: Path) -> bytes:
    """Return the salt of a project; empty where none was made yet.

    Raises
    ------
    Refused
        When it is too short to keep a secret, or cannot be read.
    """
    if told := os.environ.get(ENVIRONMENT, ""):
        return _checked(told.strip(), ENVIRONMENT)
    path = root / PLACE
    try:
        return _checked(path.read_text(encoding="ascii").strip(), str(PLACE))
    except FileNotFoundError:
        return b""
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            [
                Problem(
                    str(PLACE),
                    "the salt of customers' pseudonyms cannot be read",
                    remedy="Restore it from a backup, and make it readable for its owner.",
                )
            ]
        ) from error


def _checked(text: str, source: str) -> bytes:
    if len(text) < SHORTEST:
        raise Refused(
            [
                Problem(
                    source,
                    f"the salt of customers' pseudonyms has fewer than {SHORTEST} characters",
                    remedy="Restore it from a backup. To make a new one, which cuts all customers "
                    "from their past, remove it.",
                )
            ]
        )
    return text.encode()


def make(root: Path) -> bytes:
    """Return the salt of a project, made now if there was none.

    Two that make it at once get the same one: it is linked into place, and the first link wins.
    """
    if found := find(root):
        return found
    path = root / PLACE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".salt")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o600)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return find(root)


@cache
def passing() -> bytes:
    """Return a salt for this process alone: counts do not depend on it, and nothing is kept."""
    return secrets.token_bytes(32)


def mark(salt: bytes) -> str:
    """Return by what a salt is known again; it says nothing about the salt."""
    return hmac.new(salt, b"customer-report salt", hashlib.sha256).hexdigest()[:12]


def change(builds: Iterable[Mapping[str, Any]], salt: bytes) -> str:
    """Say that earlier pseudonyms were made with another salt; empty where they were not.

    Parameters
    ----------
    builds
        The facts of earlier builds, the newest last; the newest that has pseudonyms counts.
    salt
        The one of now; may be empty.
    """
    before = [facts[FACT] for facts in builds if facts.get(FACT)]
    if not before or (salt and before[-1] == mark(salt)):
        return ""
    now = "another one is used now" if salt else "there is none now"
    return (
        f"The salt of customers' pseudonyms has changed: an earlier report was made with one, and "
        f"{now}. Every customer would look like a new one, without a past. Restore {PLACE} from a "
        f"backup, or set {ENVIRONMENT} to what it was."
    )
