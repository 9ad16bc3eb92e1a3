"""Fetching, pinning and compiling the Pong reference, without the real archive or a network."""

import hashlib
import http.server
import io
import os
import tarfile
import threading

import pytest

from envlift.envs.pong.reference import build, source
from envlift.envs.pong.reference.index import Sources, read_sources
from envlift.reference.client import ReferenceUnavailable
from envlift.reference.launch import open_reference

NAME = f"{source.PACKAGE}-{source.VERSION}.tar.gz"
CONTENT = {"pong.h": b"/* pong */\n", "raylib.h": b"/* raylib */\n"}
PONG = "python:envlift.envs.pong.reference.pong:PongReference"


def make_archive(path, content=CONTENT):
    with tarfile.open(path / NAME, "w:gz") as tar:
        info = tarfile.TarInfo("pufferlib-3.0.0/large.bin")
        info.size = 3_000_000
        tar.addfile(info, io.BytesIO(os.urandom(info.size)))
        for name, data in content.items():
            info = tarfile.TarInfo(f"pufferlib-3.0.0{source.FILES[name][0]}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path / NAME


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    place = tmp_path / "cache"
    monkeypatch.setenv("ENVLIFT_CACHE", str(place))
    return place


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A small archive in a folder of its own, and pins that fit it."""
    place = tmp_path / "links"
    place.mkdir()
    path = make_archive(place)
    pins = {
        name: (source.FILES[name][0], hashlib.sha256(data).hexdigest())
        for name, data in CONTENT.items()
    }
    monkeypatch.setattr(source, "FILES", pins)
    monkeypatch.setattr(source, "SHA256", source.sha256(path))
    return path


@pytest.fixture
def index(archive):
    """A package index on the loopback interface that counts what is asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path == f"/simple/{source.PACKAGE}/":
                body, kind = f'<a href="/files/{NAME}">{NAME}</a>'.encode(), "text/html"
            elif self.path == f"/files/{NAME}":
                body, kind = archive.read_bytes(), "application/gzip"
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Sources(index_url=f"http://127.0.0.1:{server.server_port}/simple/"), asked
    server.shutdown()
    thread.join()
    server.server_close()


def kept(cache):
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def test_an_index_is_asked_once_by_name_and_only_the_headers_are_kept(index, cache, capfd):
    sources, asked = index
    folder = source.headers(sources)
    assert {name: (folder / name).read_bytes() for name in CONTENT} == CONTENT
    assert kept(cache) == ["pong.h", "raylib.h"]
    assert asked == [f"/simple/{source.PACKAGE}/", f"/files/{NAME}"]
    shown = capfd.readouterr().err
    assert "looking for the source archive of pufferlib==3.0.0" in shown
    assert "3 of 3 MB" in shown
    assert source.headers(sources) == folder
    assert len(asked) == 2


def test_a_changed_header_in_the_cache_is_fetched_again(index, cache):
    sources, asked = index
    folder = source.headers(sources)
    (folder / "pong.h").write_bytes(b"/* easier pong */\n")
    assert source.headers(sources) == folder
    assert (folder / "pong.h").read_bytes() == CONTENT["pong.h"]
    assert len(asked) == 4


def test_a_folder_of_archives_serves_without_an_index(archive, cache):
    folder = source.headers(
        Sources(no_index=True, find_links=("/no/such/folder", str(archive.parent)))
    )
    assert (folder / "raylib.h").read_bytes() == CONTENT["raylib.h"]


def test_a_wrong_hash_is_refused_with_both_hashes_and_nothing_is_kept(index, cache, monkeypatch):
    sources, _ = index
    monkeypatch.undo()
    monkeypatch.setenv("ENVLIFT_CACHE", str(cache))
    pin = "7df3a3e3f5f894d78d2a1f5374097890aec01473183e748abefe4f3faa10eaa9"
    with pytest.raises(ReferenceUnavailable) as caught:
        source.headers(sources)
    assert f"the pinned one is {pin}" in str(caught.value)
    assert "has the SHA-256" in str(caught.value)
    assert kept(cache) == []


def test_an_archive_with_another_header_inside_is_refused(archive, cache, monkeypatch):
    pins = {**source.FILES, "pong.h": (source.FILES["pong.h"][0], "0" * 64)}
    monkeypatch.setattr(source, "FILES", pins)
    with pytest.raises(ReferenceUnavailable, match=r"pong.h in .* the pinned one is 0000"):
        source.headers(Sources(no_index=True, find_links=(str(archive.parent),)))
    with pytest.raises(ReferenceUnavailable, match=r"does not hold pong.h"):
        source.extract(make_archive(archive.parent, {"raylib.h": b"/* raylib */\n"}), cache)


@pytest.mark.parametrize(
    "sources",
    [Sources(no_index=True), Sources(index_url="http://127.0.0.1:9/simple/")],
    ids=["no index", "closed port"],
)
def test_no_network_says_what_to_do(sources, cache):
    with pytest.raises(ReferenceUnavailable) as caught:
        source.headers(sources)
    assert "pufferlib==3.0.0" in str(caught.value)
    assert "PIP_INDEX_URL" in str(caught.value)
    assert "PIP_FIND_LINKS" in str(caught.value)
    assert kept(cache) == []


def test_a_broken_download_keeps_nothing(archive, cache):
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReferenceUnavailable, match="has the SHA-256"):
        source.headers(Sources(no_index=True, find_links=(str(archive.parent),)))
    assert kept(cache) == []


def test_an_unavailable_reference_is_told_apart_through_the_process(tmp_path):
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    with pytest.raises(ReferenceUnavailable, match=r"pufferlib==3\.0\.0.*was not found"):
        open_reference(PONG, num_lanes=1, env=env)


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ENVLIFT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ReferenceUnavailable, match="set ENVLIFT_CACHE"):
        source.headers(Sources(no_index=True))


def test_no_compiler_and_a_compile_error_are_explained(archive, cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(archive.parent))
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(
        ReferenceUnavailable, match=r"'no-such-compiler' was not found.*name one in CC"
    ):
        build.library()
    monkeypatch.delenv("CC")
    # The archive's pong.h is a comment: the adapter finds no game in it.
    with pytest.raises(ReferenceUnavailable, match=r"does not compile: cc .*\n") as caught:
        build.library()
    assert "error" in str(caught.value)
    assert kept(cache) == ["pong.h", "raylib.h"]


def test_sources_are_those_of_the_users_installer(tmp_path):
    home = tmp_path / "home"
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text(
        "[global]\nindex-url = https://mirror.invalid/simple\ntrusted_host = mirror.invalid\n"
        "[install]\nextra-index-url =\n  https://one.invalid/\n  https://two.invalid/\n"
    )
    found = read_sources({"HOME": str(home)})
    assert found.index_url == "https://mirror.invalid/simple"
    assert found.extra_index_urls == ("https://one.invalid/", "https://two.invalid/")
    assert found.trusted_hosts == ("mirror.invalid",)
    assert not found.no_index
    found = read_sources(
        {
            "HOME": str(home),
            "PIP_INDEX_URL": "https://variable.invalid/",
            "PIP_FIND_LINKS": "a b",
            "PIP_NO_INDEX": "true",
        }
    )
    assert found.index_url == "https://variable.invalid/"
    assert found.find_links == ("a", "b")
    assert found.no_index
    nothing = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    assert read_sources(nothing) == Sources()
    uv = read_sources({**nothing, "UV_DEFAULT_INDEX": "https://uv.invalid/"})
    assert uv.index_url == "https://uv.invalid/"
