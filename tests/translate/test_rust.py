"""A Rust crate is read for ways out, and for places where a fault can be planted."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from envlift.candidate.isolation import trouble_here
from envlift.translate.components import from_arrays
from envlift.translate.grading.judge import main
from envlift.translate.grading.judgement import HOLLOW, Judgement
from envlift.translate.grading.property_tests import build, judge
from envlift.translate.grading.rust import faults, reaches_out
from envlift.translate.grading.trees import make_trees
from envlift.translate.loop.faults import not_blind
from envlift.translate.project.file import Module, parse

MANIFEST = """[package]
name = "add"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]

[dependencies]
"""

HONEST = r"""
//! use std::fs; in a comment, and /* extern crate */ too.
use std::{ffi::c_void, sync::Arc, thread};

pub struct Lane<'a> { name: &'a str, quote: char }

/// Reads no env, starts no process.
#[no_mangle]
pub unsafe extern "C" fn play(env: *mut c_void, process: i64) -> i64 {
    let said = ("std::fs", r#"include!("x")"#, '"', b'\'', "\" fs");
    if env.is_null() { -1 } else { process * 2 }
}
"""

WRONG = {
    "use std::fs;": "fs",
    "use std::{thread, fs as files};": "fs",
    "use std::{thread, env};": "env",
    "fn f() { std::process::exit(0) }": "process",
    "use std as s; fn f() { s::io::stdin(); }": "io",
    "use std::net::TcpStream;": "net",
    "fn f() { std::r#os::fd(); }": "os",
    'extern "C" { fn system(); }': "another library",
    'unsafe extern "C" { fn system(); }': "another library",
    "extern { fn system(); }": "another library",
    "extern crate libc;": "another library",
    '#[link(name = "c")]': "link",
    '#[path = "../reference/x.rs"] mod x;': "path",
    '#[cfg_attr(all(), path = "../reference/x.rs")] mod x;': "cfg_attr",
    'const A: &str = include_str!("../reference/x");': "include_str",
    "macro_rules! m { () => {} }": "macro_rules",
    'fn f() { core::arch::asm!("nop") }': "asm",
    'const A: &str = "/*"; use std::fs; // */': "fs",
    "const A: char = '\"'; use std::fs; const B: char = '\"';": "fs",
    'const A: &str = cr#"\\"#; use std::fs; const B: &str = "";': "fs",
}


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/lib.rs").write_text(HONEST)
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    return tmp_path


def test_an_honest_crate_is_let_through(crate: Path) -> None:
    # Neither what is built nor the reference is the agent's.
    for folder in ("target/release", "reference"):
        (crate / folder).mkdir(parents=True)
        (crate / folder / "x.rs").write_text("use std::fs;")
    assert reaches_out(crate) == ""


@pytest.mark.parametrize("source", WRONG)
def test_a_way_out_is_refused_by_file_and_line(crate: Path, source: str) -> None:
    (crate / "src/more.rs").write_text(f"\n{source}\n")
    found = reaches_out(crate)
    assert found.startswith("src/more.rs:2 "), found
    assert WRONG[source] in found


@pytest.mark.parametrize(
    ("manifest", "named"),
    [
        (MANIFEST + 'rand = "0.9"\n', "'rand'"),
        (MANIFEST + '[dev-dependencies]\nx = { path = "../x" }\n', "'x'"),
        (MANIFEST + '[build-dependencies]\ncc = "1"\n', "build-dependencies"),
        (MANIFEST + "[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n", "target"),
        (MANIFEST + '[patch.x]\ny = { path = "y" }\n', "patch"),
        (MANIFEST + '[workspace]\nmembers = ["y"]\n', "workspace"),
        (MANIFEST.replace("[lib]", 'build = "tests/x.rs"\n[lib]'), "package.build"),
        (MANIFEST.replace("[lib]", '[lib]\npath = "../x.rs"'), "lib.path"),
        (MANIFEST.replace("[lib]", "[lib]\nproc-macro = true"), "lib.proc-macro"),
    ],
)
def test_a_manifest_brings_no_code_in(crate: Path, manifest: str, named: str) -> None:
    (crate / "Cargo.toml").write_text(manifest)
    found = reaches_out(crate)
    assert found.startswith("Cargo.toml ")
    assert named in found


@pytest.mark.parametrize("name", ["build.rs", ".cargo/config.toml"])
def test_a_build_runs_no_program_of_the_agent(crate: Path, name: str) -> None:
    (crate / name).parent.mkdir(exist_ok=True)
    (crate / name).write_text("fn main() {}")
    assert name.partition("/")[0] in reaches_out(crate)


def test_only_rust_projects_are_read_for_it(crate: Path) -> None:
    (crate / "src/lib.rs").write_text("use std::fs;")
    told = {"format": 1, "name": "add", "reference": {"launch": "python:x.py:X"}}
    assert "fs" in not_blind(parse({**told, "target": "rust"}, crate), crate)
    assert not_blind(parse({**told, "target": "jax"}, crate), crate) == ""


def test_faults_are_planted_in_code_alone() -> None:
    source = (
        "const A: f64 = 0.25; // 1 + 1\nfn f(a: &i64) -> bool { a - 1_000u64 >= *A && g::<3>() }"
    )
    changed = [
        "1.25; // 1 + 1\nfn f(a: &i64) -> bool { a - 1_000u64 >= *A && g::<3>() }",
        "0.25; // 1 + 1\nfn f(a: &i64) -> bool { a + 1_000u64 >= *A && g::<3>() }",
        "0.25; // 1 + 1\nfn f(a: &i64) -> bool { a - 1001u64 >= *A && g::<3>() }",
        "0.25; // 1 + 1\nfn f(a: &i64) -> bool { a - 1_000u64 < *A && g::<3>() }",
        "0.25; // 1 + 1\nfn f(a: &i64) -> bool { a - 1_000u64 >= *A || g::<3>() }",
        "0.25; // 1 + 1\nfn f(a: &i64) -> bool { a - 1_000u64 >= *A && g::<4>() }",
    ]
    assert faults(source) == [f"const A: f64 = {rest}" for rest in changed]


ADD = """
#[no_mangle]
pub extern "C" fn add(a: i64, b: i64) -> i64 {
    a + b
}
"""

TEST = """
import ctypes
import sys
from pathlib import Path

def test_add():
    (built,) = (Path(__file__).parents[1] / "target/release").glob("*add.*[oyl]")
    library = ctypes.CDLL(str(built))
    assert library.add(2, 3) {expected}
"""


@pytest.mark.parametrize(("expected", "hollow"), [("== 5", False), ("is not None", True)])
def test_tests_of_a_crate_have_to_notice_a_fault(
    crate: Path,
    expected: str,
    hollow: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # What is built lies in the folder that is judged, wherever a person's own builds go.
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "elsewhere"))
    (crate / "src/lib.rs").write_text(ADD)
    (crate / "tests").mkdir()
    (crate / "tests/test_sum.py").write_text(TEST.format(expected=expected))
    module = Module("sum", "src/lib.rs")
    told = {
        "format": 1, "name": "add", "target": "rust", "reference": {"launch": "python:x.py:X"},
        "build": ["cargo", "build", "--release"], "module": [{"name": "sum", "file": "src/lib.rs"}],
    }  # fmt: skip
    project = parse(told, crate)
    scratch = tmp_path_factory.mktemp("scratch")
    trees = make_trees(project, crate, scratch, trouble_here(), lambda path: False)
    assert build(project.build, trees.of_candidate(build=True)).returncode == 0
    judgement = Judgement()
    judge(trees, [module], "sum", True, judgement)
    assert judgement.tests == 1
    assert [failure.kind for failure in judgement.failures] == ([HOLLOW] if hollow else [])
    if hollow:
        assert "a - b" in judgement.failures[0].traceback
    assert not (tmp_path / "elsewhere").exists()
    assert not (crate / "target").exists(), "what is judged is a copy"


def test_a_component_may_be_a_function_of_arrays() -> None:
    call = from_arrays("numpy:hypot")
    with pytest.raises(TypeError):
        call(None)({"x1": np.zeros(2)})
    assert from_arrays("numpy:array")(None)({"object": np.arange(2)})["result"].tolist() == [0, 1]


def test_speed_is_measured_of_what_was_built_just_now(
    crate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (crate / "envlift.toml").write_text(
        'format = 1\nname = "add"\ntarget = "rust"\nreference = { launch = "python:x.py:X" }\n'
        'build = ["false"]\n'
    )
    monkeypatch.chdir(crate)
    monkeypatch.setattr("sys.path", sys.path[:])
    monkeypatch.setattr("sys.dont_write_bytecode", sys.dont_write_bytecode)
    assert main(["--speed", "--json", "speed.json"]) == 1
    judgement = Judgement.read(crate / "speed.json")
    assert [failure.name for failure in judgement.failures] == ["build"]
    assert judgement.speed == {}
