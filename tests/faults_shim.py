"""Counts what a run and all that it starts write below a folder, and lets the n-th write go wrong.

A library of C that is loaded before the system's own: it fails a write with the error of a full
disk or of a missing permission, kills whoever writes, or waits there until somebody has copied what
is on the disk, which is what a kill would have left. Built where there is a C compiler.
"""

from __future__ import annotations

import errno
import mmap
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Fault = Literal["none", "killed", "full", "denied", "copied"]
"""What happens at the chosen write; "none" only counts. "copied" comes at every so many."""

_KINDS: dict[Fault, tuple[int, int]] = {
    "none": (0, 0),
    "killed": (1, 0),
    "full": (2, errno.ENOSPC),
    "denied": (3, errno.EACCES),
    "copied": (4, 0),
}
_LAYOUT = struct.Struct("=qqqiiiii512s512s")
_ASKED = struct.Struct("=q")
SIZE = _LAYOUT.size
STATE = "QWENAGENT_TEST_FAULTS"
"""Names the file that this process and the library share."""

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct shared {
    volatile int64_t asked;
    int64_t count, at;
    int32_t kind, error, lasting, victim, armed;
    char top[512], what[512];
} __attribute__((packed));

static struct shared *shared;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("QWENAGENT_TEST_FAULTS");
    int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *at = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) shared = at;
    close(fd);
}

/* Which faults a call can have: names are refused, contents are not; nothing is freed in vain. */
enum { NAME = 1, CONTENT = 2, GONE = 4 };

static int is_below(int folder, const char *path, char *whole) {
    char base[1024] = "", link[64];
    if (path[0] != '/') {
        if (folder == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return 0;
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
            ssize_t n = readlink(link, base, sizeof base - 1);
            if (n < 0) return 0;
            base[n] = 0;
        }
    }
    snprintf(whole, 2048, path[0] == '/' || !*path ? "%s%s" : "%s/%s", base, path);
    size_t n = strlen(shared->top);
    return !strncmp(whole, shared->top, n) && (whole[n] == '/' || !whole[n]);
}

static int strike(int sort, const char *call, int folder, const char *path) {
    int before = errno, error = 0;
    char whole[2048];
    if (!shared || !shared->armed || !shared->top[0] || !path) return 0;
    if (shared->kind == 2 && sort == GONE) return 0;
    if (shared->kind == 3 && sort == CONTENT) return 0;
    if (is_below(folder, path, whole)) {
        int64_t n = __atomic_add_fetch(&shared->count, 1, __ATOMIC_SEQ_CST);
        if (shared->kind == 4) {
            if (n % shared->at == 0)
                for (shared->asked = n; shared->asked;) usleep(200);
        } else if (shared->kind && n >= shared->at && (n == shared->at || shared->lasting)) {
            if (n == shared->at)
                snprintf(shared->what, sizeof shared->what, "%s %s", call, whole);
            if (shared->kind == 1) {
                kill(shared->victim, SIGKILL);
                kill(getpid(), SIGKILL);
                for (;;) pause();
            }
            error = shared->error;
        }
    }
    errno = before;
    return error;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define STRUCK(sort, folder, path, failed) do { \
    int error = strike(sort, __func__, folder, path); \
    if (error) { errno = error; return failed; } } while (0)
#define WRITES(flags) (((flags) & O_ACCMODE) != O_RDONLY || ((flags) & O_CREAT))
#define MODE(flags, last) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { \
        va_list list; va_start(list, last); mode = va_arg(list, mode_t); va_end(list); }

#define OPEN(name) int name(const char *path, int flags, ...) { \
    REAL(name); MODE(flags, flags) \
    if (WRITES(flags)) STRUCK(NAME, AT_FDCWD, path, -1); \
    return real(path, flags, mode); }
OPEN(open)
OPEN(open64)
#define OPENAT(name) int name(int folder, const char *path, int flags, ...) { \
    REAL(name); MODE(flags, flags) \
    if (WRITES(flags)) STRUCK(NAME, folder, path, -1); \
    return real(folder, path, flags, mode); }
OPENAT(openat)
OPENAT(openat64)
#define FOPEN(name) FILE *name(const char *path, const char *mode) { \
    REAL(name); \
    if (strpbrk(mode, "wa+")) STRUCK(NAME, AT_FDCWD, path, NULL); \
    return real(path, mode); }
FOPEN(fopen)
FOPEN(fopen64)

int fclose(FILE *file) {
    REAL(fclose);
    int fd = fileno(file), flags = fd < 0 ? 0 : fcntl(fd, F_GETFL);
    int error = fd >= 0 && (flags & O_ACCMODE) != O_RDONLY ? strike(CONTENT, "fclose", fd, "") : 0;
    int closed = real(file);
    if (error) { errno = error; return EOF; }
    return closed;
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    STRUCK(CONTENT, fd, "", -1);
    return real(fd, data, size);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    STRUCK(CONTENT, fd, "", -1);
    return real(fd, data, size, at);
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(writev);
    STRUCK(CONTENT, fd, "", -1);
    return real(fd, parts, n);
}
int fsync(int fd) { REAL(fsync); STRUCK(CONTENT, fd, "", -1); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); STRUCK(CONTENT, fd, "", -1); return real(fd); }

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    STRUCK(NAME, AT_FDCWD, path, -1);
    return real(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    STRUCK(NAME, folder, path, -1);
    return real(folder, path, mode);
}
int rename(const char *path, const char *to) {
    REAL(rename);
    STRUCK(NAME, AT_FDCWD, to, -1);
    return real(path, to);
}
int renameat(int folder, const char *path, int other, const char *to) {
    REAL(renameat);
    STRUCK(NAME, other, to, -1);
    return real(folder, path, other, to);
}
int link(const char *path, const char *to) {
    REAL(link);
    STRUCK(NAME, AT_FDCWD, to, -1);
    return real(path, to);
}
int linkat(int folder, const char *path, int other, const char *to, int flags) {
    REAL(linkat);
    STRUCK(NAME, other, to, -1);
    return real(folder, path, other, to, flags);
}
int symlink(const char *path, const char *to) {
    REAL(symlink);
    STRUCK(NAME, AT_FDCWD, to, -1);
    return real(path, to);
}
int unlink(const char *path) {
    REAL(unlink);
    STRUCK(GONE, AT_FDCWD, path, -1);
    return real(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    STRUCK(GONE, folder, path, -1);
    return real(folder, path, flags);
}
int rmdir(const char *path) {
    REAL(rmdir);
    STRUCK(GONE, AT_FDCWD, path, -1);
    return real(path);
}
"""


def build(folder: Path) -> Path | None:
    """Return the library, made in a folder; None where it cannot be."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    source, library = folder / "faults.c", folder / "faults.so"
    source.write_text(SOURCE, encoding="utf-8")
    # Optimised, glibc would have `open` and its like checked versions of other names.
    command = [compiler, "-shared", "-fPIC", "-O0", "-w", "-o", str(library), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    return library if done.returncode == 0 else None


@dataclass(slots=True)
class Shared:
    """What the library is told, and what it tells."""

    memory: mmap.mmap

    @classmethod
    def of(cls, place: Path) -> Shared:
        """Open the file of SIZE bytes that is shared."""
        with place.open("r+b") as file:
            return cls(mmap.mmap(file.fileno(), SIZE))

    def arm(self, fault: Fault, at: int, top: Path, victim: int, *, lasting: bool = True) -> None:
        """Begin to count below `top`; at the `at`-th write, and then if `lasting`, comes the fault.

        `victim` is the process that is killed besides the one that writes.
        """
        kind, error = _KINDS[fault]
        self._put(0, 0, at, kind, error, int(lasting), victim, 1, bytes(top), b"")

    def pause(self, *, paused: bool) -> None:
        """Have what is written now not count, or count again."""
        *before, _, top, what = self._values()
        self._put(*before, int(not paused), top, what)

    @property
    def asked(self) -> int:
        """The number of the write that waits for a copy, 0 if none does."""
        return int(_ASKED.unpack_from(self.memory)[0])

    def copied(self) -> None:
        """Have it go on."""
        _ASKED.pack_into(self.memory, 0, 0)

    @property
    def count(self) -> int:
        """How much was written."""
        return int(self._values()[1])

    @property
    def what(self) -> str:
        """The call that went wrong, and its path; empty if none did."""
        return bytes(self._values()[-1]).rstrip(b"\0").decode(errors="replace")

    def _values(self) -> tuple[Any, ...]:
        return _LAYOUT.unpack(self.memory[:])

    def _put(self, *values: object) -> None:
        self.memory[:] = _LAYOUT.pack(*values)
