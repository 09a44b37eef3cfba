"""What the package promises about itself: its folders, its imports, its start-up."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "stancewire": ROOT / "src" / "stancewire",
    "stancewire.batch": ROOT / "src" / "stancewire" / "batch",
    "stancewire.models": ROOT / "models",
    "stancewire.training": ROOT / "training",
    "stancewire.eval": ROOT / "eval",
}

LAYERS = [
    {"schema", "durable"},
    {"rows", "pairs"},
    {"models"},
    {"words", "repair", "text", "language", "quotation_marks", "cues", "states"},
    {"people", "windows"},
    {"speakers", "targets"},
    {"stance"},
    {"pipeline"},
    {"eval"},
    {"training", "batch"},
    {"cli"},
]
"""From bottom to top, the modules whose place the design fixes: none imports one of a layer above its own."""


def test_every_package_folder_is_listed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert set(settings["packages"]) == set(PACKAGES)
    found = {path.parent for top in ("src", "models", "training", "eval") for path in (ROOT / top).rglob("__init__.py")}
    found = {folder.resolve() for folder in found}
    assert found == set(PACKAGES.values())


def imports(path: Path) -> set[str]:
    """The modules of ours, without the leading package name, that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "stancewire":
            names |= (
                {f"{node.module}.{alias.name}" for alias in node.names}
                if node.module == "stancewire"
                else {node.module}
            )
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith("stancewire")}
    return {name.split(".")[1] for name in names if "." in name}


def test_imports_go_one_way() -> None:
    level = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    wrong = []
    for package, folder in PACKAGES.items():
        for path in folder.glob("*.py"):
            part = package.partition(".")[2] or path.stem
            wrong += [
                f"{path.relative_to(ROOT)} imports {name}"
                for name in imports(path)
                if part in level and name in level and level[name] > level[part]
            ]
    assert wrong == []


def test_modules_of_the_text_stages_do_not_import_one_another_in_a_circle() -> None:
    graph = {path.stem: imports(path) for path in PACKAGES["stancewire"].glob("*.py") if path.stem != "__init__"}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " imports ".join([*trail, name])
        if name in graph and name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["states", "Ankara"], ["label", "--help"]])
def test_what_needs_no_model_imports_no_torch(words: list[str]) -> None:
    code = (
        "import sys; sys.argv[1:] = sys.argv[1:]\n"
        "from stancewire.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)


def test_nothing_is_unpickled_and_no_remote_code_is_trusted() -> None:
    for folder in PACKAGES.values():
        for path in folder.glob("*.py"):
            source = path.read_text(encoding="utf-8")
            assert "trust_remote_code=True" not in source, path
            assert "import pickle" not in source, path
            assert "torch.load(" not in source, path
