"""The coding agents that are known: where each looks for skills, and its command that adds an MCP server.

All facts are of November 2026. `.agents/skills` is the folder that most share; it is where One CLI keeps its
own skill (`src/commands/init.ts` in withoneai/cli), and where ours is. An agent that reads it needs no link.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

SHARED = Path(".agents", "skills")
"""Below the home folder or a project."""
_SERVER = "one-trace trace mcp"
_JSON = '{"name":"one-trace","command":"one-trace","args":["trace","mcp"]}'


class AgentClient(NamedTuple):
    """A coding agent. `home` is its own folder: it exists where the agent has been used.

    `skills`, `project`: its folders for skills, of the user and of a project, None where it reads `SHARED`;
    the folder above a project's one exists where the project is set up for the agent. `variable`: names an
    environment variable that moves `home`. `mcp`: the command that adds the MCP server for the user, None
    for an agent that has none.
    """

    name: str
    title: str
    home: str
    skills: str | None
    project: str | None
    mcp: str | None
    variable: str | None = None


CLIENTS = (
    # code.claude.com/docs/en/skills: ~/.claude/skills, .claude/skills, no other; docs/en/mcp
    AgentClient(
        "claude-code",
        "Claude Code",
        ".claude",
        ".claude/skills",
        ".claude/skills",
        f"claude mcp add --scope user one-trace -- {_SERVER}",
        "CLAUDE_CONFIG_DIR",
    ),
    # openai/codex, codex-rs/core-skills/src/loader.rs: $HOME/.agents/skills, and .agents/skills up to the
    # root of the project; $CODEX_HOME/skills is deprecated
    AgentClient(
        "codex", "Codex", ".codex", None, None, f"codex mcp add one-trace -- {_SERVER}", "CODEX_HOME"
    ),
    # cursor.com/docs/context/skills: .agents/skills and .cursor/skills, of the user and of a project
    AgentClient("cursor", "Cursor", ".cursor", None, None, f"cursor --add-mcp '{_JSON}'"),
    # google-gemini/gemini-cli, docs/cli/skills.md: ~/.agents/skills before ~/.gemini/skills, and it warns of
    # a skill that is in both; docs/tools/mcp-server.md
    AgentClient(
        "gemini-cli",
        "Gemini CLI",
        ".gemini",
        None,
        None,
        f"gemini mcp add --scope user one-trace {_SERVER}",
    ),
    # anomalyco/opencode, packages/opencode/src/skill/index.ts: .claude/skills and .agents/skills, of the user
    # and of a project; src/cli/cmd/mcp.ts
    AgentClient(
        "opencode", "OpenCode", ".config/opencode", None, None, f"opencode mcp add one-trace -- {_SERVER}"
    ),
    # docs.github.com, "Adding agent skills for GitHub Copilot": ~/.copilot/skills or ~/.agents/skills,
    # .github/skills, .claude/skills or .agents/skills; "Adding MCP servers for GitHub Copilot CLI"
    AgentClient(
        "copilot-cli", "Copilot CLI", ".copilot", None, None, f"copilot mcp add one-trace -- {_SERVER}"
    ),
    # ampcode.com/manual#agent-skills: ~/.config/agents/skills, .agents/skills; #mcp
    AgentClient(
        "amp",
        "Amp",
        ".config/amp",
        ".config/agents/skills",
        None,
        f"amp mcp add one-trace -- {_SERVER}",
    ),
    # block.github.io/goose, "Using Skills": ~/.config/goose/skills, .agents/skills
    AgentClient("goose", "goose", ".config/goose", ".config/goose/skills", None, None),
    # docs.windsurf.com/windsurf/cascade/skills: ~/.codeium/windsurf/skills, .windsurf/skills
    AgentClient(
        "windsurf", "Windsurf", ".codeium/windsurf", ".codeium/windsurf/skills", ".windsurf/skills", None
    ),
    # kiro.dev/docs/cli/skills: ~/.kiro/skills, .kiro/skills
    AgentClient("kiro", "Kiro", ".kiro", ".kiro/skills", ".kiro/skills", None),
    # vercel-labs/skills, src/agents.ts: ~/.roo/skills, .roo/skills
    AgentClient("roo", "Roo Code", ".roo", ".roo/skills", ".roo/skills", None),
)
NAMES = tuple(client.name for client in CLIENTS)


class Place(NamedTuple):
    """Where an agent looks for skills. `skills`: None where it reads the shared folder. `exists`: the
    agent is in use there."""

    client: AgentClient
    skills: Path | None
    exists: bool


def places(root: Path, env: Mapping[str, str], *, project: bool) -> list[Place]:
    """Where the agents look below `root`: the home folder, or a project."""
    return [_place(client, root, {} if project else env, project) for client in CLIENTS]


def _place(client: AgentClient, root: Path, env: Mapping[str, str], project: bool) -> Place:
    if project:
        skills = root / client.project if client.project else None
        return Place(client, skills, skills is None or skills.parent.is_dir())
    home = _below(client.home, root, env)
    moved = env.get(client.variable or "", "").strip()
    if Path(moved).is_absolute():
        home = Path(moved)
        return Place(client, home / "skills" if client.skills else None, home.is_dir())
    return Place(client, _below(client.skills, root, env) if client.skills else None, home.is_dir())


def _below(path: str, root: Path, env: Mapping[str, str]) -> Path:
    """A folder below the home folder; one in `.config` where XDG_CONFIG_HOME says."""
    config = env.get("XDG_CONFIG_HOME", "").strip()
    if path.startswith(".config/") and Path(config).is_absolute():
        return Path(config, path.removeprefix(".config/"))
    return root / path
