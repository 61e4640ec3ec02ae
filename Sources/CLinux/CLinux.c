#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

int linux_open_beneath(int directory, const char *path, int flags, unsigned int mode) {
    struct open_how how = {
        .flags = (unsigned int)(flags | O_CLOEXEC),
        .mode = (flags & O_CREAT) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long descriptor = syscall(SYS_openat2, directory, path, &how, sizeof how);
    return descriptor < 0 ? -errno : (int)descriptor;
}

int linux_adopt_orphans(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int linux_forgo_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int linux_clock_is_synchronised(void) {
    struct timex status = {0};
    int state = adjtimex(&status);
    if (state < 0) return -errno;
    return state != TIME_ERROR && !(status.status & STA_UNSYNC);
}

static int spawn(const char *path, char *const *arguments, char *const *environment, const char *directory,
                 const int streams[3], int *process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&actions)) return -ENOMEM;
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int status = 0;
    for (int stream = 0; stream < 3 && !status; stream++)
        status = posix_spawn_file_actions_adddup2(&actions, streams[stream], stream);
    if (!status) status = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!status) status = posix_spawn_file_actions_addchdir_np(&actions, directory);
    if (!status) status = posix_spawn(process, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -status;
}

int linux_start_program(const char *path, char *const *arguments, char *const *environment, const char *directory,
                        struct linux_program *program) {
    // Input, output, errors; of each the end that is read, and the one that is written.
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int status = 0;
    for (int stream = 0; stream < 3 && !status; stream++) {
        if (pipe2(pipes[stream], O_CLOEXEC) < 0) status = -errno;
    }
    const int theirs[3] = {pipes[0][0], pipes[1][1], pipes[2][1]};
    const int ours[3] = {pipes[0][1], pipes[1][0], pipes[2][0]};
    for (int stream = 0; stream < 3 && !status; stream++) {
        if (fcntl(ours[stream], F_SETFL, O_NONBLOCK) < 0) status = -errno;
    }
    if (!status) status = spawn(path, arguments, environment, directory, theirs, &program->process);
    if (!status) {
        program->ending = (int)syscall(SYS_pidfd_open, program->process, 0);
        if (program->ending < 0) {
            status = -errno;
            kill(-program->process, SIGKILL);
            waitpid(program->process, NULL, 0);
        }
    }
    for (int stream = 0; stream < 3; stream++) {
        if (theirs[stream] >= 0) close(theirs[stream]);
        if (status && ours[stream] >= 0) close(ours[stream]);
    }
    if (status) return status;
    program->input = ours[0];
    program->output = ours[1];
    program->errors = ours[2];
    return 0;
}

int linux_make_event(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}
