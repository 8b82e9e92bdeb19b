"""What only the start needed of shared libraries leaves a process's memory, and nothing else does."""

import asyncio
import io
import re
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from gateway.process import library_pages
from gateway.process.library_pages import PAGES, LibraryPages, is_clean, read_only_parts
from tests.process.conftest import Start
from tests.raw import until

pytestmark = pytest.mark.skipif(not Path(PAGES).exists(), reason="Linux says which pages a process has")

CONSTANTS = "7f0000004000-7f0000005000 r--p 00000000 08:01 77                 /usr/lib/libssl.so.3"
CODE = "7f0000006000-7f0000008000 r-xp 00001000 08:01 77                 /usr/lib/libssl.so.3"
FROM_FILE, WRITTEN, SWAPPED, ABSENT = 1 << 63 | 1 << 61, 1 << 63, 1 << 62, 0

PROGRAM = """
import hashlib, re, ssl
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from gateway.process.library_pages import LibraryPages

def mapped():
    return int(re.search("RssFile:\\\\s+(\\\\d+)", open("/proc/self/status").read())[1])

def work():
    ssl.create_default_context()
    return AESGCM(bytes(32)).encrypt(bytes(12), hashlib.sha256(b"a").digest(), None).hex()

before, made = mapped(), work()
LibraryPages().release()
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
async def test_a_gateway_soon_has_little_of_what_only_read_its_configuration(
    start: Start, workers: int
) -> None:
    running = start(workers=workers)
    for pid in (running.pid, *running.children()):
        await until(partial(has_little, pid))


def has_little(pid: int) -> bool:
    """Whether less than half of the code that has read the configuration is mapped."""
    size, resident = code_of(pid, "_pydantic_core")
    return resident < size / 2


def code_of(pid: int, library: str) -> tuple[int, int]:
    """How large the code of a library is in a process, and how much of it is mapped, both in KiB."""
    text = Path(f"/proc/{pid}/smaps").read_text()
    found = re.search(rf"r-xp .*{library}.*\nSize: +(\d+) kB\n(?:.*\n)*?Rss: +(\d+) kB", text)
    assert found is not None
    return int(found[1]), int(found[2])


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the kernel says which threads there are: at first one."""
    folder = tmp_path / "threads"
    (folder / "1").mkdir(parents=True)
    monkeypatch.setattr(library_pages, "THREADS", str(folder))
    return folder


@pytest.fixture
def released(threads: Path, monkeypatch: pytest.MonkeyPatch) -> list[library_pages.Part]:
    """What would have been released."""
    found: list[library_pages.Part] = []
    monkeypatch.setattr(library_pages, "_releasing", lambda: found.append)
    return found


def test_a_process_with_one_thread_releases(released: list[library_pages.Part]) -> None:
    LibraryPages().release()
    assert released


def test_nothing_is_released_of_what_was_found_beside_other_threads(
    released: list[library_pages.Part], threads: Path
) -> None:
    (threads / "2").mkdir()
    pages = LibraryPages()
    (threads / "2").rmdir()
    pages.release()
    assert not released


def test_beside_threads_that_came_later_only_what_was_found_before_is_released(
    released: list[library_pages.Part], threads: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mappings = tmp_path / "maps"
    mappings.write_text(f"{CODE}\n")
    monkeypatch.setattr(library_pages, "MAPPINGS", str(mappings))
    pages = LibraryPages()
    (threads / "2").mkdir()
    mappings.write_text(f"{CODE}\n{CODE.replace('7f00', '7e00')}\n")
    pages.release()
    assert released == [(0x7F0000006000, 0x7F0000008000)]


async def test_it_is_released_when_the_first_requests_have_come(
    released: list[library_pages.Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_pages, "SETTLED", 0.0)
    await LibraryPages().release_later()
    assert released


@pytest.mark.parametrize(("slice_", "turns"), [(0.0, True), (60.0, False)])
async def test_requests_have_their_turn_meanwhile_but_not_for_each_library(
    released: list[library_pages.Part], monkeypatch: pytest.MonkeyPatch, slice_: float, turns: bool
) -> None:
    monkeypatch.setattr(library_pages, "SETTLED", 0.0)
    monkeypatch.setattr(library_pages, "SLICE", slice_)
    seen: list[int] = []
    releasing = asyncio.create_task(LibraryPages().release_later())
    while not releasing.done():
        seen.append(len(released))
        await asyncio.sleep(0)
    assert any(0 < count < len(released) for count in seen) is turns


def test_nothing_happens_where_the_kernel_tells_nothing(
    released: list[library_pages.Part], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(library_pages, "PAGES", str(tmp_path / "missing"))
    LibraryPages().release()
    monkeypatch.setattr(library_pages, "MAPPINGS", str(tmp_path / "missing"))
    LibraryPages().release()
    assert not released
