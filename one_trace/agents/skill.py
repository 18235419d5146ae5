"""The skill `one-trace`: a folder with `SKILL.md` beside One CLI's own skill, and links to it.

A marker in the folder holds what was written: the version, a digest of `SKILL.md`, the folders made for it.
What does not fit its marker was changed or made by somebody else, and is left as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from one_trace import __version__
from one_trace.agents.clients import SHARED, Place, places
from one_trace.answers.reports import AgentSkill, AgentState, SkillFolder, SkillReport, SkillState
from one_trace.guard.files import SETTINGS_LIMIT, read_plain
from one_trace.guard.private import write_whole
from one_trace.guard.text import valid
from one_trace.model.digest import blake2b

NAME = "one-trace"
FILE = "SKILL.md"
MARKER = ".one-trace.json"


class Found(NamedTuple):
    """What is at the place of the skill. `missing`: nothing; `current`, `stale` (of another version) and
    `changed` (since it was written): ours; `foreign`: anything else."""

    state: Literal["missing", "current", "stale", "changed", "foreign"]
    version: str = ""
    folders: Sequence[str] = ()
    """Folders that were made for it, as in the marker."""
    note: str | None = None


class _Marker(NamedTuple):
    version: str
    digest: str
    folders: list[str]


class Skill:
    """The skill below `root`: the home folder, or a project."""

    def __init__(self, root: Path, env: Mapping[str, str], *, project: bool) -> None:
        self.root, self.project = root, project
        self.folder = root / SHARED / NAME
        self.places = places(root, env, project=project)

    def find(self) -> Found:
        """What is there now. Raises OSError."""
        if not os.path.lexists(self.folder):
            return Found("missing")
        if self.folder.is_symlink():
            return Found("foreign", note=f"is a link to {_target(self.folder)}")
        if not self.folder.is_dir():
            return Found("foreign", note="is not a folder")
        names = os.listdir(self.folder)  # noqa: PTH208
        if not names:
            return Found("missing")
        marker = _read_marker(self.folder / MARKER)
        if marker is None:
            return Found("foreign", note="is a folder that one-trace did not write")
        version, digest, folders = marker
        file = self.folder / FILE
        if not os.path.lexists(file):
            return Found("stale", version, folders)
        if file.is_symlink() or _digest(bytes(read_plain(file, SETTINGS_LIMIT))) != digest:
            return Found("changed", version, folders, f"{FILE} was changed")
        current = digest == _digest(packaged()) and version == __version__
        return Found("current" if current else "stale", version, folders)

    def install(self, names: Sequence[str]) -> SkillReport:
        """Write the skill and link it for the agents named, else for those in use here."""
        chosen = [
            place for place in self.places if place.client.name in names or (place.exists and not names)
        ]
        skill = self._guarded(lambda found: self._install(found, chosen))
        linked = [self._link(place, skill) for place in chosen]
        rest = [place.client.name for place in self.places if place not in chosen]
        return self._report(skill, linked, rest if not names else [])

    def remove(self, names: Sequence[str]) -> SkillReport:
        """Remove the links of the agents named, else all links and the skill."""
        chosen = [place for place in self.places if not names or place.client.name in names]
        links = [self._unlink(place) for place in chosen]
        skill = self._guarded(lambda found: self._remove(found, all_of_it=not names))
        return self._report(skill, [each for each in links if each.state != "absent" or names], [])

    def _report(self, skill: SkillFolder, agents: list[AgentSkill], rest: list[str]) -> SkillReport:
        scope: Literal["user", "project"] = "project" if self.project else "user"
        return SkillReport(version=__version__, scope=scope, skill=skill, agents=agents, not_found=rest)

    def _guarded(self, act: Callable[[Found], tuple[SkillState, str | None]]) -> SkillFolder:
        """What was done to the skill's folder; an error of the file system is its state."""
        state: SkillState = "failed"
        note: str | None = _OUTSIDE
        try:
            if self._inside(self.folder):
                state, note = act(self.find())
        except OSError as error:
            note = _reason(error)
        return SkillFolder(path=valid(str(self.folder)), state=state, note=note)

    def _install(self, found: Found, chosen: list[Place]) -> tuple[SkillState, str | None]:
        if found.state in ("foreign", "changed"):
            return "kept", f"{found.note}: left as it is"
        needed = [self.folder, *(place.skills / NAME for place in chosen if place.skills is not None)]
        made = {self._named(folder) for path in needed for folder in _missing(path.parent)}
        folders = sorted(made | set(found.folders))
        if found.state == "current" and folders == sorted(found.folders):
            return "unchanged", None
        text = packaged()
        marker = {"version": __version__, "digest": _digest(text), "folders": folders}
        # The marker first: a skill without it would be taken for somebody else's.
        write_whole(self.folder / MARKER, json.dumps(marker).encode() + b"\n")
        write_whole(self.folder / FILE, text)
        done: dict[str, SkillState] = {"missing": "installed", "current": "unchanged"}
        return done.get(found.state, "updated"), None

    def _link(self, place: Place, skill: SkillFolder) -> AgentSkill:
        if place.skills is None:
            return _agent(place, "reads", None)
        link = place.skills / NAME
        if skill.state in ("failed", "kept") and not (self.folder / MARKER).is_file():
            return _agent(place, "skipped", link, "there is no skill to link to")
        try:
            if self._is_ours(link):
                return _agent(place, "unchanged", link)
            if os.path.lexists(link):
                return _agent(place, "kept", link, f"{_kind(link)}: left as it is")
            if not self._inside(link):
                return _agent(place, "failed", link, _OUTSIDE)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(self._real, os.path.realpath(link.parent)))
        except OSError as error:
            return _agent(place, "failed", link, _reason(error))
        return _agent(place, "linked", link)

    def _unlink(self, place: Place) -> AgentSkill:
        if place.skills is None:
            return _agent(place, "absent", None, f"it reads {SHARED}: remove the skill without --agent")
        link = place.skills / NAME
        try:
            if self._is_ours(link):
                link.unlink()
                marker = _read_marker(self.folder / MARKER)
                self._sweep(marker.folders if marker is not None else [], [place.skills])
                return _agent(place, "removed", link)
            if os.path.lexists(link):
                return _agent(place, "kept", link, f"{_kind(link)}: left as it is")
        except OSError as error:
            return _agent(place, "failed", link, _reason(error))
        return _agent(place, "absent", link)

    def _remove(self, found: Found, *, all_of_it: bool) -> tuple[SkillState, str | None]:
        if not all_of_it:
            return "absent" if found.state == "missing" else "unchanged", None
        if found.state == "missing":
            return "absent", None
        if found.state in ("foreign", "changed"):
            return "kept", f"{found.note}: left as it is"
        (self.folder / FILE).unlink(missing_ok=True)
        (self.folder / MARKER).unlink()
        note = None
        try:
            self.folder.rmdir()
        except OSError:
            note = "the folder has other files: left as they are"
        above = [place.skills for place in self.places if place.skills is not None]
        self._sweep(found.folders, [self.folder.parent, *above])
        return "removed", note

    def _sweep(self, made: Sequence[str], above: Sequence[Path]) -> None:
        """Remove the folders in `above`, and those they are in, that were made for the skill and are empty.
        `made` is from a marker, which may have come with a project, so it alone decides nothing."""
        possible = {folder for path in above for folder in (path, *path.parents)}
        for folder in sorted(possible, key=lambda path: len(path.parts), reverse=True):
            if self._named(folder) in made:
                with suppress(OSError):  # it is in use
                    folder.rmdir()

    @property
    def _real(self) -> str:
        """Where the skill is, whatever is linked above it."""
        return os.path.join(os.path.realpath(self.folder.parent), NAME)  # noqa: PTH118

    def _is_ours(self, link: Path) -> bool:
        if not link.is_symlink():
            return False
        target = os.path.join(os.path.realpath(link.parent), _target(link))  # noqa: PTH118
        return os.path.normpath(target) == self._real

    def _inside(self, path: Path) -> bool:
        """Whether a path of a project stays in it: links in it may have come with it."""
        real, root = os.path.realpath(path.parent), os.path.realpath(self.root)
        return not self.project or Path(real).is_relative_to(root)

    def _named(self, folder: Path) -> str:
        """A folder as the marker has it."""
        within = folder.is_relative_to(self.root)
        return valid(str(folder.relative_to(self.root) if within else folder))


_OUTSIDE = "a link in the project leads out of it"


def packaged() -> bytes:
    """The skill of this version."""
    return Path(__file__).with_name(FILE).read_bytes()


def _agent(place: Place, state: AgentState, path: Path | None, note: str | None = None) -> AgentSkill:
    shown = valid(str(path)) if path is not None else None
    return AgentSkill(agent=place.client.name, state=state, path=shown, note=note, mcp=place.client.mcp)


def _missing(path: Path) -> list[Path]:
    return [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _read_marker(path: Path) -> _Marker | None:
    """None if it is not a marker of ours."""
    try:
        if path.is_symlink():
            return None
        found = json.loads(bytes(read_plain(path, SETTINGS_LIMIT)))
        folders = [str(folder) for folder in found["folders"]]
        return _Marker(str(found["version"]), str(found["digest"]), folders)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _kind(path: Path) -> str:
    return f"is a link to {_target(path)}" if path.is_symlink() else "is not from one-trace"


def _target(link: Path) -> str:
    return valid(os.readlink(link))  # noqa: PTH115


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
