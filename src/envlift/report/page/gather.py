"""From the words of a command line to a whole page of data, and ``report.json``."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from envlift import __version__
from envlift.registry import list_envs, list_vector_envs
from envlift.report.page import data
from envlift.report.page.decode import DecodeError, decode, read_json
from envlift.report.page.project import project
from envlift.report.page.subject import of_environment, of_file
from envlift.report.page.timeline import DIFF_BYTES
from envlift.translate.loop.ledger import now
from envlift.translate.project.file import FILE
from envlift.verify.run.result import plain


def gather(sources: list[str], made: str | None = None, diff_bytes: int = DIFF_BYTES) -> data.Page:
    """Read all sources.

    Args:
        sources: evidence files, names of registered environments, project folders.
        made: time to write on the page, by default now.
        diff_bytes: for the diffs of all turns of one project together.

    Raises:
        ValueError: for a source that is none of these or cannot be read.
    """
    subjects = [subject for source in sources for subject in read_source(source, diff_bytes)]
    unique = [
        replace(subject, id=f"s{number}-{re.sub(r'[^a-z0-9]+', '-', subject.id.lower())}")
        for number, subject in enumerate(subjects, start=1)
    ]
    return data.Page(made or now(), f"envlift {__version__}", unique)


def read_source(source: str, diff_bytes: int = DIFF_BYTES) -> list[data.Subject]:
    """Return the subjects of one source.

    A folder with a project file is a project, also where a registered environment has its name.

    Raises:
        ValueError: if it is no source.
    """
    path = Path(source)
    if (path / FILE).is_file():
        return [project(path, source, diff_bytes)]
    known = sorted([*list_envs(), *list_vector_envs()])
    if source in known:
        return of_environment(source)
    if path.is_dir():
        raise ValueError(f"{source} is no project folder: there is no {FILE} in it")
    if path.exists():
        return [of_file(path, source)]
    raise ValueError(
        f"{source!r} is no evidence file, no project folder and no registered environment; "
        f"known environments: {', '.join(known)}"
    )


def to_json(page: data.Page) -> dict[str, Any]:
    """Return the page as JSON data; what is not finite becomes a text."""
    found: dict[str, Any] = plain(asdict(page))
    return {"schema_version": found.pop("schema_version"), **found}


def from_json(found: Any, name: str = "report.json") -> data.Page:
    """Return a page from its JSON.

    Raises:
        ValueError: if it is none, or of another schema.
    """
    version = found.get("schema_version") if isinstance(found, dict) else None
    if version != data.SCHEMA_VERSION:
        raise ValueError(
            f"{name} has schema_version {version!r}, this reads {data.SCHEMA_VERSION}; "
            "make the report anew"
        )
    try:
        return decode(data.Page, found)
    except DecodeError as error:
        raise ValueError(f"{name} is no report.json of `envlift report`: {error}") from None


def read(path: Path) -> data.Page:
    """Read a ``report.json``.

    Raises:
        ValueError: if it is none.
    """
    return from_json(read_json(path), str(path))


def write(page: data.Page, path: Path) -> None:
    """Write ``report.json`` whole or not at all."""
    write_text(path, json.dumps(to_json(page), indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
