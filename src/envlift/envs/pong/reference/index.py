"""Where the user's own package installer looks for packages."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sources:
    """Where to look for a package.

    Attributes:
        index_url: the main index; None for the installer's own default.
        extra_index_urls: further indexes.
        find_links: folders and pages with archives.
        trusted_hosts: hosts whose certificate is not checked.
        no_index: look at no index at all.
    """

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    no_index: bool = False


def _config_files(environment: Mapping[str, str]) -> list[Path]:
    """Pip's configuration files, the more important ones later."""
    home = Path(environment.get("HOME") or Path.home())
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    chosen = environment.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    files = [
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        home / "Library" / "Application Support" / "pip" / "pip.conf",
        user / "pip" / "pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    return [*files, Path(chosen)] if chosen else files


def read_sources(environment: Mapping[str, str] | None = None) -> Sources:
    """Read pip's environment variables, then pip's configuration files, then uv's variables."""
    environment = os.environ if environment is None else environment
    found: dict[str, str] = {}
    for path in _config_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip itself will complain about it; it is not ours to repair
        for section in ("global", "download", "install"):
            if parser.has_section(section):
                found |= {key.replace("_", "-"): value for key, value in parser.items(section)}
    for name in ("index-url", "extra-index-url", "find-links", "trusted-host", "no-index"):
        value = environment.get("PIP_" + name.upper().replace("-", "_"))
        if value:
            found[name] = value
    uv_main = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    extra = found.get("extra-index-url") or environment.get("UV_EXTRA_INDEX_URL") or ""
    return Sources(
        index_url=found.get("index-url") or uv_main or None,
        extra_index_urls=tuple(extra.split()),
        find_links=tuple(found.get("find-links", "").split()),
        trusted_hosts=tuple(found.get("trusted-host", "").split()),
        no_index=found.get("no-index", "").lower() in ("1", "true", "yes", "on", "y", "t"),
    )
