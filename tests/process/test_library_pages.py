"""What only the start needed of shared libraries leaves a process's memory, and nothing else does."""

import io
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.process import library_pages
from gateway.process.library_pages import PAGES, is_clean, read_only_parts, release_library_pages
from tests.process.conftest import Start

pytestmark = pytest.mark.skipif(not Path(PAGES).exists(), reason="Linux says which pages a process has")

CONSTANTS = "7f0000004000-7f0000005000 r--p 00000000 08:01 77                 /usr/lib/libssl.so.3"
CODE = "7f0000006000-7f0000008000 r-xp 00001000 08:01 77                 /usr/lib/libssl.so.3"
FROM_FILE, WRITTEN, SWAPPED, ABSENT = 1 << 63 | 1 << 61, 1 << 63, 1 << 62, 0

PROGRAM = """
import hashlib, re, ssl
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from gateway.process.library_pages import release_library_pages

def mapped():
    return int(re.search("RssFile:\\\\s+(\\\\d+)", open("/proc/self/status").read())[1])

def work():
    ssl.create_default_context()
    return AESGCM(bytes(32)).encrypt(bytes(12), hashlib.sha256(b"a").digest(), None).hex()

before, made = mapped(), work()
release_library_pages()
after = mapped()
assert work() == made
print(before - after)
"""


@pytest.mark.parametrize(
    "line",
    [
        "7f0000001000-7f0000003000 rw-p 00001000 08:01 77                 /usr/lib/libssl.so.3",
        "7f0000001000-7f0000003000 rwxp 00001000 08:01 77                 /usr/lib/libssl.so.3",
        "7f0000001000-7f0000003000 r-xs 00001000 08:01 77                 /usr/lib/libssl.so.3",
        "7f0000001000-7f0000003000 r--s 00001000 08:01 77                 /usr/lib/libssl.so.3",
        "7f0000001000-7f0000003000 r--p 00001000 08:01 78                 /usr/lib/locale/locale-archive",
        "7f0000001000-7f0000003000 r-xp 00000000 00:00 0 ",
        "7f0000001000-7f0000003000 r-xp 00000000 00:00 0                  [vdso]",
    ],
)
def test_only_code_and_constants_of_files_with_code_are_found(line: str) -> None:
    found = read_only_parts(f"{line}\n{CONSTANTS}\n{CODE}\n{line}\n")
    assert found == [(0x7F0000004000, 0x7F0000005000), (0x7F0000006000, 0x7F0000008000)]


def test_the_code_of_a_replaced_file_is_found() -> None:
    assert read_only_parts(f"{CODE} (deleted)\n") == [(0x7F0000006000, 0x7F0000008000)]


@pytest.mark.parametrize(
    ("entries", "clean"),
    [
        ((FROM_FILE, FROM_FILE), True),
        ((FROM_FILE, ABSENT), True),
        ((FROM_FILE, WRITTEN), False),
        ((SWAPPED, FROM_FILE), False),
        ((), False),
    ],
)
def test_memory_that_somebody_has_written_to_is_not_clean(entries: tuple[int, ...], clean: bool) -> None:
    size = library_pages.mmap.PAGESIZE
    pages = io.BytesIO(struct.pack(f"={len(entries) + 3}Q", WRITTEN, WRITTEN, WRITTEN, *entries))
    assert is_clean(pages, 3 * size, 5 * size) is clean


def test_a_process_goes_on_with_less_mapped() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 2048, "KiB"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_gateway_has_little_of_what_only_read_its_configuration(start: Start, workers: int) -> None:
    running = start(workers=workers)
    for pid in (running.pid, *running.children()):
        size, resident = code_of(pid, "_pydantic_core")
        assert resident < size / 2


def code_of(pid: int, library: str) -> tuple[int, int]:
    """How large the code of a library is in a process, and how much of it is mapped, both in KiB."""
    text = Path(f"/proc/{pid}/smaps").read_text()
    found = re.search(rf"r-xp .*{library}.*\nSize: +(\d+) kB\n(?:.*\n)*?Rss: +(\d+) kB", text)
    assert found is not None
    return int(found[1]), int(found[2])


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """What would have been released by a process with one thread."""
    (tmp_path / "1").mkdir()
    monkeypatch.setattr(library_pages, "THREADS", str(tmp_path))
    found: list[object] = []
    monkeypatch.setattr(library_pages, "_release", found.append)
    return found


def test_a_process_with_one_thread_releases(released: list[object]) -> None:
    release_library_pages()
    assert released


def test_nothing_is_released_beside_other_threads(released: list[object], tmp_path: Path) -> None:
    (tmp_path / "2").mkdir()
    release_library_pages()
    assert not released


def test_nothing_happens_where_the_kernel_tells_nothing(
    released: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(library_pages, "PAGES", str(tmp_path / "missing"))
    release_library_pages()
    assert not released
