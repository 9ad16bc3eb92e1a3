"""Building a ``Config``: its defaults, then a TOML file, then the command line.

The keys of the file are the fields of ``Config``; ``[env_options]`` is a table. The command line
has one option per field, made from the dataclass, so that a new field needs no second mention.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import json
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from envlift.registry import entry, list_envs, list_vector_envs
from envlift.train.config import Config, ConfigError

_FIELDS: Mapping[str, Field[Any]] = {field.name: field for field in fields(Config)}
_HINTS: Mapping[str, Any] = get_type_hints(Config)
_PREFIX = "setting_"
_NAME_HELP = "envlift train NAME --help shows the defaults of NAME"
_OPTIONS = "env_options"


class _Help(argparse.Action):
    """``--help``, with the defaults of the environment named before it."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, *_: Any) -> None:
        env: str = getattr(namespace, _PREFIX + "env", None) or ""
        path = preset(env)
        if path is not None:
            own = read_file(path)
            name = env.rpartition(":")[2]
            for action in parser._actions:
                field = action.dest.removeprefix(_PREFIX)
                if field in own and action.help:
                    action.help = f"{action.help[:-1]} ({name}: {_show(own[field])})."
            options = own.get(_OPTIONS, {})
            also = ", ".join(f"{_OPTIONS}.{key} = {value}" for key, value in options.items())
            parser.epilog = f"{name} also sets {also}." if also else None
        parser.print_help()
        parser.exit()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``[NAME]``, ``--config``, ``--set``, ``--option`` and one option per field of ``Config``.

    Every value is kept as text; ``read`` turns it into a ``Config``, so that a wrong one is told
    the same way wherever it was written. A parser made with ``add_help=False`` is given a
    ``--help`` that shows an environment's own defaults.
    """
    about = _documentation()
    if not parser.add_help:
        parser.add_argument(
            "-h", "--help", action=_Help, nargs=0, default=argparse.SUPPRESS, help=_NAME_HELP
        )
    parser.add_argument(
        _PREFIX + "env",
        nargs="?",
        metavar="NAME",
        help=_help(about.get("env", "")),
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="FIELD=VALUE",
        help="any setting by its name, for example env_options.frameskip=8",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        dest="env_assignments",
        metavar="KEY=VALUE",
        help="an option of the environment, for example frameskip=8",
    )
    group = parser.add_argument_group("settings (also the keys of the TOML file)")
    for name, field in _FIELDS.items():
        if name in ("env", _OPTIONS):
            continue
        group.add_argument(
            "--" + name.replace("_", "-"),
            dest=_PREFIX + name,
            help=_help(f"{about.get(name, '')} Default: {_show(field.default)}."),
            **_appearance(_HINTS[name]),
        )


def read(namespace: argparse.Namespace, base: Config | None = None) -> Config:
    """Return the configuration that a parsed command line asks for.

    Args:
        namespace: of a parser with ``add_arguments``.
        base: what is taken for everything not given; None takes the defaults.

    Raises:
        ConfigError: naming the field, the value and what is allowed, and the file if the value
            came from there; for an unknown field the closest known one and all of them.
        FileNotFoundError: if the file of ``--config`` does not exist.
    """
    path: Path | None = namespace.config
    from_file = {} if path is None else read_file(path)
    if base is not None:
        from_file = base.to_dict() | from_file
    given: dict[str, Any] = {}
    for name in _FIELDS:
        value = getattr(namespace, _PREFIX + name, None)
        if value is not None:
            given[name] = _from_text(name, value) if isinstance(value, str) else value
    options: dict[str, Any] = {}
    for assignment in namespace.assignments:
        name, value = _split(assignment, "--set")
        if name.startswith(_OPTIONS + "."):
            options[name.removeprefix(_OPTIONS + ".")] = _literal(name, value)
        elif name == _OPTIONS:
            raise ConfigError(
                f"--set {assignment}: give one option at a time, {_OPTIONS}.KEY=VALUE"
            )
        else:
            _require_known(name, f"--set {assignment}")
            given[name] = _from_text(name, value)
    options |= read_options(namespace.env_assignments)
    merged = from_file | given
    if options:
        in_file = from_file.get(_OPTIONS, {})
        merged[_OPTIONS] = in_file | options if isinstance(in_file, dict) else in_file
    try:
        return Config(**merged)
    except ConfigError as error:
        # The message begins with the field's name: say where its value was written.
        name = str(error).split(" ", 1)[0]
        if path is not None and name in from_file and name not in given:
            raise ConfigError(f"{path}: {error}") from None
        raise


def preset(env: str) -> Path | None:
    """Return the TOML file of an environment's own settings, None if it has none.

    It is ``train.toml`` beside the environment's rules; ``reference:NAME`` has those of ``NAME``,
    and ``gymnasium:ID`` those of ``presets/ID.toml`` beside this file.
    """
    if env.startswith("gymnasium:"):
        path = Path(__file__).parent / "presets" / f"{env.rpartition(':')[2]}.toml"
        return path if path.is_file() else None
    name = env.removeprefix("reference:")
    if name not in (*list_envs(), *list_vector_envs()):
        return None
    module = sys.modules[entry(name).factory.__module__]
    path = Path(str(module.__file__)).parent / "train.toml"
    return path if path.is_file() else None


def names_env(namespace: argparse.Namespace) -> bool:
    """Tell whether a parsed command line, or the file it names, says which environment."""
    words = [_split(assignment, "--set")[0] for assignment in namespace.assignments]
    in_file = namespace.config is not None and "env" in read_file(namespace.config)
    return getattr(namespace, _PREFIX + "env") is not None or "env" in words or in_file


def read_options(assignments: Sequence[str]) -> dict[str, Any]:
    """Return options of an environment from ``KEY=VALUE``; a value is TOML, or a bare word.

    Raises:
        ConfigError: for one without ``=``, or a value that begins like TOML and is not.
    """
    options = {}
    for assignment in assignments:
        key, value = _split(assignment, "--option")
        options[key] = _literal(f"{_OPTIONS}.{key}", value)
    return options


def read_values(words: str) -> tuple[str, list[Any]]:
    """Read ``FIELD=V1,V2,...`` or, of whole numbers, ``FIELD=FIRST..LAST``.

    Returns:
        The field and its values, each as the field wants it.

    Raises:
        ConfigError: for an unknown field, no value, or a range that is none.
    """
    name, text = _split(words, "--sweep")
    _require_known(name, "--sweep")
    first, dots, last = text.partition("..")
    if dots:
        if not (first.isdigit() and last.isdigit() and int(first) <= int(last)):
            raise ConfigError(
                f"--sweep {words!r} is not allowed: a range is two whole numbers, the smaller one "
                "first, as 0..15"
            )
        return name, list(range(int(first), int(last) + 1))
    return name, [_from_text(name, part.strip()) for part in text.split(",") if part.strip()]


def read_file(path: Path) -> dict[str, Any]:
    """Return the fields that a TOML file sets, with whole and real numbers as the fields want them.

    Raises:
        ConfigError: for TOML that does not parse (names the line) and for unknown fields.
        FileNotFoundError: if there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file to read settings from")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    for name in table:
        _require_known(name, str(path))
    return {name: _fit(name, value) for name, value in table.items()}


def to_toml(config: Config) -> str:
    """Return a TOML file that ``read_file`` turns into the same configuration.

    Raises:
        ConfigError: for an option of the environment that TOML cannot hold.
    """
    values = config.to_dict()
    options = values.pop(_OPTIONS)
    lines = [f"{name} = {_toml(name, value)}" for name, value in values.items()]
    if options:
        lines += ["", f"[{_OPTIONS}]"]
        lines += [
            f"{json.dumps(key)} = {_toml(f'{_OPTIONS}.{key}', value)}"
            for key, value in options.items()
        ]
    return "\n".join(lines) + "\n"


def _toml(name: str, value: Any) -> str:
    if value is None and name in _FIELDS:
        return '"none"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        # A JSON string is a TOML string, save for DEL and for surrogate pairs.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(name, item) for item in value) + "]"
    raise ConfigError(
        f"{name} = {value!r} cannot be written as TOML: give a number, text or a list"
    )


def _fit(name: str, value: Any) -> Any:
    """Turn a number into the kind the field wants where nothing is lost, and "none" into None."""
    kinds = _kinds(name)
    if isinstance(value, bool):
        return value
    if value == "none" and NoneType in kinds:
        return None
    if int in kinds and isinstance(value, float) and value.is_integer():
        return int(value)
    if float in kinds and isinstance(value, int):
        return float(value)
    return value


def _from_text(name: str, text: str) -> Any:
    """Read a value as it was typed; what cannot be read stays text, for ``Config`` to refuse."""
    kinds = _kinds(name)
    if bool in kinds:
        return {"true": True, "false": False}.get(text.lower(), text)
    if int in kinds or float in kinds:
        try:
            return _fit(name, int(text))
        except ValueError:
            pass
        try:
            return _fit(name, float(text))
        except ValueError:
            return None if text.lower() == "none" and NoneType in kinds else text
    return text


def _kinds(name: str) -> tuple[Any, ...]:
    hint = _HINTS[name]
    return get_args(hint) if NoneType in get_args(hint) else (hint,)


def _literal(name: str, text: str) -> Any:
    """Read a TOML value; a bare word is text."""
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError as error:
        if text[:1] in tuple("\"'[{"):
            raise ConfigError(f"{name} = {text} is not a TOML value: {error}") from None
        return text
    return table["value"] if len(table) == 1 else text


def _split(assignment: str, option: str) -> tuple[str, str]:
    name, sign, value = assignment.partition("=")
    if not sign or not name.strip():
        raise ConfigError(f"{option} {assignment!r} is not allowed: give NAME=VALUE")
    return name.strip(), value.strip()


def _require_known(name: str, where: str) -> None:
    if name not in _FIELDS:
        near = difflib.get_close_matches(name, _FIELDS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"{where}: there is no setting {name!r}; {hint}Known: {', '.join(_FIELDS)}"
        )


def _documentation() -> dict[str, str]:
    """Return what the class docstring says of each field."""
    _, _, attributes = inspect.cleandoc(Config.__doc__ or "").partition("Attributes:\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _appearance(hint: Any) -> dict[str, Any]:
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction, "default": None}
    if get_origin(hint) is Literal:
        return {"metavar": "{" + ",".join(get_args(hint)) + "}"}
    kinds = get_args(hint) or (hint,)
    unit = "N" if int in kinds else "X" if float in kinds else "TEXT"
    return {"metavar": f"{unit}|none" if NoneType in kinds else unit}


def _show(value: Any) -> str:
    return "none" if value is None or value is MISSING else str(value)


def _help(text: str) -> str:
    return text.strip().replace("`", "").replace("%", "%%")
