"""Imports go one way: which room of the package may import which."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mnist1d_hf"

# room -> the rooms it may import at module level, besides itself; "a.b" stands for one module
ROOMS = {
    "signals": set(),
    "files": set(),
    "workers": set(),
    "extras": set(),
    "seeds": set(),
    "entrances": {"extras", "workers"},
    "models": {"extras", "seeds"},
    "localhub": set(),
    "plain_pickle": set(),
    "compat": {"signals", "files", "plain_pickle"},
    "data": {"signals", "files", "extras"},
    "evidence": {"files", "workers"},
    "figures": {"signals", "files", "extras", "evidence.published"},
    "pages": {"signals", "data", "evidence", "leaderboard"},
    "leaderboard": {"signals", "evidence.intervals", "evidence.results", "files"},
    "shards": {"signals", "data", "files", "workers"},
    "training": {
        "extras",
        "files",
        "models",
        "options",
        "seeds",
        "signals",
        "data",
        "evidence.training_record",
        "pages.model_card",
    },
    "studies": {
        *("signals", "data", "models", "training", "evidence", "figures"),
        *("files", "extras", "entrances", "options", "seeds"),
    },
    "space": {"signals", "files", "evidence.published"},
    "hub": {"data", "evidence", "files", "pages", "shards.plan"},
    "options": {"signals.params", "entrances"},
    "programs": {"entrances", "options", "signals.params"},
    "cli": {"signals.params", "entrances", "options", "programs"},
    "__main__": {"cli"},
    "__init__": {"signals", "data"},
}
# inside the generator, one stream does not know of the other
SIGNALS = {
    "signals.params": set(),
    "signals.templates": {"signals.params"},
    "signals.frozen": {"signals.params"},
    "signals.render": {"signals.params", "signals.templates", "signals.frozen"},
    "signals.counter": {"signals.params", "signals.templates", "signals.render"},
}
# judging and drawing a study, which are functions of its result alone
OF_A_RESULT = {
    "studies.rules": {"evidence", "studies.rules"},
    "studies.plots": {"evidence", "figures", "studies.rules"},
}
# inside functions the command line may import anything; nothing else imports these
ENTRY_POINTS = {"studies", "hub.publish", "cli", "programs", "__main__"}
HEAVY = {"torch", "transformers", "matplotlib", "sklearn", "gradio", "datatrove"}
TORCH_FREE = {"signals", "files", "workers", "compat", "data", "evidence", "shards", "options"}
TORCH_FREE |= {"plain_pickle", "extras", "entrances", "cli", "programs", "__main__"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def allowed_imports(module: str) -> set[str]:
    if module in SIGNALS:
        return SIGNALS[module]
    if (part := ".".join(module.split(".")[:2])) in OF_A_RESULT:
        return OF_A_RESULT[part]
    room = module.split(".")[0]
    assert room in ROOMS, f"{room} has no row in ROOMS: say what it may import"
    return ROOMS[room] | {room}


def imports(path: Path, module_level_only: bool) -> set[str]:
    """Names imported by a file: package modules as 'signals.params', others as 'torch'."""
    tree = ast.parse(path.read_text())
    # what runs later or never: bodies of functions, and imports for the type checker only
    inside = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING")
        for node in ast.walk(block)
    }
    package = ["mnist1d_hf", *path.relative_to(PACKAGE).parts[:-1]]
    found = set()
    for node in ast.walk(tree):
        if module_level_only and node in inside:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *filter(None, [node.module])])
            known = PACKAGE.joinpath(*base.split(".")[1:])
            submodules = {
                alias.name
                for alias in node.names
                if (known / f"{alias.name}.py").exists() or (known / alias.name).is_dir()
            }
            found |= {f"{base}.{name}" for name in submodules}
            if len(submodules) < len(node.names):
                found.add(base)
    return found


def ours(names: set[str]) -> set[str]:
    # the package itself (for example its version) may be imported by every module
    return {n.removeprefix("mnist1d_hf.") for n in names if n.startswith("mnist1d_hf.")}


FILES = sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_room_imports_only_the_rooms_it_may(path):
    module = module_name(path)
    allowed = allowed_imports(module)
    for name in ours(imports(path, module_level_only=True)):
        assert any(name == a or name.startswith(a + ".") for a in allowed), (
            f"{module} imports {name}; allowed: {sorted(allowed) or 'nothing of the package'}"
        )


def test_every_permission_is_used_and_no_circle_is_left():
    used = {room: set() for room in ROOMS}
    for path in FILES:
        room = module_name(path).split(".")[0]
        used[room] |= ours(imports(path, module_level_only=True))
    for room, rooms in ROOMS.items():
        for name in rooms:
            assert any(n == name or n.startswith(f"{name}.") for n in used[room]), (room, name)
    left = {room: {name.split(".")[0] for name in rooms} for room, rooms in ROOMS.items()}
    while left:
        free = [room for room, rooms in left.items() if not rooms & left.keys()]
        assert free, f"these rooms import each other in a circle: {sorted(left)}"
        left = {room: rooms for room, rooms in left.items() if room not in free}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_only_the_command_line_reaches_entry_points(path):
    module = module_name(path)
    if module.split(".")[0] in ENTRY_POINTS or module in ENTRY_POINTS:
        return
    for name in ours(imports(path, module_level_only=False)):
        reached = {name.split(".")[0], ".".join(name.split(".")[:2])} & ENTRY_POINTS
        assert not reached, f"{module} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_data_modules_do_not_import_heavy_libraries(path):
    module = module_name(path)
    if module == "shards.executors":  # where datatrove is, for `shards.engines` to reach when asked
        return
    if module.split(".")[0] in TORCH_FREE | {"__init__"}:
        heavy = {n.split(".")[0] for n in imports(path, module_level_only=True)} & HEAVY
        assert not heavy, f"{module} imports {sorted(heavy)} when it is imported"
