"""Secrets are taken out and found, in every form that is promised."""

from __future__ import annotations

import base64
import json
import urllib.parse
from pathlib import Path

import pytest

from envlift.translate.agents.secrets import Redactor, is_secret

VALUE = 'sk-pl@nted/5f0c+9a1e"77ü'
FORMS = {
    "plain": VALUE,
    "base64": base64.b64encode(VALUE.encode()).decode(),
    "base64, one in": base64.b64encode(b"x" + VALUE.encode() + b"tail").decode(),
    "base64, two in": base64.b64encode(b"xy" + VALUE.encode() + b"tails").decode(),
    "base64, in a line": base64.b64encode(b"OPENAI_API_KEY=" + VALUE.encode() + b"\n").decode(),
    "base64, for addresses": base64.urlsafe_b64encode(b"xyz?" + VALUE.encode()).decode(),
    "hexadecimal": VALUE.encode().hex(),
    "URL-encoded": urllib.parse.quote(VALUE, safe=""),
    "JSON": json.dumps(VALUE)[1:-1],
    "JSON, not ASCII": json.dumps(VALUE, ensure_ascii=False)[1:-1],
}


@pytest.fixture
def redactor() -> Redactor:
    return Redactor({"MY_KEY": VALUE, "SHORT_KEY": "1234567"})


@pytest.mark.parametrize("form", FORMS)
def test_every_form(redactor: Redactor, form: str) -> None:
    (finding,) = redactor.scan(f"one\ntwo {FORMS[form]} three\n")
    assert (finding.name, finding.where) == ("MY_KEY", "text:2")
    assert finding.form == form.partition(",")[0]
    assert VALUE not in str(finding)
    redacted = redactor.redact(f"two {FORMS[form]} three")
    assert redactor.scan(redacted) == []
    assert redacted.startswith("two ")
    assert "[secret MY_KEY]" in redacted
    assert redacted.endswith(" three")


def test_a_short_value_is_ignored(redactor: Redactor) -> None:
    assert redactor.redact("1234567") == "1234567"
    assert redactor.scan("1234567") == []


def test_nothing_is_found_in_innocent_text(redactor: Redactor) -> None:
    text = Path(__file__).read_text()
    assert Redactor({"K": "sk-another-one"}).scan(text.replace('"sk-another-one"', "")) == []
    assert Redactor().redact(text) == text


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_in_pieces(redactor: Redactor, size: int) -> None:
    redactor.add("LONGER_KEY", VALUE + "-more")
    text = f"a {VALUE} b {VALUE}-more c {VALUE[:9]} d {VALUE}".encode()
    stream = redactor.stream()
    pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
    passed = b"".join([*pieces, stream.end()])
    assert (
        passed.decode()
        == f"a [secret MY_KEY] b [secret LONGER_KEY] c {VALUE[:9]} d [secret MY_KEY]"
    )


def test_a_secret_that_repeats_itself() -> None:
    """Its end is also its beginning."""
    redactor = Redactor({"K": "abcabcabc"})
    stream = redactor.stream()
    passed = stream.feed(b"x abcabc") + stream.feed(b"abcabcabcabc y") + stream.end()
    assert passed == b"x [secret K][secret K] y"


def test_only_what_may_be_a_secret_is_held_back(redactor: Redactor) -> None:
    stream = redactor.stream()
    assert stream.feed(b"hello sk-pl") == b"hello "
    assert stream.feed(b"ease") == b"sk-please"


def test_a_folder(redactor: Redactor, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.bin").write_bytes(b"\xff\x00\n" + VALUE.encode() + b"\xff")
    (tmp_path / "fine.txt").write_text("fine")
    (tmp_path / "outside").symlink_to(f"/nowhere/{base64.b64encode(VALUE.encode()).decode()}")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(VALUE)
    found = redactor.scan(tmp_path)
    assert [finding.where for finding in found] == ["a/b.bin:2", "outside:1"]
    assert [finding.where for finding in redactor.scan(tmp_path / "a" / "b.bin")] == ["b.bin:2"]


def test_a_file_name(tmp_path: Path) -> None:
    (tmp_path / "sk-planted-1234").touch()
    (finding,) = Redactor({"K": "sk-planted-1234"}).scan(tmp_path)
    assert finding.name == "K"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("OPENAI_API_KEY", True),
        ("GITHUB_TOKEN", True),
        ("apikey", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("DB_PASSWORD", True),
        ("KEYBOARD", False),
        ("TOKENIZERS_PARALLELISM", False),
        ("SSL_KEY_FILE", False),
        ("PATH", False),
    ],
)
def test_names(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


def test_of_an_environment() -> None:
    redactor = Redactor.of({"A_TOKEN": "planted-1", "PLAIN": "planted-2", "X": "planted-3"}, ["X"])
    text = redactor.redact("planted-1 planted-2 planted-3")
    assert text == "[secret A_TOKEN] planted-2 [secret X]"
