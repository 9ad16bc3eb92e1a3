"""What an agent is told, from templates that a project may replace.

The templates are in ``templates/``. A file of the same name in ``<project>/prompts/`` wins; it may
build on the original, ``{% extends "envlift/translate.md.jinja" %}``, and fill in its blocks.
A prompt depends on the project alone: the same project gives the same text, on any machine, at any
time.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envlift.translate.commands.prompt import KINDS
from envlift.translate.project.file import Module, Project, ProjectError
from envlift.translate.project.material import read_source, rules_of
from envlift.translate.prompts import contract
from envlift.translate.prompts.evidence import (
    MAX_DIFF_LINES,
    MAX_FAILURES,
    MAX_TRACEBACK_LINES,
    Evidence,
    Previous,
    divergence_table,
    short,
)
from envlift.verify.run.result import LEVELS

if TYPE_CHECKING:
    import jinja2

    from envlift.verify.suite import Suite

ABOUT_ONE_MODULE = ("translate",)
BUILTIN = Path(__file__).with_name("templates")
SUFFIX = ".md.jinja"


def render(
    kind: str,
    project: Project,
    *,
    module: Module | str | None = None,
    level: str = "",
    iteration: int = 0,
    evidence: Evidence | None = None,
    previous: Previous | None = None,
    speed: Mapping[str, float] | Mapping[int, float] | None = None,
) -> str:
    """Return the prompt of one turn.

    Args:
        kind: one of ``KINDS``.
        project: whose files are shown.
        module: what the turn is about, itself or by name; None for the whole.
        level: the level that the turn is meant to pass.
        iteration: turns that this level (of this module) has taken before.
        evidence: what failed.
        previous: an attempt that was undone.
        speed: batch size -> environment steps a second, as measured.

    Raises:
        ProjectError: for an unknown kind or module, a source that is missing, or a template that is
            wrong; the message names its file and line.
        ModuleNotFoundError: without the extra ``translate``.
    """
    if kind not in KINDS:
        raise ProjectError(f"there is no prompt {kind!r}; choose one of {', '.join(KINDS)}")
    if isinstance(module, str):
        module = project.module(module)
    if module is None and kind in ABOUT_ONE_MODULE:
        known = ", ".join(m.name for m in project.modules) or "none yet"
        raise ProjectError(f"the prompt {kind!r} needs a module; {project.name} has: {known}")
    environment = _environment(project)
    sources = module.sources if module is not None else project.reference.sources
    values = {
        "kind": kind,
        "project": project,
        "module": module,
        "needed": [project.module(name) for name in module.needs] if module else [],
        "level": level,
        "level_title": LEVELS.get(level, ""),
        "iteration": iteration,
        "evidence": evidence,
        "failures": evidence.failing[:MAX_FAILURES] if evidence else (),
        "previous": previous,
        "speed": {str(batch): float(value) for batch, value in (speed or {}).items()},
        "sources": [read_source(project, place) for place in sources],
        "rules": rules_of(project, module.rules if module else ())
        if project.reference.specification
        else "",
        "suite": _suite(project),
        "contract": contract,
    }
    return _tidy(_filled(environment, kind + SUFFIX, values, project))


def _environment(project: Project) -> jinja2.Environment:
    import jinja2

    from envlift.verify.engine.compare import allowed_text

    builtin = jinja2.FileSystemLoader(BUILTIN)
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.FileSystemLoader(project.folder / "prompts"),
                builtin,
                jinja2.PrefixLoader({"envlift": builtin}),
            ]
        ),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    log: Callable[..., str] = partial(short, folder=project.folder)
    environment.filters |= {
        "fenced": _fenced,
        "table": divergence_table,
        "traceback": partial(log, lines=MAX_TRACEBACK_LINES, last=True),
        "diff": partial(log, lines=MAX_DIFF_LINES),
        "sentence": partial(log, lines=6),
        "allowed": allowed_text,
    }
    return environment


def _filled(
    environment: jinja2.Environment, name: str, values: dict[str, Any], project: Project
) -> str:
    import jinja2

    try:
        return environment.get_template(name).render(values)
    except ProjectError:
        raise
    except jinja2.TemplateSyntaxError as error:
        place = _place(project, error.filename or error.name or name)
        raise ProjectError(f"{place}, line {error.lineno}: {error.message}") from None
    except jinja2.TemplateNotFound as error:
        known = ", ".join(sorted(path.name for path in BUILTIN.glob(f"*{SUFFIX}")))
        place = _last_template(project) or name
        raise ProjectError(
            f"{place}: there is no template {error.name!r}; known: {known} (an original is reached "
            "as envlift/NAME)"
        ) from None
    except Exception as error:
        place = _last_template(project) or name
        raise ProjectError(f"{place}: {error}") from None


def _last_template(project: Project) -> str:
    """Return file and line of the innermost template in the exception being handled."""
    frames = [
        frame
        for frame in traceback.extract_tb(sys.exc_info()[2])
        if frame.filename.endswith(SUFFIX)
    ]
    return f"{_place(project, frames[-1].filename)}, line {frames[-1].lineno}" if frames else ""


def _place(project: Project, name: str) -> str:
    path = Path(name)
    if path.is_relative_to(project.folder):
        return str(path.relative_to(project.folder))
    return f"envlift/{path.name}"


def _suite(project: Project) -> Suite | None:
    """Load what the project is compared by; None where nobody has written it yet."""
    from envlift.verify.suite.find import find_suite

    path = project.folder / project.suite
    if not path.is_file():
        return None
    try:
        return find_suite(str(path))[0]
    except Exception as error:
        raise ProjectError(f"{project.suite}: {error}") from error


def _fenced(text: str, language: str = "text") -> str:
    """Put text into a block whose fence no line of the text can close."""
    longest = 2
    for row in text.splitlines():
        ticks = len(row.lstrip()) - len(row.lstrip().lstrip("`"))
        longest = max(longest, ticks)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _tidy(text: str) -> str:
    """Take out blank lines that templates leave behind; what is fenced stays as it is."""
    rows: list[str] = []
    fence = ""
    for row in text.splitlines():
        ticks = row[: len(row) - len(row.lstrip("`"))]
        if fence:
            fence = "" if row.rstrip() == fence else fence
            rows.append(row)
            continue
        fence = ticks if len(ticks) > 2 else ""
        row = row.rstrip()
        if row.startswith("#") and rows and rows[-1]:
            rows.append("")
        if row or (rows and rows[-1]):
            rows.append(row)
    return "\n".join(rows).strip("\n") + "\n"
