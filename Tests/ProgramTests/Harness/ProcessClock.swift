import CountersignTesting
import Foundation
import Subprocess
import SystemPackage

/// A clock that a test sets for a process, forward and back: the time of day of this machine with so many seconds added.
///
/// The process is the program as users run it. A library that is loaded before all others answers when it asks for the time
/// of day; the clocks that nobody sets go on as they are.
final class ProcessClock: Sendable {
    private static let source = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>
        static const volatile int64_t *offset;
        __attribute__((constructor)) static void begin(void) {
            const char *path = getenv("CLOCK_OFFSET_FILE");
            int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
            if (file < 0) return;
            void *page = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
            close(file);
            if (page != MAP_FAILED) offset = page;
        }
        int clock_gettime(clockid_t clock, struct timespec *time) {
            int result = (int) syscall(SYS_clock_gettime, clock, time);
            int isOfDay = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
            if (result == 0 && offset && isOfDay) time->tv_sec += *offset;
            return result;
        }
        int gettimeofday(struct timeval *time, void *zone) {
            struct timespec now;
            (void) zone;
            clock_gettime(CLOCK_REALTIME, &now);
            time->tv_sec = now.tv_sec;
            time->tv_usec = now.tv_nsec / 1000;
            return 0;
        }
        time_t time(time_t *out) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (out) *out = now.tv_sec;
            return now.tv_sec;
        }
        """

    private let folder: TemporaryFolder

    /// Builds the library with the C compiler that the tests need anyway.
    init() async throws {
        folder = try TemporaryFolder()
        try Data(Self.source.utf8).write(to: URL(filePath: folder.path("clock.c")))
        try Data(count: 8).write(to: URL(filePath: folder.path("offset")))
        let outcome = try await Subprocess.run(
            .name("cc"),
            arguments: ["-shared", "-fPIC", "-O1", "-o", folder.path("clock.so"), folder.path("clock.c")],
            output: .discarded,
            error: .string(limit: 64 << 10)
        )
        guard outcome.terminationStatus.isSuccess else { throw NeverCame(what: "a clock: \(outcome.standardError)") }
    }

    /// The variables that have a process go by this clock.
    var environment: [String: String] {
        ["LD_PRELOAD": folder.path("clock.so"), "CLOCK_OFFSET_FILE": folder.path("offset")]
    }

    /// Sets the clock so far ahead of this machine's, or behind it.
    func set(ahead offset: Duration) throws {
        var seconds = offset.components.seconds
        let file = try FileHandle(forUpdating: URL(filePath: folder.path("offset")))
        // In its place, as processes have the file in their memory.
        try file.write(contentsOf: Data(bytes: &seconds, count: MemoryLayout.size(ofValue: seconds)))
        try file.close()
    }
}
