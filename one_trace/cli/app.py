"""The `trace` command: one file a verb, imported only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from one_trace.cli.pages import HelpContext, HelpGroup, examples
from one_trace.cli.params import with_any_text
from one_trace.errors import WrongUsage

VERBS: dict[str, tuple[str, str]] = {
    "show": ("one_trace.cli.show", "One run as a tree with a waterfall"),
    "list": ("one_trace.cli.list_runs", "Runs, newest first"),
    "stats": ("one_trace.cli.stats", "Per flow and step: outcomes, times, cost, flaky steps"),
    "insights": ("one_trace.cli.insights", "Ranked findings about a flow, with evidence"),
    "diff": ("one_trace.cli.diff", "Two runs step by step; a gate for CI, its baseline"),
    "ci": ("one_trace.cli.ci", ""),
    "baseline": ("one_trace.cli.baseline", ""),
    "cost": ("one_trace.cli.cost", "Tokens and money by flow, step, model, day"),
    "export": ("one_trace.cli.export", "A run as json, events, otlp, perfetto, html or markdown"),
    "import": ("one_trace.cli.import_runs", "Trace runs that have already happened; tags of a run"),
    "tag": ("one_trace.cli.tag", ""),
    "sync": ("one_trace.cli.sync", "Deliver what is queued; one run now, with its URL"),
    "share": ("one_trace.cli.share", ""),
    "login": ("one_trace.cli.login", "Keep or forget the key of traces.com"),
    "logout": ("one_trace.cli.logout", ""),
    "setup": ("one_trace.cli.setup", "Tell coding agents of one-trace; its MCP server"),
    "mcp": ("one_trace.cli.mcp", ""),
    "open": ("one_trace.cli.open_report", "A run, or a flow's history, in the browser"),
    "prune": ("one_trace.cli.prune", "Delete old runs; the tables of a team's history"),
    "history": ("one_trace.cli.history", ""),
    "help": ("one_trace.cli.topic", "Longer help on a topic; the JSON Schema of a document"),
    "schema": ("one_trace.cli.schema", ""),
    "doctor": ("one_trace.cli.doctor", "Check the setup; the completion script of your shell"),
    "completion": ("one_trace.cli.completion_script", ""),
}
"""Verb → (module, help; empty if the verb before it is helped together with it). Each module has a Click
command named `command`.
"""
HIDDEN = {"explain": "one_trace.cli.explain"}
"""Verbs for those who work on one-trace: neither in the help nor in completions."""
DELETING = frozenset(("prune", "logout"))
"""Verbs that are never suggested for a mistyped one."""


class TraceGroup(HelpGroup):
    """Imports the module of a verb only when it is used: importing all takes longer than most answers."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = VERBS[cmd_name][0] if cmd_name in VERBS else HIDDEN.get(cmd_name)
        if module is None:
            return None
        command = import_module(module).command
        assert isinstance(command, click.Command)
        command.context_class = HelpContext
        return with_any_text(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in VERBS or args[0] in HIDDEN or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches  # expensive to import, and used only here

        near = get_close_matches(args[0], VERBS.keys() - DELETING, n=1)
        hint = f"Did you mean 'one trace {near[0]}'?" if near else "See 'one trace --help'."
        raise WrongUsage(f"there is no command 'one trace {args[0]}'", hint=hint)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)  # there is none but --help, and the page is to fit a screen

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(_rows())


def _rows() -> list[tuple[str, str]]:
    """The verbs in the help; one without a text of its own joins the verb before it."""
    rows: list[tuple[str, str]] = []
    for verb, (_, about) in VERBS.items():
        if about:
            rows.append((verb, about))
        else:
            names, before = rows.pop()
            rows.append((f"{names}, {verb}", before))
    return rows


@click.command(
    cls=TraceGroup,
    name="trace",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("one flow execute my-flow --trace", "one trace show last"),
)
def trace() -> None:
    """What your flows did: which steps ran, how long, why one failed, its cost."""
