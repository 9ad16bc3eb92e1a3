"""A suite whose reference is another version, and one that compares the two versions."""

from __future__ import annotations

import shlex
from dataclasses import replace

from envlift.verify.suite import Config, Field, Suite
from envlift.verify.suite.find import find_suite


def other_reference(
    name: str, *, requirements: str | None = None, packages: str | None = None
) -> Suite:
    """Return a suite that compares its candidate with another version of the reference.

    Recorded cases are those of the old version, so they are left out, and so is level 4.

    Args:
        name: a registered environment or a suite file.
        requirements: the locked file of the other version's packages, for one from PyPI.
        packages: the folder of its Node packages, for one from npm.
    """
    suite = find_suite(name)[0]
    return replace(
        suite,
        name=f"{suite.name}_moved",
        reference=_launch(suite, packages),
        prepare=None if packages else suite.prepare,
        configs=tuple(
            replace(config, reference=_options(config, requirements)) for config in _configs(suite)
        ),
        corpus=None,
        transfer=None,
    )


def two_references(
    name: str, *, requirements: str | None = None, packages: str | None = None
) -> Suite:
    """Return a suite that compares two versions of a reference, exactly: the old one is asked.

    Args:
        name: a registered environment or a suite file.
        requirements: see ``other_reference``.
        packages: see ``other_reference``.
    """
    suite = find_suite(name)[0]
    return replace(
        suite,
        name=f"{suite.name}_references",
        candidate=_launch(suite, packages),
        state=_exact(suite.state),
        observation=_exact((suite.observation,))[0],
        reward=_exact((suite.reward,))[0],
        info=Field("info"),
        # A state that is written may not be all there is: both play on by themselves.
        start="chance" if suite.start == "chance" else "seed",
        to_candidate=None,
        to_reference=None,
        configs=tuple(
            replace(
                config,
                candidate=_options(config, requirements),
                fields=(),
                x64=False,
                resync=None,
            )
            for config in _configs(suite)
        ),
        # Without a function of its own the candidate is called as the reference is.
        components=tuple(
            replace(one, candidate=None, fields=_exact(one.fields)) for one in suite.components
        ),
        deviations=(),
        corpus=None,
        horizon=None,
        transfer=None,
    )


def _configs(suite: Suite) -> list[Config]:
    return [config for config in suite.configs if not config.transfer_only]


def _exact(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    return tuple(Field(field.name, labels=field.labels) for field in fields)


def _options(config: Config, requirements: str | None) -> dict[str, object]:
    changed = {} if requirements is None else {"requirements": requirements}
    return {**config.reference, **changed}


def _launch(suite: Suite, packages: str | None) -> str:
    if packages is None:
        return suite.reference
    module = suite.reference.rpartition(" ")[2]
    # The same host, with another folder of packages.
    return f"process:python -m envlift.watch.node {module} {shlex.quote(packages)}"
