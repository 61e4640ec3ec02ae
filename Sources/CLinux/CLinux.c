#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/vfs.h>
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

int linux_output_failed(void) {
    if (!ferror(stdout)) return 0;
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return !(poll(&output, 1, 0) > 0 && (output.revents & POLLERR));
}

int linux_hide_from_others(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
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

static int limit(int resource, long long bound) {
    struct rlimit both = {.rlim_cur = (rlim_t)bound, .rlim_max = (rlim_t)bound};
    // At the soft bound of this one comes SIGXCPU, which tells what happened; at the hard one SIGKILL, which does not.
    if (resource == RLIMIT_CPU) both.rlim_max++;
    return bound < 0 ? 0 : setrlimit(resource, &both);
}

// What the child came to, in memory that it shares with its parent until it has become the program.
struct failure {
    volatile int number;
    volatile enum linux_obstacle obstacle;
};

static void become(const struct linux_start *start, const int streams[3], struct failure *failure) {
    failure->obstacle = linux_obstacle_system;
    if (setsid() < 0) return;
    for (int stream = 0; stream < 3; stream++) {
        if (dup2(streams[stream], stream) < 0) return;
    }
    if (syscall(SYS_close_range, 3, ~0U, 0) < 0) return;
    failure->obstacle = linux_obstacle_directory;
    if (chdir(start->directory) < 0) return;
    failure->obstacle = linux_obstacle_limits;
    const struct linux_limits *limits = &start->limits;
    if (limit(RLIMIT_CPU, limits->cpu) < 0 || limit(RLIMIT_AS, limits->memory) < 0 ||
        limit(RLIMIT_NOFILE, limits->files) < 0 || limit(RLIMIT_NPROC, limits->processes) < 0)
        return;
    // What is handled becomes the default by itself, what is ignored would stay so.
    struct sigaction unhandled = {.sa_handler = SIG_DFL};
    for (int number = 1; number < SIGRTMIN; number++) sigaction(number, &unhandled, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    failure->obstacle = linux_obstacle_program;
    execve(start->path, start->arguments, start->environment);
}

// The child borrows the memory and the stack of the calling thread, which stands still until the child has become the
// program or has ended; so the child calls the system and nothing else, and no signal may reach it before.
static int spawn(const struct linux_start *start, const int streams[3], int *process, enum linux_obstacle *obstacle) {
    struct failure failure = {0, linux_obstacle_system};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = vfork();
    if (child == 0) {
        become(start, streams, &failure);
        failure.number = errno;
        _exit(127);
    }
    int number = child < 0 ? errno : failure.number;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child > 0 && number) waitpid(child, NULL, 0);
    *obstacle = failure.obstacle;
    *process = child;
    return -number;
}

int linux_start_program(const struct linux_start *start, struct linux_program *program, enum linux_obstacle *obstacle) {
    *obstacle = linux_obstacle_system;
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
    if (!status) status = spawn(start, theirs, &program->process, obstacle);
    if (!status) {
        program->ending = (int)syscall(SYS_pidfd_open, program->process, 0);
        if (program->ending < 0) {
            status = -errno;
            *obstacle = linux_obstacle_system;
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

long long linux_file_system_kind(int descriptor) {
    struct statfs facts;
    return fstatfs(descriptor, &facts) < 0 ? -errno : (long long)(unsigned int)facts.f_type;
}

int linux_make_event(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}
