"""Where a flow's key leads: the host's own rule. Imports next to nothing, for the runner and for shell
completion."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FLOWS = os.path.join(".one", "flows")
_FOLDER_FILE = "flow.json"
_SUFFIX = ".flow.json"


class FlowPath:
    """A flow file. `group`: the folder of ``.one/flows`` that it is grouped in."""

    def __init__(self, path: str, group: str | None) -> None:
        self.path = path
        self.group = group

    @property
    def key(self) -> str:
        """The key that leads to it, which its `key` field need not be."""
        folder, name = os.path.split(self.path)
        own = os.path.basename(folder) if name == _FOLDER_FILE else name.removesuffix(_SUFFIX)
        return f"{self.group}/{own}" if self.group else own


def resolve(key_or_path: str, project: str = "") -> str:
    """The absolute path of a flow by key, ``group/key`` or path; if there is none, where it should be."""
    if key_or_path.endswith(".json") or "\\" in key_or_path:
        return os.path.abspath(os.path.join(project, key_or_path))
    flows = os.path.abspath(os.path.join(project, FLOWS))
    folder = os.path.normpath(os.path.join(flows, key_or_path, _FOLDER_FILE))
    if os.path.exists(folder):
        return folder
    if "/" in key_or_path:
        literal = os.path.abspath(os.path.join(project, key_or_path))
        return literal if os.path.exists(literal) else folder
    candidates = [os.path.join(flows, f"{key_or_path}{_SUFFIX}")]
    candidates += [os.path.join(group, key_or_path, _FOLDER_FILE) for group in _folders(flows)]
    return next((path for path in candidates if os.path.exists(path)), folder)


def flow_paths(project: str = "") -> Iterator[FlowPath]:
    """Every flow file of a project, as the host lists them."""
    return _flow_paths(os.path.abspath(os.path.join(project, FLOWS)), None)


def _flow_paths(folder: str, group: str | None) -> Iterator[FlowPath]:
    for entry in _entries(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            path = os.path.join(entry.path, _FOLDER_FILE)
            if os.path.exists(path):
                yield FlowPath(path, group)
            elif not group:
                yield from _flow_paths(entry.path, entry.name)
        elif entry.is_file(follow_symlinks=False) and entry.name.endswith(_SUFFIX):
            yield FlowPath(entry.path, group)


def _folders(folder: str) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield entry.path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
