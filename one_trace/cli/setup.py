"""`trace setup agents`: the skill that tells coding agents of one-trace, installed and removed."""

from __future__ import annotations

import os
from pathlib import Path

import click

from one_trace.agents.clients import CLIENTS, NAMES
from one_trace.agents.skill import Skill
from one_trace.answers.reports import AgentSkill, SkillReport
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.params import folder_here
from one_trace.errors import FAILED, CliError
from one_trace.guard.text import path_of
from one_trace.settings import paths

_DONE = {"reads": "reads the skill there", "absent": "has no link"}
_TITLES = {client.name: client.title for client in CLIENTS}


@click.command(
    "setup", epilog=examples("one trace setup agents", "one trace setup agents --agent claude-code --project")
)
@click.argument("what", type=click.Choice(["agents"]), metavar="agents")
@click.option(
    "--agent",
    "names",
    multiple=True,
    type=click.Choice(NAMES),
    metavar="NAME",
    help="Only for this agent, such as claude-code, even if it is not found. Repeatable.",
)
@click.option("--project", is_flag=True, help="In the project of this folder, instead of for the user.")
@click.option("--remove", is_flag=True, help="Remove what was installed.")
def command(what: str, names: tuple[str, ...], project: bool, remove: bool) -> int:
    """Tell coding agents of one-trace by a skill.

    The skill is ~/.agents/skills/one-trace, linked for the agents that look elsewhere. Files that one-trace
    did not write, or that were changed, are left. Prints the command that adds the MCP server to each agent;
    settings of agents are not edited.
    """
    root = path_of(folder_here()) if project else home()
    skill = Skill(root, os.environ, project=project)
    report = skill.remove(names) if remove else skill.install(names)
    out().answer(report, lambda: _page(report, remove=remove))
    wrong = report.skill.state == "failed" or any(each.state == "failed" for each in report.agents)
    return FAILED if wrong or (report.skill.state == "kept" and not remove) else 0


def home() -> Path:
    """The home folder. Raises CliError."""
    path = Path(paths.expand("~", os.environ))
    if not path.is_absolute():
        raise CliError("there is no home folder", hint="Set HOME, or use --project.", code="no-home")
    return path


def _page(report: SkillReport, *, remove: bool) -> str:
    skill, width = report.skill, max(map(len, _TITLES.values()))
    lines = [f"Skill one-trace {report.version}: {skill.state}, {skill.path}"]
    if skill.note:
        lines.append(f"  {skill.note}")
    lines += [f"  {_TITLES[each.agent]:<{width}}  {_line(each)}" for each in report.agents]
    if report.not_found:
        lines += ["", f"Not found here: {', '.join(report.not_found)}. Install anyway: --agent NAME"]
    commands = [each.mcp for each in report.agents if each.mcp] if not remove else []
    if commands:
        lines += ["", "The same answers by MCP, instead of the skill:", *(f"  {line}" for line in commands)]
    return "\n".join(lines)


def _line(agent: AgentSkill) -> str:
    text = _DONE.get(agent.state, agent.state)
    text += f"  {agent.path}" if agent.path and agent.state != "absent" else ""
    return f"{text} ({agent.note})" if agent.note else text
