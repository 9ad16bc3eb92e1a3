"""Which files of a project are a person's or the loop's, and no agent's."""

from __future__ import annotations

from fnmatch import fnmatch

from envlift.translate.project.file import FILE, Project

FIXTURES = "fixtures"

ALWAYS_PROTECTED = (FILE, ".gitignore", ".gitattributes", "reference", FIXTURES, "prompts")


def guards(project: Project, path: str) -> bool:
    """Whether no agent may change a path, relative to the project folder."""
    specification = (project.reference.specification,) if project.reference.specification else ()
    guarded = (*ALWAYS_PROTECTED, *specification, project.suite, *project.protected)
    return any(_covers(pattern, path) for pattern in guarded)


def _covers(pattern: str, path: str) -> bool:
    return path == pattern or path.startswith(pattern.rstrip("/") + "/") or fnmatch(path, pattern)
