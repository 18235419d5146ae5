"""The official MCP package as a client of `one trace mcp`."""

import asyncio
import json

import pytest

pytestmark = pytest.mark.program
NAMES = ["runs", "run", "step", "stats", "findings", "diff", "cost", "schema"]
mcp = pytest.importorskip("mcp", reason="needs the package mcp: it is in the extra `dev`")
if not hasattr(mcp, "Client"):
    pytest.skip("needs mcp 2 or newer", allow_module_level=True)


async def conversation(machine, mode):
    server = mcp.StdioServerParameters(
        command=str(machine.ours / "one-trace"),
        args=["trace", "mcp"],
        env=machine.env,
        cwd=str(machine.project),
    )
    async with mcp.Client(server, mode=mode, read_timeout_seconds=60) as client:
        listed = await client.list_tools()
        shown = await client.call_tool("run", {"failed": True})
        missing = await client.call_tool("run", {"run": "nosuch"})
        with pytest.raises(mcp.MCPError, match="Unknown tool"):
            await client.call_tool("delete", {})
        return client.protocol_version, listed.tools, shown, missing


@pytest.mark.parametrize(
    ("mode", "version"), [("auto", "2026-07-28"), ("2026-07-28", "2026-07-28"), ("legacy", "2025-11-25")]
)
def test_the_official_client_lists_and_calls_the_tools(machine, mode, version):
    machine.player("97b-realistic-fails", exit=1)
    machine.one("--agent", "flow", "execute", "k", "--trace")
    negotiated, tools, shown, missing = asyncio.run(conversation(machine, mode))
    assert negotiated == version
    assert [tool.name for tool in tools] == NAMES
    document = json.loads(shown.content[0].text)
    assert not shown.is_error
    assert (document["schema"], document["run"]["status"]) == ("one-trace-run/1", "error")
    assert missing.is_error
    assert json.loads(missing.content[0].text)["error"]["code"] == "no-such-run"
