"""The envelopes that agents and providers print around an answer: numbers and names of them, never text.

One small function a shape, each of all JSON values of an output; `READERS` is the list of them. What is cut,
foreign or hostile gives None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from one_trace.model.trace import ModelUsage, PartedUsage, Usage

_NAME_LIMIT = 100
_NUMBER_LIMIT = 10**15
_MODELS = 20

Value: TypeAlias = dict[str, Any]


def claude(values: Sequence[Value]) -> Usage | None:
    """``claude --print --output-format json`` or ``stream-json``: each ``{"type": "result", "usage": {},
    "total_cost_usd": 0}`` is a call."""
    results = [one for one in values if one.get("type") == "result" and isinstance(one.get("usage"), dict)]
    return _calls(_claude_result(one) for one in results)


def _claude_result(value: Value) -> Usage:
    by_model = value.get("modelUsage")
    per_model = _claude_models(by_model) if isinstance(by_model, dict) else {}
    names = list(per_model) or [name for name in [name_of(value.get("model"))] if name]
    found = _anthropic(value["usage"], names)
    found.cost_usd = _money(value.get("total_cost_usd"))
    found.turns = _count(value.get("num_turns"))
    found.sessions = [name for name in [name_of(value.get("session_id"))] if name]
    telling = {name: used for name, used in per_model.items() if used.input_tokens or used.output_tokens}
    if len(telling) > 1:
        # What the envelope's own sum tells is of its main model alone.
        for field in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"):
            whole = sum(getattr(one, field) for one in per_model.values())
            setattr(found, field, max(getattr(found, field), whole))
        return _parted(found, telling)
    return found


def _parted(usage: Usage, per_model: dict[str, ModelUsage]) -> PartedUsage:
    fields = {name: getattr(usage, name) for name in Usage.__struct_fields__}
    return PartedUsage(**fields, per_model=per_model)


def _parts(usage: Usage) -> dict[str, ModelUsage]:
    """What each model used, where it says so; of a call of one model, all of it."""
    if isinstance(usage, PartedUsage):
        return usage.per_model
    return {usage.models[0]: _as_part(usage)} if len(usage.models) == 1 else {}


def _claude_models(by_model: Value) -> dict[str, ModelUsage]:
    found = {}
    for name, used in list(by_model.items())[:_MODELS]:
        model = name_of(name)
        if model is not None and isinstance(used, dict):
            found[model] = ModelUsage(
                input_tokens=_count(used.get("inputTokens")),
                output_tokens=_count(used.get("outputTokens")),
                cache_read_tokens=_count(used.get("cacheReadInputTokens")),
                cache_write_tokens=_count(used.get("cacheCreationInputTokens")),
                cost_usd=_money(used.get("costUSD")),
            )
    return found


def codex(values: Sequence[Value]) -> Usage | None:
    """``codex exec --json``: ``{"type": "turn.completed", "usage": {}}``, of older ones the last
    ``token_count``."""
    turns = [one["usage"] for one in values if one.get("type") == "turn.completed" and _has_usage(one)]
    sessions = [name for one in values if (name := name_of(one.get("thread_id")))]
    if not turns:
        messages = [one["msg"] for one in values if isinstance(one.get("msg"), dict)]
        totals = [
            _inner(one, "info", "total_token_usage") for one in messages if one.get("type") == "token_count"
        ]
        turns = [one for one in totals if one is not None][-1:]
    if not turns:
        return None
    found = Usage(turns=len(turns), models=[], sessions=sessions[:1])
    for used in turns:
        cached = _count(used.get("cached_input_tokens"))
        found.input_tokens += max(_count(used.get("input_tokens")) - cached, 0)
        found.cache_read_tokens += cached
        found.output_tokens += _count(used.get("output_tokens"))
    return found


def gemini(values: Sequence[Value]) -> Usage | None:
    """``gemini --output-format json``: ``{"response": "", "stats": {"models": {NAME: {"tokens": {}}}}}``."""
    return _calls(
        _gemini_stats(stats) for one in values if (stats := _inner(one, "stats", "models")) is not None
    )


def _gemini_stats(models: Value) -> Usage | None:
    per_model = {}
    turns = 0
    for name, stats in list(models.items())[:_MODELS]:
        model = name_of(name)
        tokens = stats.get("tokens") if isinstance(stats, dict) else None
        if model is None or not isinstance(tokens, dict):
            continue
        cached = _count(tokens.get("cached"))
        per_model[model] = ModelUsage(
            input_tokens=max(_count(tokens.get("prompt")) - cached, 0),
            output_tokens=_count(tokens.get("candidates")) + _count(tokens.get("thoughts")),
            cache_read_tokens=cached,
        )
        turns += _count((_inner(stats, "api") or {}).get("totalRequests"))
    if not per_model:
        return None
    found = Usage(turns=turns, models=list(per_model), sessions=[])
    for one in per_model.values():
        found.input_tokens += one.input_tokens
        found.output_tokens += one.output_tokens
        found.cache_read_tokens += one.cache_read_tokens
    return _parted(found, per_model) if len(per_model) > 1 else found


def opencode(values: Sequence[Value]) -> Usage | None:
    """``opencode run --format json``: each ``{"type": "step_finish", "part": {"tokens": {}, "cost": 0}}``."""
    parts = [
        one["part"]
        for one in values
        if one.get("type") == "step_finish" and isinstance(one.get("part"), dict)
    ]
    parts = [part for part in parts if isinstance(part.get("tokens"), dict)]
    if not parts:
        return None
    found = Usage(turns=len(parts), models=[], sessions=[])
    for part in parts:
        tokens, cache = part["tokens"], _inner(part, "tokens", "cache") or {}
        found.input_tokens += _count(tokens.get("input"))
        found.output_tokens += _count(tokens.get("output")) + _count(tokens.get("reasoning"))
        found.cache_read_tokens += _count(cache.get("read"))
        found.cache_write_tokens += _count(cache.get("write"))
        cost = _money(part.get("cost"))
        if cost is not None:
            found.cost_usd = round((found.cost_usd or 0.0) + cost, 10)
    found.sessions = [name for name in [name_of(values[0].get("sessionID"))] if name]
    return found


def provider(values: Sequence[Value]) -> Usage | None:
    """The answer of a provider's own API: Anthropic's messages, OpenAI's completions and responses."""
    return _calls(_answer(one) for one in values)


def _answer(value: Value) -> Usage | None:
    used, model = value.get("usage"), name_of(value.get("model"))
    if not isinstance(used, dict) or model is None:
        return None
    if "prompt_tokens" in used or "completion_tokens" in used:
        cached = _count((_inner(used, "prompt_tokens_details") or {}).get("cached_tokens"))
        return Usage(
            input_tokens=max(_count(used.get("prompt_tokens")) - cached, 0),
            output_tokens=_count(used.get("completion_tokens")),
            cache_read_tokens=cached,
            turns=1,
            models=[model],
            sessions=[],
        )
    if "input_tokens" not in used or "output_tokens" not in used:
        return None
    found = _anthropic(used, [model])
    cached = _count((_inner(used, "input_tokens_details") or {}).get("cached_tokens"))
    found.cache_read_tokens, found.input_tokens = (
        found.cache_read_tokens + cached,
        max(found.input_tokens - cached, 0),
    )
    found.turns = 1
    return found


def _anthropic(used: Value, models: list[str]) -> Usage:
    return Usage(
        input_tokens=_count(used.get("input_tokens")),
        output_tokens=_count(used.get("output_tokens")),
        cache_read_tokens=_count(used.get("cache_read_input_tokens")),
        cache_write_tokens=_count(used.get("cache_creation_input_tokens")),
        models=models[:_MODELS],
        sessions=[],
    )


READERS: list[Callable[[Sequence[Value]], Usage | None]] = [claude, codex, gemini, opencode, provider]


def _calls(found: Iterable[Usage | None]) -> Usage | None:
    """Several calls as one, with what each model used where several tell it."""
    parts = [part for part in found if part is not None]
    total = parts[0] if len(parts) == 1 else add(parts)
    if total is None or len(parts) == 1 or len(total.models) < 2:
        return total
    if not all(map(_parts, parts)):
        return total
    per_model: dict[str, ModelUsage] = {}
    for part in parts:
        for name, used in _parts(part).items():
            known = per_model.setdefault(name, ModelUsage())
            known.input_tokens += used.input_tokens
            known.output_tokens += used.output_tokens
            known.cache_read_tokens += used.cache_read_tokens
            known.cache_write_tokens += used.cache_write_tokens
            if used.cost_usd is not None:
                known.cost_usd = round((known.cost_usd or 0.0) + used.cost_usd, 10)
    return _parted(total, per_model)


def _as_part(usage: Usage) -> ModelUsage:
    return ModelUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cost_usd=usage.cost_usd,
    )


def add(parts: Iterable[Usage | None]) -> Usage | None:
    """The sum of what was used, without the parts of models; None where nothing was."""
    total: Usage | None = None
    for part in parts:
        if part is None:
            continue
        if total is None:
            total = Usage(models=[], sessions=[])
        total.input_tokens += part.input_tokens
        total.output_tokens += part.output_tokens
        total.cache_read_tokens += part.cache_read_tokens
        total.cache_write_tokens += part.cache_write_tokens
        total.turns += part.turns
        if part.cost_usd is not None:
            total.cost_usd = round((total.cost_usd or 0.0) + part.cost_usd, 10)
        total.models += [name for name in part.models if name not in total.models]
        total.sessions += [name for name in part.sessions if name not in total.sessions]
    return total


def _has_usage(value: Value) -> bool:
    return isinstance(value.get("usage"), dict)


def _inner(value: object, *names: str) -> Value | None:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else None


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _NUMBER_LIMIT:
        return 0
    return int(value)


def _money(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _NUMBER_LIMIT:
        return None
    return float(value)


def name_of(value: object) -> str | None:
    """A model's or a session's name: one short word, so that no text can pass for it."""
    if not isinstance(value, str) or not 0 < len(value) <= _NAME_LIMIT:
        return None
    return value if all(c.isascii() and (c.isalnum() or c in "-_.:/@[]") for c in value) else None
