"""`trace doctor`: checks of the setup, each with how to fix it."""

import os
import shutil
import stat
import subprocess

import pytest
import traces_server

from one_trace import store


def checks(machine, *argv):
    document = machine.one("--agent", "trace", "doctor", *argv).document
    return {check["check"]: (check["state"], check["message"], check["fix"]) for check in document["checks"]}


def test_a_fresh_machine_has_nothing_bad(machine):
    machine.with_node()
    done = machine.one("trace", "doctor")
    assert (done.code, b"BAD" in done.out) == (0, False)
    found = checks(machine)
    assert found["host"] == (
        "note",
        "no One CLI on PATH: the built-in runner runs flows",
        "npm install -g @withone/cli",
    )
    assert found["path"][0] == "ok"
    assert found["store"][0] == "note"
    assert found["key"][2] == "one trace login"


def test_the_host_and_the_order_of_path(machine):
    machine.host("")
    assert str(machine.bin / "one") in checks(machine)["host"][1]
    machine.env["PATH"] = f"{machine.bin}{os.pathsep}{machine.ours}"
    done = machine.one("--agent", "trace", "doctor", program="one-trace")
    (path,) = [check for check in done.document["checks"] if check["check"] == "path"]
    assert (done.code, path["state"], path["fix"]) == (1, "bad", f'export PATH={machine.ours}:"$PATH"')


def test_a_host_that_cannot_run(machine):
    machine.env["ONE_TRACE_HOST"] = "/nonexistent"
    assert checks(machine)["host"][0] == "bad"


@pytest.mark.parametrize(
    ("text", "state"), [("[traces]\nenabled = true\n", "ok"), ("[traces]\nenabeld = 1\n", "bad")]
)
def test_settings(machine, text, state):
    machine.write(machine.user_file, text)
    assert checks(machine)["settings"][0] == state


def test_the_store_and_the_queue(machine):
    machine.player("02-linear-unicode")
    machine.one("--agent", "flow", "execute", "k", "--trace")
    found = checks(machine)
    assert (found["store"][0], found["store"][1].startswith("1 run,")) == ("ok", True)
    assert found["queue"][0] == "ok"


def test_a_store_that_is_none(machine):
    machine.write(machine.data / "traces.db", "no database " * 1000)
    assert checks(machine)["store"][0] == "bad"


def test_a_store_that_another_process_writes(machine):
    with store.Store(machine.data / "traces.db") as held:
        held.connection.execute("BEGIN IMMEDIATE")
        state, message, fix = checks(machine, "--offline")["store"]
    assert (state, "another process" in message, fix) == ("bad", True, "Try again in a moment.")


@pytest.mark.parametrize("filled", [True, False])
def test_a_store_in_a_folder_that_cannot_be_written(machine, filled):
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(machine.data)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system has to be mounted for this, which is not allowed here")
    try:
        if filled:
            store.Store(machine.data / "traces.db").close()
        subprocess.run(["mount", "-o", "remount,ro", str(machine.data)], check=True)
        state, message, fix = checks(machine, "--offline")["store"]
        assert machine.one("--agent", "trace", "list").document["runs"] == []
    finally:
        subprocess.run(["umount", str(machine.data)], check=True)
    assert (state, str(machine.data) in message, "traces.data_dir" in fix) == ("bad", True, True)


def test_the_key_is_never_shown(machine):
    machine.env["TRACES_API_KEY"] = "trk_secret_word"
    done = machine.one("trace", "doctor", "--offline")
    assert b"TRACES_API_KEY" in done.out
    assert b"secret_word" not in done.out + done.err


def test_a_key_that_others_can_read(machine):
    kept = machine.write(machine.user_file.parent / "credentials.toml", 'api_key = "trk_x"\n')
    kept.chmod(0o644)
    assert checks(machine, "--offline")["key"][2] == f"chmod 600 {kept}"
    kept.chmod(0o600)
    assert checks(machine, "--offline")["key"][0] == "ok"


def test_a_service_that_is_not_there(machine):
    machine.env |= {"TRACES_API_KEY": "trk_x", "ONE_TRACES_ENDPOINT": "http://127.0.0.1:9"}
    state, message, fix = checks(machine)["traces.com"]
    assert (state, "127.0.0.1:9" in message, fix) == ("bad", True, "unset ONE_TRACES_ENDPOINT")


@pytest.mark.parametrize(
    ("status", "namespace", "state", "reported"),
    [
        (200, "", "ok", "valid, for @me (individual, owner) and @my-org (org, owner)"),
        (200, "@my-org", "ok", "not checked: whether it may write"),
        (200, "@other", "bad", "there is no namespace @other"),
        (403, "", "note", "traces:write is all that sending needs"),
        (403, "@my-org", "bad", "scope namespace:read"),
        (401, "", "bad", "the key is not valid"),
    ],
)
def test_what_the_key_may_do(machine, status, namespace, state, reported):
    with traces_server.fake_traces_server() as server:
        server.fault = lambda handler: status != 200 and (handler.refuse(status, "no") or True)
        machine.env |= {"TRACES_API_KEY": traces_server.KEY, "ONE_TRACES_ENDPOINT": server.url}
        machine.env |= {"ONE_TRACES_NAMESPACE": namespace}
        found = checks(machine)["traces.com"]
        assert (found[0], reported in found[1]) == (state, True), found
        assert {method for method, *_ in server.seen} == {"GET"}


def test_state_files_that_others_can_read_are_told_and_closed(machine):
    state = machine.write(machine.project / ".one/flows/.runs/k-0123456789ab.state.json", "{}")
    state.chmod(0o644)
    assert checks(machine)["state files"][2] == "one trace doctor --fix"
    assert checks(machine, "--fix")["state files"][0] == "ok"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_a_look_that_fails_is_a_finding_and_the_others_are_taken(machine):
    node = machine.script(machine.bin / "node", "#!/nowhere/interpreter\n")
    odd = machine.script(machine.ours / "node", "#!/bin/sh\nprintf 'v\\377'\n")
    for _ in (node, odd):
        found = checks(machine)
        assert {"host", "path", "node", "settings", "store", "key", "queue"} <= set(found)
        odd.unlink(missing_ok=True)


def test_a_folder_that_cannot_even_be_looked_at_does_not_end_the_command(machine):
    machine.env["XDG_CONFIG_HOME"] = f"/{'x' * 300}"  # as a home folder of another user: stat fails
    found = checks(machine, "--offline")
    assert {"host", "path", "settings", "store", "key", "queue"} <= set(found)
    assert found["key"][0] == "bad"


def test_a_store_that_cannot_even_be_looked_at_is_told_as_the_stores(machine):
    machine.env["ONE_TRACES_DATA_DIR"] = f"/{'x' * 300}"
    state, message, fix = checks(machine)["store"]
    assert (state, "traces.db" in message, "data_dir" in fix) == ("bad", True, True)


def sinks(machine):
    document = machine.one("--agent", "trace", "doctor", "--offline").document
    return [(check["state"], check["message"]) for check in document["checks"] if check["check"] == "sinks"]


def test_every_sink_that_is_ready_is_named_with_its_address(machine):
    machine.env |= {
        "ONE_TRACES_SINKS": "otlp",
        "ONE_TRACES_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
    }
    otlp = "otlp (http://127.0.0.1:4318/v1/traces); runs are sent when they end"
    assert sinks(machine) == [("ok", f"set up: {otlp}")]
    assert b"nothing is sent" not in machine.one("trace", "doctor").out
    machine.env |= {"ONE_TRACES_SINKS": "traces.com,otlp", "TRACES_API_KEY": traces_server.KEY}
    assert sinks(machine) == [("ok", f"set up: traces.com (https://actions.traces.com), {otlp}")]


def test_nothing_is_sent_only_if_no_sink_is_ready(machine):
    assert sinks(machine) == [("note", "no sink is ready: nothing is sent")]
    assert checks(machine)["key"][:2] == ("note", "no key of traces.com: nothing is sent to traces.com")
    machine.env["ONE_TRACES_SINKS"] = "otlp"
    means = "the sink otlp has no endpoint: runs are kept here and not queued for it"
    assert checks(machine)["otlp"] == ("note", means, "one config set traces.otlp_endpoint URL")
