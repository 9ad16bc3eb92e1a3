"""``envlift.toml``, its modules, and the reference's own text; suites of projects import it."""

from envlift.translate.project.file import load_project as load_project
