// Preloaded into the program: writes down, in their order, what it does to the files of its store and which answers it
// sends. The log is what the script `run` rebuilds power cuts from.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
static char folder[4096];

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("RECORDER_LOG"), *store = getenv("RECORDER_FOLDER");
    if (!path || !store) return;
    snprintf(folder, sizeof folder, "%s/", store);
    log_file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    unsetenv("LD_PRELOAD");
}

// The name of the store's file behind a descriptor; 0 for any other.
static int store_file(int descriptor, char *name, size_t size) {
    char link[64], path[4096];
    if (log_file < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0) return 0;
    snprintf(name, size, "%s", path + strlen(folder));
    return 1;
}

// One entry: kind, name, offset, length, bytes. The file is opened for appending, so an entry lands whole.
static void record(char kind, const char *name, int64_t offset, const void *bytes, size_t count) {
    char head[512];
    int length = snprintf(head, sizeof head, "%c %s %lld %zu\n", kind, name, (long long)offset, count);
    struct iovec parts[2] = {{head, (size_t)length}, {(void *)bytes, count}};
    pthread_mutex_lock(&lock);
    if (syscall(SYS_writev, log_file, parts, count ? 2 : 1) < 0) abort();
    pthread_mutex_unlock(&lock);
}

#define REAL(type, name, ...)                         \
    static type (*real)(__VA_ARGS__);                 \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t wrote(int descriptor, const void *bytes, ssize_t count, int64_t offset) {
    char name[256];
    if (count > 0 && store_file(descriptor, name, sizeof name)) record('W', name, offset, bytes, (size_t)count);
    return count;
}

// An answer counts from the moment at which it is about to leave.
static void answers(const void *bytes, size_t count) {
    static const char stored[] = "\"status\": \"stored\"", spooled[] = "{\"spooled\": true}";
    if (log_file >= 0 && memmem(bytes, count, spooled, sizeof spooled - 1)) record('A', "spool", 0, NULL, 0);
    if (log_file < 0 || !memmem(bytes, count, stored, sizeof stored - 1)) return;
    const char *event = memmem(bytes, count, "{\"event\": ", 10);
    if (event) record('A', "-", atoll(event + 10), NULL, 0);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return wrote(descriptor, bytes, real(descriptor, bytes, count, offset), offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return wrote(descriptor, bytes, real(descriptor, bytes, count, offset), offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    char name[256];
    if (store_file(descriptor, name, sizeof name)) {
        int64_t offset = lseek(descriptor, 0, SEEK_CUR);
        return wrote(descriptor, bytes, real(descriptor, bytes, count), offset);
    }
    answers(bytes, count);
    return real(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    for (int index = 0; index < count; index++) answers(parts[index].iov_base, parts[index].iov_len);
    return real(descriptor, parts, count);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
    for (size_t index = 0; index < message->msg_iovlen; index++)
        answers(message->msg_iov[index].iov_base, message->msg_iov[index].iov_len);
    return real(descriptor, message, flags);
}

static int synced(int descriptor, int status) {
    char name[256];
    if (status == 0 && store_file(descriptor, name, sizeof name)) record('S', name, 0, NULL, 0);
    return status;
}

int fsync(int descriptor) {
    REAL(int, "fsync", int);
    return synced(descriptor, real(descriptor));
}

int fdatasync(int descriptor) {
    REAL(int, "fdatasync", int);
    return synced(descriptor, real(descriptor));
}

static int cut(int descriptor, int status, int64_t size) {
    char name[256];
    if (status == 0 && store_file(descriptor, name, sizeof name)) record('T', name, size, NULL, 0);
    return status;
}

int ftruncate64(int descriptor, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    return cut(descriptor, real(descriptor, size), size);
}

int ftruncate(int descriptor, off_t size) {
    REAL(int, "ftruncate", int, off_t);
    return cut(descriptor, real(descriptor, size), size);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    int status = real(path);
    if (status == 0 && log_file >= 0 && strncmp(path, folder, strlen(folder)) == 0)
        record('U', path + strlen(folder), 0, NULL, 0);
    return status;
}
