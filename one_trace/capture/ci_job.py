"""The job of a CI system that a run takes place in, in OpenTelemetry's words.

A CI system's own pipeline is ``one.ci.*``: in the conventions' words, the pipeline is the flow itself. Of its
variables only those listed here are read; a URL is kept without anything that may be a credential.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from one_trace.outbound.names import one_line
from one_trace.outbound.remotes import clean_remote

_VARIABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "github": {
        "one.ci.pipeline.name": ("GITHUB_WORKFLOW",),
        "one.ci.pipeline.run.id": ("GITHUB_RUN_ID",),
        "one.ci.job.name": ("GITHUB_JOB",),
        "cicd.worker.name": ("RUNNER_NAME",),
        "vcs.ref.head.name": ("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        "vcs.ref.head.revision": ("GITHUB_SHA",),
    },
    "gitlab": {
        "one.ci.pipeline.name": ("CI_PIPELINE_NAME",),
        "one.ci.pipeline.run.id": ("CI_PIPELINE_ID",),
        "one.ci.pipeline.run.url.full": ("CI_PIPELINE_URL",),
        "one.ci.job.name": ("CI_JOB_NAME",),
        "cicd.worker.id": ("CI_RUNNER_ID",),
        "cicd.worker.name": ("CI_RUNNER_DESCRIPTION",),
        "vcs.change.id": ("CI_MERGE_REQUEST_IID",),
        "vcs.ref.head.name": ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"),
        "vcs.ref.head.revision": ("CI_COMMIT_SHA",),
        "vcs.repository.url.full": ("CI_PROJECT_URL",),
    },
    "buildkite": {
        "one.ci.pipeline.name": ("BUILDKITE_PIPELINE_NAME", "BUILDKITE_PIPELINE_SLUG"),
        "one.ci.pipeline.run.id": ("BUILDKITE_BUILD_ID",),
        "one.ci.pipeline.run.url.full": ("BUILDKITE_BUILD_URL",),
        "one.ci.job.name": ("BUILDKITE_LABEL",),
        "cicd.worker.id": ("BUILDKITE_AGENT_ID",),
        "cicd.worker.name": ("BUILDKITE_AGENT_NAME",),
        "vcs.change.id": ("BUILDKITE_PULL_REQUEST",),
        "vcs.ref.head.name": ("BUILDKITE_TAG", "BUILDKITE_BRANCH"),
        "vcs.ref.head.revision": ("BUILDKITE_COMMIT",),
        "vcs.repository.url.full": ("BUILDKITE_REPO",),
    },
    "jenkins": {
        "one.ci.pipeline.name": ("JOB_NAME",),
        "one.ci.pipeline.run.id": ("BUILD_NUMBER",),
        "one.ci.pipeline.run.url.full": ("BUILD_URL",),
        "one.ci.job.name": ("STAGE_NAME",),
        "cicd.worker.name": ("NODE_NAME",),
        "vcs.change.id": ("CHANGE_ID",),
        "vcs.ref.head.name": ("TAG_NAME", "CHANGE_BRANCH", "BRANCH_NAME"),
        "vcs.ref.head.revision": ("GIT_COMMIT",),
        "vcs.repository.url.full": ("GIT_URL",),
    },
}
"""Attribute → the variables that may tell it, the first that is set."""
_TAGGED = {"gitlab": "CI_COMMIT_TAG", "buildkite": "BUILDKITE_TAG", "jenkins": "TAG_NAME"}
"""Variables that are set where the head is a tag."""
_PULL = re.compile(r"refs/pull/([0-9]{1,12})/")
_REVISION = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


def job(system: str, env: Mapping[str, str]) -> dict[str, str]:
    """The attributes of the job that this environment is of."""
    found: dict[str, str] = {}
    for attribute, variables in _VARIABLES[system].items():
        text = next(filter(None, (_value(env, each) for each in variables)), "")
        found[attribute] = _url(text) if attribute.endswith(".url.full") else one_line(text)
    if system == "github":
        found |= _github(env)
    if not _REVISION.match(found["vcs.ref.head.revision"]):
        found["vcs.ref.head.revision"] = ""
    if found.get("vcs.change.id") == "false":  # of Buildkite, for none
        found["vcs.change.id"] = ""
    if found["vcs.ref.head.name"]:
        found["vcs.ref.head.type"] = "tag" if _is_tag(system, env) else "branch"
    if found.get("vcs.repository.url.full"):
        found["vcs.repository.name"] = found["vcs.repository.url.full"].rpartition("/")[2]
    return {attribute: text for attribute, text in found.items() if text}


def _github(env: Mapping[str, str]) -> dict[str, str]:
    """GitHub tells URLs in parts, and a pull request only by its ref."""
    repository = _url(f"{_value(env, 'GITHUB_SERVER_URL')}/{_value(env, 'GITHUB_REPOSITORY')}")
    run_id = _value(env, "GITHUB_RUN_ID")
    pull = _PULL.match(_value(env, "GITHUB_REF"))
    return {
        "vcs.repository.url.full": repository,
        "one.ci.pipeline.run.url.full": _url(f"{repository}/actions/runs/{run_id}") if run_id else "",
        "vcs.change.id": pull[1] if pull else "",
    }


def _is_tag(system: str, env: Mapping[str, str]) -> bool:
    if system == "github":
        return _value(env, "GITHUB_REF_TYPE") == "tag"
    return bool(_value(env, _TAGGED[system]))


def _url(text: str) -> str:
    return clean_remote(text) or ""


def _value(env: Mapping[str, str], name: str) -> str:
    return env.get(name, "").strip()
