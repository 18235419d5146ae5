"""What has not arrived of what was sent."""


def not_arrived(missing: int, of: int) -> str:
    """The reason that `Run.partial` and figures over runs give, if so many of these spans are missing."""
    return f"{missing:,} of {of:,} spans {'has' if missing == 1 else 'have'} not arrived"
