"""Where a run took place, as it is sent by OTLP."""

from __future__ import annotations

import os

import pytest

from one_trace.capture.place import place_of
from one_trace.deliver.otlp_resource import resource
from one_trace.outbound.payload import Project

SHA = "0123456789abcdef0123456789abcdef01234567"
HERE = {"host.name", "process.pid", "process.runtime.name", "process.runtime.version"}

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_WORKFLOW": "Nightly",
    "GITHUB_RUN_ID": "9753949763",
    "GITHUB_JOB": "flows",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/flows",
    "GITHUB_REF": "refs/pull/42/merge",
    "GITHUB_REF_NAME": "42/merge",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_HEAD_REF": "feature",
    "GITHUB_SHA": SHA,
    "GITHUB_TOKEN": "ghs_hush",
    "RUNNER_NAME": "runner 3",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PIPELINE_ID": "7",
    "CI_PIPELINE_URL": "https://gitlab.example.com/acme/flows/-/pipelines/7",
    "CI_JOB_NAME": "flows",
    "CI_RUNNER_ID": "12",
    "CI_RUNNER_DESCRIPTION": "shared",
    "CI_COMMIT_REF_NAME": "v1.0",
    "CI_COMMIT_TAG": "v1.0",
    "CI_COMMIT_SHA": SHA,
    "CI_PROJECT_URL": "https://gitlab.example.com/acme/flows",
    "CI_REPOSITORY_URL": "https://gitlab-ci-token:hush@gitlab.example.com/acme/flows.git",
}
BUILDKITE = {
    "BUILDKITE": "true",
    "BUILDKITE_PIPELINE_NAME": "Flows",
    "BUILDKITE_BUILD_ID": "b-1",
    "BUILDKITE_BUILD_URL": "https://user:hush@buildkite.com/acme/flows/builds/1?token=hush#job",
    "BUILDKITE_PULL_REQUEST": "false",
    "BUILDKITE_BRANCH": "main",
    "BUILDKITE_COMMIT": "HEAD",
    "BUILDKITE_REPO": "git@github.com:acme/flows.git",
}
JENKINS = {
    "JENKINS_URL": "https://jenkins.example.com/",
    "JOB_NAME": "flows/main",
    "BUILD_NUMBER": "5",
    "BUILD_URL": "https://jenkins.example.com/job/flows/5/",
    "NODE_NAME": "built-in",
    "BRANCH_NAME": "PR-3",
    "CHANGE_BRANCH": "feature",
    "CHANGE_ID": "3",
    "GIT_COMMIT": SHA,
    "GIT_URL": "https://hush@git.example.com/acme/flows.git",
}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, {}),
        ({"GITHUB_ACTIONS": "false", "JENKINS_URL": " "}, {}),
        (
            GITHUB,
            {
                "one.ci.system": "github",
                "one.ci.pipeline.name": "Nightly",
                "one.ci.pipeline.run.id": "9753949763",
                "one.ci.pipeline.run.url.full": "https://github.com/acme/flows/actions/runs/9753949763",
                "one.ci.job.name": "flows",
                "cicd.worker.name": "runner 3",
                "vcs.change.id": "42",
                "vcs.ref.head.name": "feature",
                "vcs.ref.head.type": "branch",
                "vcs.ref.head.revision": SHA,
                "vcs.repository.url.full": "https://github.com/acme/flows",
                "vcs.repository.name": "flows",
            },
        ),
        (
            GITLAB,
            {
                "one.ci.system": "gitlab",
                "one.ci.pipeline.run.id": "7",
                "one.ci.pipeline.run.url.full": "https://gitlab.example.com/acme/flows/-/pipelines/7",
                "one.ci.job.name": "flows",
                "cicd.worker.id": "12",
                "cicd.worker.name": "shared",
                "vcs.ref.head.name": "v1.0",
                "vcs.ref.head.type": "tag",
                "vcs.ref.head.revision": SHA,
                "vcs.repository.url.full": "https://gitlab.example.com/acme/flows",
                "vcs.repository.name": "flows",
            },
        ),
        (
            BUILDKITE,
            {
                "one.ci.system": "buildkite",
                "one.ci.pipeline.name": "Flows",
                "one.ci.pipeline.run.id": "b-1",
                "one.ci.pipeline.run.url.full": "https://buildkite.com/acme/flows/builds/1",
                "vcs.ref.head.name": "main",
                "vcs.ref.head.type": "branch",
                "vcs.repository.url.full": "https://github.com/acme/flows",
                "vcs.repository.name": "flows",
            },
        ),
        (
            JENKINS,
            {
                "one.ci.system": "jenkins",
                "one.ci.pipeline.name": "flows/main",
                "one.ci.pipeline.run.id": "5",
                "one.ci.pipeline.run.url.full": "https://jenkins.example.com/job/flows/5",
                "cicd.worker.name": "built-in",
                "vcs.change.id": "3",
                "vcs.ref.head.name": "feature",
                "vcs.ref.head.type": "branch",
                "vcs.ref.head.revision": SHA,
                "vcs.repository.url.full": "https://git.example.com/acme/flows",
                "vcs.repository.name": "flows",
            },
        ),
    ],
    ids=["nothing", "unset", "github", "gitlab", "buildkite", "jenkins"],
)
def test_a_ci_job_is_told_in_the_words_of_the_conventions(
    env: dict[str, str], expected: dict[str, str]
) -> None:
    found = place_of(env)
    assert {name: value for name, value in found.items() if name not in HERE} == expected
    assert found["process.pid"] == os.getpid()
    assert "hush" not in str(found)


def test_hostile_values_of_a_ci_job_are_cut_and_cleaned() -> None:
    odd = {
        "GITHUB_WORKFLOW": "a\x1b[2J\n" + "x" * 10_000,
        "GITHUB_SHA": "$(touch x)",
        "GITHUB_REF": "refs/pull/none/merge",
        "GITHUB_SERVER_URL": "file:///etc/passwd",
    }
    found = place_of(GITHUB | odd)
    assert found["one.ci.pipeline.name"].startswith("a [2J x")
    assert len(found["one.ci.pipeline.name"]) == 200
    assert not {"vcs.ref.head.revision", "vcs.change.id", "vcs.repository.url.full"} & set(found)
    assert "one.ci.pipeline.run.url.full" not in found


def test_git_knows_better_and_the_user_best() -> None:
    place = {"host.name": "there", "vcs.ref.head.name": "feature", "vcs.ref.head.revision": SHA}
    project = Project(remote="https://github.com/acme/flows", ref="f" * 40)
    env = {"OTEL_RESOURCE_ATTRIBUTES": "team=blue,vcs.ref.head.name=mine"}
    assert resource(project, place, env) == {
        "host.name": "there",
        "vcs.repository.url.full": "https://github.com/acme/flows",
        "vcs.repository.name": "flows",
        "vcs.ref.head.name": "mine",
        "vcs.ref.head.revision": "f" * 40,
        "team": "blue",
    }
    assert resource(Project(), {}, {})["host.name"]
