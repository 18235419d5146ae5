"""`trace help`: help that is longer than a `--help`."""

from __future__ import annotations

import click

from one_trace.answers.reports import Topic, Topics
from one_trace.cli import topics
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.errors import WrongUsage


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in topics.NAMES if name.startswith(incomplete)]


@click.command("help", epilog=examples("one trace help", "one trace help settings"))
@click.argument("topic", required=False, shell_complete=_names)
def command(topic: str | None) -> None:
    """Print a help topic; without TOPIC, list them."""
    speaker = out()
    if topic is None:
        titles = topics.titles()
        width = max(map(len, titles))
        rows = [f"  {name:<{width}}  {title.partition(': ')[2]}" for name, title in titles.items()]
        text = "\n".join(["Topics:", *rows, "", "Read one: one trace help TOPIC"])
        speaker.answer(Topics(topics=titles), speaker.page.text(text))
        return
    if topic not in topics.NAMES:
        raise _unknown(topic)
    page = topics.page(topic)
    speaker.answer(Topic(topic=topic, text=page), lambda: _rendered(page, speaker))


def _unknown(topic: str) -> WrongUsage:
    from difflib import get_close_matches

    near = get_close_matches(topic, topics.NAMES, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else f"One of {', '.join(topics.NAMES)}."
    return WrongUsage(f"there is no help topic '{topic}'", hint=hint)


def _rendered(page: str, speaker: Out) -> str:
    """Markdown as it is in a pipe, typeset on a terminal."""
    if not speaker.tty:
        return page
    from rich.console import Console

    from one_trace.cli.topics.typeset import TopicMarkdown

    console = Console(
        width=speaker.width, no_color=not speaker.color, highlight=False, force_terminal=speaker.color
    )
    with console.capture() as captured:
        console.print(TopicMarkdown(page, hyperlinks=False), crop=False)
    return captured.get()
