/* Refuses the k-th write below one folder with an error, once: what a full or failing disk does to every program.

   Loaded with LD_PRELOAD and armed by the process itself: refuse_arm(folder, k, errno), refuse_calls(), refuse_done(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[4096];
static volatile int at, number, calls, done;

void refuse_arm(const char *path, int k, int error) {
    strncpy(folder, path, sizeof folder - 1);
    calls = done = 0;
    number = error;
    at = k;
}
int refuse_calls(void) { return calls; }
int refuse_done(void) { return done; }

static int refused(const char *path) {
    if (!folder[0] || strncmp(path, folder, strlen(folder))) return 0;
    if (__sync_add_and_fetch(&calls, 1) != at) return 0;
    done = 1;
    errno = number;
    return 1;
}
static int refused_fd(int fd) {
    char link[64], path[4096];
    if (!folder[0]) return 0;
    int kept = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = kept;
    if (length <= 0) return 0;
    path[length] = 0;
    return refused(path);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return refused_fd(fd) ? -1 : real(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t where) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return refused_fd(fd) ? -1 : real(fd, data, size, where);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t where) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return refused_fd(fd) ? -1 : real(fd, data, size, where);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    return refused_fd(fd) ? -1 : real(fd, parts, count);
}
ssize_t sendfile64(int out, int in, off64_t *offset, size_t count) {
    REAL(ssize_t, "sendfile64", int, int, off64_t *, size_t);
    return refused_fd(out) ? -1 : real(out, in, offset, count);
}
int fsync(int fd) {
    REAL(int, "fsync", int);
    return refused_fd(fd) ? -1 : real(fd);
}
int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return refused_fd(fd) ? -1 : real(fd);
}
int ftruncate64(int fd, off64_t length) {
    REAL(int, "ftruncate64", int, off64_t);
    return refused_fd(fd) ? -1 : real(fd, length);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return refused(path) ? -1 : real(path, mode);
}
int open64(const char *path, int flags, ...) {
    REAL(int, "open64", const char *, int, ...);
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (flags & O_CREAT && refused(path)) return -1;
    return real(path, flags, mode);
}
