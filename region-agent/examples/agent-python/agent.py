#!/usr/bin/env python3
"""A runner for region-agent: checks a repository out, lints its Python files, pushes what it could fix.

Reads a mission as JSON on standard input, prints the result as JSON on standard output. Needs python3 and git only.
See README.md beside this file for the mission's payload and the result.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import lint

# What git may use to reach a repository; `ext::` would run any program.
PROTOCOLS = "file:git:http:https:ssh"


class MissionError(Exception):
    """The mission cannot be done; the text says why."""


def main() -> int:
    try:
        mission = read_mission(sys.stdin.read())
        result = work(mission, Path.cwd() / "checkout")
    except MissionError as error:
        print(f"agent-python: {error}", file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0


def read_mission(text: str) -> dict:
    """The mission, with a payload that names a repository."""
    try:
        mission = json.loads(text)
    except ValueError as error:
        raise MissionError(f"the mission is no JSON: {error}") from error
    payload = mission.get("payload")
    if not isinstance(payload, dict) or not isinstance(payload.get("repository"), str):
        raise MissionError("the payload names no repository")
    for key in ("repository", "ref"):
        if str(payload.get(key, "")).startswith("-"):
            raise MissionError(f"{key} must not start with '-'")
    return mission


def work(mission: dict, checkout: Path) -> dict:
    """Clone, lint, fix, commit, push. Returns the result."""
    payload = mission["payload"]
    branch = f"mission/{mission['mission']}/{mission['epoch']}"
    progress("clone")
    clone(payload["repository"], payload.get("ref"), checkout)
    base = git(checkout, "rev-parse", "HEAD")
    git(checkout, "switch", "--quiet", "--create", branch)
    progress("lint")
    files = tracked_python(checkout)
    findings = [finding for path in files for finding in lint.fix_file(checkout, path)]
    result = {
        "repository": payload["repository"],
        "base": base,
        "files": len(files),
        "fixed": [finding.as_json() for finding in findings if finding.fixed],
        "left": [finding.as_json() for finding in findings if not finding.fixed],
        "branch": None,
        "commit": None,
    }
    # Only for drills: time in which an agent can be killed in the middle.
    time.sleep(float(payload.get("work_seconds", 0)))
    if git(checkout, "status", "--porcelain"):
        progress("push")
        result["commit"] = commit(checkout, mission, result["fixed"])
        git(checkout, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        result["branch"] = branch
    return result


def clone(repository: str, ref, checkout: Path) -> None:
    choice = ["--branch", ref] if ref else []
    git(checkout.parent, "clone", "--quiet", "--no-hardlinks", *choice, "--", repository, str(checkout))


def tracked_python(checkout: Path) -> list:
    """Python files under version control, in order. Links are left alone: they may point out of the checkout."""
    names = git(checkout, "ls-files", "-z", "--", "*.py").split("\0")
    return sorted(name for name in names if name and not (checkout / name).is_symlink())


def commit(checkout: Path, mission: dict, fixed: list) -> str:
    title = f"Fix {len(fixed)} lint finding{'s' if len(fixed) != 1 else ''}"
    trailer = f"Mission: {mission['mission']}\nEpoch: {mission['epoch']}"
    who = ["-c", "user.name=agent-python", "-c", "user.email=agent-python@localhost", "-c", "commit.gpgsign=false"]
    git(checkout, *who, "commit", "--quiet", "--all", "--message", title, "--message", trailer)
    return git(checkout, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    """Runs git in a folder and returns what it printed."""
    env = {
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": PROTOCOLS,
        # The example's repositories may belong to another user of a test machine.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MissionError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def progress(step: str) -> None:
    """A line that region-agent passes on as the mission's progress."""
    print(f"::progress {json.dumps({'step': step})}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
