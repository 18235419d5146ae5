"""argv as One CLI's own parser (Commander) reads it. Runs before every verb: imports nothing."""

import os

COMPLETE = "_ONE_TRACE_COMPLETE"
"""Set by the completion scripts: print the candidates for the last word, and do nothing else."""
EXECUTE_VERBS = ("execute", "x")
RUN_VERBS = (*EXECUTE_VERBS, "resume")
BUILT_IN_VERBS = (*RUN_VERBS, "validate", "list", "ls")
_OURS = {"--trace": True, "--no-trace": False}
_TAG = "--trace-tag"
_SKIPPED = ("--agent", *_OURS)
"""Options allowed before or between the words of a command."""
_LONG_WITH_VALUE = ("--input", "--stop-after", "--output-file", _TAG)
_SHORT_WITH_VALUE = "i"


def first_words(argv: list[str]) -> list[str]:
    """The words before the first option that One CLI's root command does not know."""
    words: list[str] = []
    tag = False
    for word in argv:
        if word in _SKIPPED or word.startswith(f"{_TAG}="):
            continue
        if tag or word == _TAG:
            tag = not tag
            continue
        if word.startswith("-") and word != "-":
            break
        words.append(word)
    return words


def is_flow(words: list[str], verbs: tuple[str, ...]) -> bool:
    return len(words) > 1 and words[0] in ("flow", "f") and words[1] in verbs


def help_page(argv: list[str], words: list[str]) -> str | None:
    """The page whose help is asked for, if we add to it: the words of its command; "" for the root."""
    rest = without_agent(argv)
    if words == ["help"] == rest or (not words and rest[:1] in (["--help"], ["-h"])):
        return ""
    if not _asks_help(argv):
        return None
    if is_flow(words, RUN_VERBS):
        return "flow resume" if words[1] == "resume" else "flow execute"
    return {"flow": "flow", "f": "flow", "config": "config"}.get(" ".join(words))


def _asks_help(argv: list[str]) -> bool:
    """Whether one of the options is `-h` or `--help`. Like `split`, with Commander's view of values."""
    value = False
    for word in argv:
        if value:
            value = word == "--agent"
        elif word == "--":
            return False
        elif word == "--help" or (word[:1] == "-" and word[1:].lstrip("v") == "h"):
            return True
        else:
            value = takes_next(word)
    return False


def is_agent(argv: list[str]) -> bool:
    """One CLI's root command accepts `--agent` anywhere before `--`."""
    return "--agent" in argv[: _end(argv)] or os.environ.get("ONE_AGENT") == "1"


def without_agent(argv: list[str]) -> list[str]:
    end = _end(argv)
    return [word for word in argv[:end] if word != "--agent"] + argv[end:]


def with_agent_names(argv: list[str]) -> list[str]:
    """The command line of `trace setup` with `--agent NAME` as `--agent=NAME`: there it is an option of
    ours, and One CLI's own `--agent` only without a name after it."""
    start, end = argv.index("setup"), _end(argv)
    words = argv[: start + 1]
    named = False
    for word, name in zip(argv[start + 1 : end], [*argv[start + 2 : end], "-"], strict=True):
        if named:
            named = False
            continue
        named = word == "--agent" and not name.startswith("-") and name != "agents"
        words.append(f"--agent={name}" if named else word)
    return words + argv[end:]


def _end(argv: list[str]) -> int:
    return argv.index("--") if "--" in argv else len(argv)


def split(argv: list[str]) -> tuple[list[str], bool | None, list[str]]:
    """argv without our options; the value of the last `--trace` or `--no-trace` (None: neither is given); the
    values of `--trace-tag`.

    Parsed as Commander would if One CLI knew them: an option's value stays a value whatever it looks like,
    and after `--` there are no options. `--agent` is never a value: the root command removes it first.
    """
    kept: list[str] = []
    tags: list[str] = []
    traced: bool | None = None
    value = ended = tag = False
    for word in argv:
        if tag and word != "--agent":
            tags.append(word)
            tag = False
            continue
        if ended or value:
            ended = ended or (word == "--" and not value)
            value = value and word == "--agent"
        elif word in _OURS:
            traced = _OURS[word]
            continue
        elif word == _TAG or word.startswith(f"{_TAG}="):
            tag = word == _TAG
            tags += [] if tag else [word[len(_TAG) + 1 :]]
            continue
        else:
            ended = word == "--"
            value = takes_next(word)
        kept.append(word)
    return kept, traced, [*tags, ""] if tag else tags


def takes_next(word: str) -> bool:
    """Whether the next word is this one's value: `--input`, `-i`, `-vi`; not `--input=a`, `-ia=1`."""
    if word.startswith("--"):
        return word in _LONG_WITH_VALUE
    if not word.startswith("-"):
        return False
    first = next((at for at, letter in enumerate(word) if letter in _SHORT_WITH_VALUE), -1)
    return first == len(word) - 1 and first > 0
