"""Import the accepted builds of an older layout into the release store, once.

Until November 2026 accepted builds lay in ``builds/<name>/`` with their sites, ``builds/log.json``
told their order, and data/raw held the raw files in use, with the others in ``set-aside``. All of
that stays as it is; builds, raw files and sites are copied.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.core.files import read_json
from analysis.release import store
from analysis.release.disk import refuse_system_errors
from analysis.release.raw import SET_ASIDE

BUILDS = Path("builds")
LOG = BUILDS / "log.json"
#: In each build and site that came by a refresh: which one it is.
MARK = "publication.json"
IMPORTED = store.RELEASES / ".imported"
_KEYS = {"event", "name", "as_of", "data_version", "files", "notes", "at"}


def adopt(root: Path) -> None:
    """Make releases of the builds that an older version accepted, and publish the last one.

    Releases and sites are put into their places one by one, each as a whole; if this is
    interrupted, the next command does the rest. The link ``_site`` comes last.

    Raises
    ------
    Refused
        When the old log cannot be read.
    """
    if not (root / LOG).exists() or (root / IMPORTED).exists():
        return
    with refuse_system_errors(root):
        shown: list[store.Release] = []
        found: list[store.Release] = []
        for event in _events(root):
            if event["event"] == "rolled back to":
                while shown and shown[-1].name != event["name"]:
                    shown.pop()
                continue
            last = shown[-1] if shown else store.Release()
            past = {*last.superseded, *last.files.values()}
            release = store.Release(
                name=event["name"],
                number=len(found) + 1,
                previous=last.name,
                files=event["files"],
                superseded=tuple(sorted(past - set(event["files"].values()))),
                as_of=event["as_of"],
                data_version=event["data_version"],
                # Else it is what `make report` had published before the first refresh.
                accepted_at=event["at"] if event["event"] == "accepted" else "",
                notes=tuple(event["notes"]),
                published=True,
            )
            found.append(release)
            shown.append(release)
        for release in found:
            _import(root, release, is_last=release is shown[-1])
        if shown and not store.published_name(root):
            _publish(root, shown[-1].name)
        (root / IMPORTED).touch()


def _events(root: Path) -> list[dict[str, Any]]:
    """Return what the old log tells; a broken one is not an empty one."""
    try:
        events = json.loads((root / LOG).read_text(encoding="utf-8"))["events"]
        if all(event.keys() >= _KEYS for event in events):
            return list(events)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    remedy = "Restore it from a backup; or move it away, and go on without these builds."
    raise store.refusal(LOG, "this cannot be read", remedy)


def _import(root: Path, release: store.Release, is_last: bool) -> None:
    """Put a release, its raw files and its site into their places, unless they are there."""
    old = root / BUILDS / release.name
    for place, sha256 in release.files.items():
        aside = root / store.DATA / SET_ASIDE / sha256[:16] / place
        for path in (root / store.DATA / place, aside):
            if store.holds(path, sha256):
                store.keep_raw(root, path, sha256)
                break
    if is_last:  # what somebody has taken out of data/raw since counted no more
        files = {p: s for p, s in release.files.items() if (root / store.RAW / s).exists()}
        gone = {*release.superseded, *release.files.values()} - set(files.values())
        release = replace(release, files=files, superseded=tuple(sorted(gone)))
    if not (root / store.RELEASES / release.name).exists():
        store.put_release(root, release, old, leave=("site", MARK))
    if (old / "site" / "index.html").is_file() and not (root / store.SITES / release.name).exists():
        store.put_site(root, old / "site", release.name)


def _publish(root: Path, name: str) -> None:
    """Make ``_site`` a link: to the site of a release, or to what `make report` published since."""
    site = root / store.SITE
    if site.is_dir() and read_json(site / MARK).get("publication") == name:
        site.rename(store.new_folder(root / store.SITES) / name)  # its copy is in sites/
    store.take_over(root, previous=name)
    # Where this was interrupted after the step before, a release of `make report` waits.
    waits = [each for each in store.manifests(root) if each.startswith("report-")]
    store.point(root, waits[-1] if waits else name)
