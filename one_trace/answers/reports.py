"""The answers of commands that do something: import, sync, share, prune, config, login, doctor, ..."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class ImportedRun(Struct, rename="camel"):
    """One run that was read, and what importing it did to the store."""

    run_id: str
    flow_key: str
    status: str
    spans: int
    state: Literal["new", "updated", "unchanged"]
    trace_id: str


class ImportReport(Struct, rename="camel", kw_only=True):
    """The answer of ``trace import``; `imported` counts new runs."""

    schema: str = "one-trace-import/1"
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    runs: list[ImportedRun] = []
    problems: list[str] = []
    """One sentence for each thing that could not be read."""
    next: str | None = None
    """The command that delivers the new runs, if there is a sink to deliver them to."""
    changed_flows: list[str] = []
    """Flows whose files changed after runs that were imported. Those runs keep the version already known."""
    notes: list[str] = []
    """One sentence for each run that shares its id with another."""


class SyncedRun(Struct, rename="camel"):
    """Where a run stands with a sink."""

    run_id: str
    sink: str
    state: str
    url: str | None = None
    error: str | None = None


class SyncReport(Struct, rename="camel", kw_only=True):
    """The answer of ``trace sync``. `queued` and `failed` count what is left, and `error` says why;
    `newly_queued`: runs that --since and --again have queued."""

    schema: str = "one-trace-sync/1"
    sent: int
    queued: int
    failed: int
    runs: list[SyncedRun]
    newly_queued: int = 0
    error: dict[str, str | None] | None = None


class SharedRun(Struct, rename="camel", kw_only=True):
    """The answer of ``trace share``."""

    schema: str = "one-trace-share/1"
    run_id: str
    url: str | None
    visibility: str


class TaggedRun(Struct, rename="camel", kw_only=True):
    """The answer of ``trace tag``: the tags that the run has now."""

    schema: str = "one-trace-tags/1"
    run_id: str
    tags: dict[str, str]


class WrittenFile(Struct, rename="camel", kw_only=True):
    """The answer of a command that wrote a file: ``trace export -o``, ``trace open``."""

    schema: str = "one-trace-file/1"
    path: str
    run_id: str | None = None
    flow_key: str | None = None
    """Of a page about all runs of a flow."""
    format: str
    bytes: int


class WrittenHistory(Struct, rename="camel", kw_only=True):
    """The answer of ``trace stats -o``; `rows` counts flows in json, spans in csv and parquet."""

    schema: str = "one-trace-stats-file/1"
    file: str
    format: str
    rows: int


class PruneReport(Struct, rename="camel", kw_only=True):
    """The answer of ``trace prune``. `kept`: old runs that are not delivered yet. `would_delete`: in a dry
    run, which deletes nothing."""

    schema: str = "one-trace-prune/1"
    deleted: int
    kept: int
    dry_run: bool | UnsetType = UNSET
    would_delete: int | UnsetType = UNSET


class Setting(Struct, rename="camel"):
    """One key, the value in force, and where it comes from."""

    key: str
    value: bool | float | str | list[str] | None
    source: str


class SettingList(Struct, rename="camel", kw_only=True):
    """The answer of ``config list``. `project_file`: null if there is none."""

    schema: str = "one-trace-settings/1"
    settings: list[Setting]
    user_file: str | None
    project_file: str | None


class SettingWarning(Struct):
    """What is wrong with a value that was set, and the command that changes that."""

    message: str
    hint: str | None


class SettingReport(Struct, rename="camel", kw_only=True):
    """The answer of ``config get``, ``unset``: the value in force and its source; of ``config set``: the
    value that was written to `file`, and what is wrong with it: it is set all the same."""

    schema: str = "one-trace-setting/1"
    key: str
    value: bool | float | str | list[str] | None
    source: str | UnsetType = UNSET
    file: str | UnsetType = UNSET
    warnings: list[SettingWarning] | UnsetType = UNSET


class SavedKey(Struct, rename="camel", kw_only=True):
    """The answer of ``trace login``: the file with the key; with ``--history`` that with the password, and
    the history that it is for."""

    schema: str = "one-trace-login/1"
    saved: str
    history: str | UnsetType = UNSET


class DeletedKey(Struct, rename="camel", kw_only=True):
    """The answer of ``trace logout``: whether there was a saved key, or password."""

    schema: str = "one-trace-logout/1"
    removed: bool


class Topics(Struct, rename="camel", kw_only=True):
    """The answer of ``trace help``: topics and what each answers."""

    schema: str = "one-trace-topics/1"
    topics: dict[str, str]


class Topic(Struct, rename="camel", kw_only=True):
    """The answer of ``trace help TOPIC``: its page in Markdown."""

    schema: str = "one-trace-topic/1"
    topic: str
    text: str


class Check(Struct, rename="camel"):
    """One thing that was checked. `state`: ok; note (works, but good to know); bad (does not work, or
    leaks). `fix`: the command that fixes it."""

    check: str
    state: Literal["ok", "note", "bad"]
    message: str
    fix: str | None = None


class DoctorReport(Struct, rename="camel", kw_only=True):
    """The answer of ``trace doctor``. `ok`: no check is bad. `checks`: the most important first. `next`: the
    command that fixes the most important finding."""

    schema: str = "one-trace-doctor/1"
    ok: bool
    checks: list[Check]
    next: str | None = None


SkillState = Literal["installed", "updated", "unchanged", "removed", "absent", "kept", "failed"]
AgentState = Literal["linked", "reads", "unchanged", "removed", "absent", "kept", "skipped", "failed"]


class SkillFolder(Struct, rename="camel", kw_only=True):
    """The folder of the skill, and what was done to it. `note`: why nothing was, or what was left."""

    path: str
    state: SkillState
    note: str | None = None


class AgentSkill(Struct, rename="camel", kw_only=True):
    """One coding agent. `path`: its link to the skill; null if it reads the skill's folder itself (state
    ``reads``). `mcp`: the agent's own command that adds the MCP server."""

    agent: str
    state: AgentState
    path: str | None = None
    note: str | None = None
    mcp: str | None = None


class SkillReport(Struct, rename="camel", kw_only=True):
    """The answer of ``trace setup agents``. `not_found`: agents that are not in use here; ``--agent NAME``
    installs the skill for one of them anyway."""

    schema: str = "one-trace-agents/1"
    version: str
    scope: Literal["user", "project"]
    skill: SkillFolder
    agents: list[AgentSkill] = []
    not_found: list[str] = []
