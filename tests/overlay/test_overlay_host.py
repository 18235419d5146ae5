"""Which program is the host, whatever PATH holds; never ourselves."""

import os
import subprocess
import sys
import venv

import pytest

SAY = "import sys\nprint('HOST', __file__, *sys.argv[1:])"
PIP_SCRIPT = """#!{python}
# -*- coding: utf-8 -*-
import re
import sys
from one_trace.main import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""
DISGUISED = (
    "#!{python}\nimport importlib, sys\nsys.exit(importlib.import_module('one_' + 'trace.main').main())\n"
)
"""A copy of us that no look into it can tell."""


def path_of(*folders):
    return os.pathsep.join(str(folder) for folder in folders)


def test_the_first_other_one_on_path_wins(machine):
    first = machine.host(SAY)
    machine.script(machine.root / "later" / "one", f"#!{sys.executable}\n{SAY}\n")
    machine.env["PATH"] += os.pathsep + str(machine.root / "later")
    assert machine.one("list").out.decode().split() == ["HOST", str(first), "list"]


def _our_script_again(machine, folder):
    machine.script(folder / "one", (machine.ours / "one").read_text())


def _our_script_by_pip(machine, folder):
    machine.script(folder / "one", PIP_SCRIPT.format(python=sys.executable))


def _a_link_to_us(machine, folder):
    folder.mkdir()
    (folder / "one").symlink_to(machine.ours / "one")


def _a_link_to_a_link(machine, folder):
    folder.mkdir()
    (machine.root / "link").symlink_to(machine.ours / "one-trace")
    (folder / "one").symlink_to(machine.root / "link")


def _the_folder_by_another_name(machine, folder):
    folder.symlink_to(machine.ours, target_is_directory=True)


def _another_environment(machine, folder):
    venv.create(machine.root / "venv", symlinks=True, with_pip=False)
    machine.script(machine.root / "venv/bin/one", PIP_SCRIPT.format(python=machine.root / "venv/bin/python"))
    folder.symlink_to(machine.root / "venv/bin", target_is_directory=True)


def _a_copy_in_disguise(machine, folder):
    machine.script(folder / "one", DISGUISED.format(python=sys.executable))


def _a_wrapper_that_becomes_us(machine, folder):
    machine.script(folder / "one", f'#!/bin/sh\nexec "{machine.ours}/one" "$@"\n')


def _no_program(machine, folder):
    machine.write(folder / "one", "#!/bin/sh\necho wrong")


def _a_folder(machine, folder):
    (folder / "one").mkdir(parents=True)


def _a_dead_link(machine, folder):
    folder.mkdir()
    (folder / "one").symlink_to("/nonexistent/one")


NOT_THE_HOST = [
    _our_script_again,
    _our_script_by_pip,
    _a_link_to_us,
    _a_link_to_a_link,
    _the_folder_by_another_name,
    _another_environment,
    _a_copy_in_disguise,
    _a_wrapper_that_becomes_us,
    _no_program,
    _a_folder,
    _a_dead_link,
]


@pytest.mark.parametrize("put", NOT_THE_HOST, ids=lambda put: put.__name__.strip("_"))
def test_programs_that_are_not_the_host_are_skipped(machine, put):
    put(machine, machine.root / "before")
    host = machine.host(SAY)
    machine.env["PATH"] = path_of(machine.ours, machine.root / "before", machine.bin)
    assert machine.one("list").out.decode().split() == ["HOST", str(host), "list"]


@pytest.mark.parametrize("put", NOT_THE_HOST, ids=lambda put: put.__name__.strip("_"))
def test_without_another_program_it_ends_with_one_line(machine, put):
    put(machine, machine.root / "before")
    machine.env["PATH"] = path_of(machine.ours, machine.root / "before", machine.bin)
    done = machine.one("list")
    assert done.code == 127
    assert done.err.count(b"\n") == 1
    assert b"npm install -g @withone/cli" in done.err


def test_a_wrapper_that_starts_us_as_a_child_terminates(machine):
    machine.shell_host(f'"{machine.ours}/one" "$@"')
    done = machine.one("list")
    assert done.code == 127
    assert done.err.count(b"\n") == 1
    assert b"ONE_TRACE_HOST" in done.err


def test_a_flow_that_starts_one_again_reaches_the_host_again(machine):
    machine.host(
        "import os, subprocess, sys\nprint('HOST', sys.argv[1:], flush=True)\n"
        "if sys.argv[1] == 'a': subprocess.run(['one', 'b'])"
    )
    assert machine.one("a").out.decode().split("\n")[:2] == ["HOST ['a']", "HOST ['b']"]


def test_one_trace_host_selects_the_host(machine):
    machine.host("print('not me')")
    other = machine.script(machine.root / "other" / "cli", f"#!{sys.executable}\n{SAY}\n")
    machine.env["ONE_TRACE_HOST"] = str(other)
    assert machine.one("list").out.decode().split() == ["HOST", str(other), "list"]


def test_the_setting_selects_the_host_and_the_environment_wins(machine):
    one = machine.script(machine.root / "a" / "cli", f"#!{sys.executable}\n{SAY}\n")
    two = machine.script(machine.root / "b" / "cli", f"#!{sys.executable}\n{SAY}\n")
    machine.write(machine.user_file, f'[traces]\nhost = "{one}"\n')
    assert machine.one("list").out.decode().split()[1] == str(one)
    machine.env["ONE_TRACE_HOST"] = str(two)
    assert machine.one("list").out.decode().split()[1] == str(two)


def test_a_project_cannot_select_the_host(machine):
    machine.host(SAY)
    evil = machine.script(machine.project / "evil", f"#!{sys.executable}\nprint('EVIL')\n")
    machine.write(machine.project / ".one/traces.toml", f'[traces]\nhost = "{evil}"\nenabled = true\n')
    for argv in (["list"], ["flow", "execute", "k"], ["flow", "execute", "k", "--trace"]):
        assert b"EVIL" not in machine.one(*argv).out


def test_built_in_knows_no_foreign_verb(machine):
    machine.host(SAY)
    machine.env["ONE_TRACE_HOST"] = "built-in"
    done = machine.one("list")
    assert (done.code, done.out) == (127, b"")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda m: "/nonexistent/one", "not a file"),
        (lambda m: m.write(m.root / "plain", "x"), "not executable"),
        (lambda m: m.ours / "one", "one-trace itself"),
        (lambda m: m.root, "not a file"),
        (lambda m: m.script(m.root / "bad", "#!/nonexistent/node\n"), "interpreter"),
        (lambda m: m.script(m.root / "bad", "no shebang\n"), "cannot start"),
    ],
)
@pytest.mark.parametrize("argv", [["list"], ["flow", "execute", "k", "--trace"]], ids=" ".join)
def test_an_unusable_host_is_a_clear_error(machine, make, says, argv):
    machine.env["ONE_TRACE_HOST"] = str(make(machine))
    done = machine.one(*argv)
    assert done.code == 127
    assert says in done.err.decode()
    assert done.err.count(b"\n") == 1
    document = machine.one("--agent", *argv).document
    assert says in document["error"]["message"]


def test_the_version_is_read_from_the_package_of_the_program(machine, tmp_path):
    from one_trace.host.find import version

    package = tmp_path / "lib" / "cli"
    machine.script(package / "bin" / "cli.js", "")
    machine.write(package / "package.json", '{"name": "@withone/cli", "version": "1.52.1"}')
    (tmp_path / "one").symlink_to(package / "bin" / "cli.js")
    assert version(str(tmp_path / "one")) == "1.52.1"
    assert version(str(machine.ours / "one")) is None


COMPLETIONS = {
    "share/bash-completion/completions/one": "one.bash",
    "share/zsh/site-functions/_one": "_one",
    "share/fish/vendor_completions.d/one.fish": "one.fish",
}


@pytest.mark.program
def test_the_wheel_contains_both_scripts_and_the_completions(tmp_path):
    pytest.importorskip("hatchling", reason="needs hatchling to build the wheel")
    import zipfile
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=root,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        scripts = [entry for entry in archive.infolist() if ".data/scripts/" in entry.filename]
        assert sorted(entry.filename.rsplit("/")[-1] for entry in scripts) == ["one", "one-trace"]
        assert all(archive.read(entry).startswith(b"#!python\n") for entry in scripts)
        assert all(entry.external_attr >> 16 & 0o100 for entry in scripts), (
            "installers keep the mode they find"
        )
        shared = {
            name.rpartition(".data/data/")[2]: name for name in archive.namelist() if ".data/data/" in name
        }
        for place, file in COMPLETIONS.items():
            assert archive.read(shared[place]) == (root / "completions" / file).read_bytes()
