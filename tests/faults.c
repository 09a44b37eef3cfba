/* Makes the k-th write or sync below a folder fail: LD_PRELOAD it with FAULT_AT=k, FAULT_UNDER=folder and
   FAULT_AS=ENOSPC, EIO or SHORT (half of the bytes are written, which is no error). All later ones fail as well, but for
   SHORT. Without FAULT_AT nothing fails, and the count is written to FAULT_COUNT at the end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long calls = 0;

/* 0: go on; 1: fail, errno is set; 2: write half */
static int fault(int fd) {
    const char *under = getenv("FAULT_UNDER"), *at = getenv("FAULT_AT"), *as = getenv("FAULT_AS");
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!under || length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, under, strlen(under)) != 0) return 0;
    calls++;
    if (!at || !as) return 0;
    if (strcmp(as, "SHORT") == 0) return calls == atol(at) ? 2 : 0;
    if (calls < atol(at)) return 0;
    errno = strcmp(as, "EIO") == 0 ? EIO : ENOSPC;
    return 1;
}

__attribute__((destructor)) static void report(void) {
    const char *name = getenv("FAULT_COUNT");
    FILE *file = name ? fopen(name, "w") : NULL;
    if (file) { fprintf(file, "%ld", calls); fclose(file); }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    int what = fault(fd);
    if (what == 1) return -1;
    return REAL(write)(fd, data, what == 2 && size > 1 ? size / 2 : size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    int what = fault(fd);
    if (what == 1) return -1;
    return REAL(pwrite)(fd, data, what == 2 && size > 1 ? size / 2 : size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    int what = fault(fd);
    if (what == 1) return -1;
    return REAL(pwrite64)(fd, data, what == 2 && size > 1 ? size / 2 : size, at);
}
int fsync(int fd) { return fault(fd) == 1 ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fault(fd) == 1 ? -1 : REAL(fdatasync)(fd); }
