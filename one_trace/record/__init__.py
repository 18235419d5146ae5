"""What an executor leaves behind: flow files, log, state. Found, read, typed; outputs stay raw bytes."""

from one_trace.record.files import RunFiles, discover
from one_trace.record.flows import FlowFile, FlowFiles
from one_trace.record.log import LogLine, read_log
from one_trace.record.reading import Record, read
from one_trace.record.search import Found, Wanted, begun, find, find_by_id, find_by_token
from one_trace.record.state import Result, State, read_state

__all__ = [
    "FlowFile",
    "FlowFiles",
    "Found",
    "LogLine",
    "Record",
    "Result",
    "RunFiles",
    "State",
    "Wanted",
    "begun",
    "discover",
    "find",
    "find_by_id",
    "find_by_token",
    "read",
    "read_log",
    "read_state",
]
