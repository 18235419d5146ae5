"""The store: runs are saved in one transaction each, and read back as trace documents."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from one_trace.errors import StoreError
from one_trace.model.gc import held_back
from one_trace.model.trace import Assembly, Session
from one_trace.store.connection import Connection
from one_trace.store.opening import older_stores, open_store
from one_trace.store.reader import Reader
from one_trace.store.rows import Saved, Source, encode_text


class Store(Reader):
    """The SQLite store at `path`, a context manager that closes it. Every failure is a StoreError.

    A reader (``readonly=True``) of a store that does not exist sees an empty one and creates nothing. A
    writer also moves in the runs that older versions of one-trace have kept beside it.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        super().__init__(open_store(path, readonly=readonly))
        self.path = self.connection.path
        if not readonly:
            for other in older_stores(self.path):
                from one_trace.store.adopt import adopt_runs  # hardly ever

                with suppress(StoreError), Store(other) as older:
                    adopt_runs(older, self.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def until_the_end(self) -> Iterator[Self]:
        """Close it, too, but where that takes long, only with this process, which ends soon."""
        try:
            yield self
        finally:
            self.connection.leave()

    def save(
        self,
        assembly: Assembly,
        *,
        sinks: Sequence[str] = (),
        session: Session | None = None,
        parent_run_id: str | None = None,
        traceparent: str | None = None,
        place: Mapping[str, str | int] | None = None,
        tags: Sequence[tuple[str, str]] = (),
        hold: bool = False,
        source: Source = "capture",
        env: Mapping[str, str] | None = None,
    ) -> Saved:
        """Save a run, replacing what the store has of it, and queue it for `sinks` (`hold`: to be sent only
        on request).

        First, secrets are removed from the errors of `assembly`: those in `env`, the environment of the run
        (by default of this process, the best guess that an import has), and all that look like one.

        `tags` are added to those that the run has. Saving the same run twice changes nothing. A run that was
        sent is sent again only if it has changed.
        What is imported (`source`) does not replace something fuller.
        """
        from one_trace.store.save import prepare, queue, write  # most processes only read

        run = assembly.trace.run
        run.session = session or run.session
        run.parent_run_id = parent_run_id or run.parent_run_id
        with held_back():
            prepared = prepare(assembly, os.environ if env is None else env)
            with self.connection.writing() as connection:
                saved, number = write(
                    connection,
                    prepared,
                    source=source,
                    traceparent=traceparent,
                    place=encode_text(place) if place else None,
                )
                if tags:
                    _add_tags(connection, number, tags, env)
                queue(connection, number, sinks, hold=hold)
                return saved


def _add_tags(
    connection: Connection, run: int, tags: Sequence[tuple[str, str]], env: Mapping[str, str] | None
) -> None:
    from one_trace.store.tags import change

    with suppress(ValueError):  # too many: those that it has stay
        change(connection, run, tags, os.environ if env is None else env)
