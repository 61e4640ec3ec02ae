#ifndef COUNTERSIGN_CLINUX_H
#define COUNTERSIGN_CLINUX_H

/// Opens `path` beneath the folder `directory`, following no symbolic link (openat2(2) with
/// RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS); returns a descriptor, or the negative errno.
int linux_open_beneath(int directory, const char *_Nonnull path, int flags, unsigned int mode);

/// Makes this process the parent of every descendant whose own parent has ended (prctl(2), PR_SET_CHILD_SUBREAPER);
/// returns 0 or the negative errno.
int linux_adopt_orphans(void);

/// Tells whether something of what was printed could not be written to standard output (ferror(3)): 1, or 0 also where the
/// reader at the other end of a pipe has gone away.
int linux_output_failed(void);

/// Keeps other processes of the same user from reading this one's memory and environment (prctl(2), PR_SET_DUMPABLE);
/// what it starts is not bound by it. Returns 0 or the negative errno.
int linux_hide_from_others(void);

/// Keeps this process and all that it starts from gaining privileges, such as those of a set-user-ID program
/// (prctl(2), PR_SET_NO_NEW_PRIVS); returns 0 or the negative errno.
int linux_forgo_new_privileges(void);

/// Tells whether something keeps the system's clock right (adjtimex(2)): 1 or 0, or the negative errno.
int linux_clock_is_synchronised(void);

/// What a program may use, soft and hard (setrlimit(2)); a negative number sets no bound.
struct linux_limits {
    /// Seconds on a processor; a program that goes on after the signal that tells it so has one more.
    long long cpu;
    /// Bytes of address space.
    long long memory;
    /// Open files of one process.
    long long files;
    /// Processes and threads of the user.
    long long processes;
};

/// A program to start.
struct linux_start {
    const char *_Nonnull path;
    char *_Nullable const *_Nonnull arguments;
    char *_Nullable const *_Nonnull environment;
    const char *_Nonnull directory;
    struct linux_limits limits;
};

/// A program that was started, and our ends of what leads to it.
struct linux_program {
    int process;
    /// A descriptor that can be read when the program has ended (pidfd_open(2)).
    int ending;
    int input;
    int output;
    int errors;
};

/// What a start failed at.
enum linux_obstacle {
    linux_obstacle_system,
    linux_obstacle_limits,
    linux_obstacle_directory,
    linux_obstacle_program,
};

/// Starts a program in its directory and within its limits, in a session of its own, with no other descriptors than its
/// three pipes and every signal as it is by default; our ends of the pipes do not block. Returns 0, or the negative errno
/// and what it belongs to.
///
/// It does what posix_spawn(3) does, which knows no limits, and spares a stack for each start.
int linux_start_program(const struct linux_start *_Nonnull start, struct linux_program *_Nonnull program,
                        enum linux_obstacle *_Nonnull obstacle);

/// The number of the kind of file system that an open file lies on (statfs(2)), or an error as a negative number.
long long linux_file_system_kind(int descriptor);

/// Makes a descriptor that can be read once something was written to it (eventfd(2)); returns it or the negative errno.
int linux_make_event(void);

#endif
