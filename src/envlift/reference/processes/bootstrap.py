"""Start the Python host under any interpreter that has NumPy, without importing JAX.

Run by path (see ``launch.python_host``). The interpreter may belong to another installation that
has no envlift; and a reference that could reach the fast environments, or waited for JAX, would be
a worse reference. So the packages on the way to the host, and to the reference itself where it is
part of envlift, are lent: their submodules can be imported, while their own ``__init__`` runs only
if somebody asks them for a name.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def lend(name: str, folder: Path) -> None:
    """Put the package ``name`` in ``sys.modules`` without running its ``__init__`` yet."""
    init = folder / "__init__.py"
    if name in sys.modules or not init.is_file():
        return
    spec = importlib.util.spec_from_file_location(
        name, init, submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    loader = spec.loader
    module: ModuleType = importlib.util.module_from_spec(spec)

    def load(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        del module.__dict__["__getattr__"]
        loader.exec_module(module)
        return getattr(module, attribute)

    module.__dict__["__getattr__"] = load
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)


def main() -> None:
    """Lend the packages, then run the host."""
    root = Path(__file__).resolve().parents[2]
    lend("envlift", root)
    module = sys.argv[1].partition(":")[0] if len(sys.argv) > 1 else ""
    if module.startswith("envlift."):
        parts = module.split(".")
        for depth in range(1, len(parts) - 1):
            lend(".".join(parts[: depth + 1]), root.joinpath(*parts[1 : depth + 1]))
    from envlift.reference.host import main as run_host

    run_host(sys.argv[1:])


if __name__ == "__main__":
    main()
