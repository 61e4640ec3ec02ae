// Preloaded into the program: while the file FAULT_FILE exists, nothing that is synced reaches the disk, and it is reported so.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const char *fault;

__attribute__((constructor)) static void begin(void) {
    fault = getenv("FAULT_FILE");
    unsetenv("LD_PRELOAD");
}

static int sync_or_fail(const char *name, int descriptor) {
    if (fault && access(fault, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(descriptor);
}

int fsync(int descriptor) { return sync_or_fail("fsync", descriptor); }

int fdatasync(int descriptor) { return sync_or_fail("fdatasync", descriptor); }
