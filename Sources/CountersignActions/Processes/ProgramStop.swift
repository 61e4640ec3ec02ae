import CLinux
import Glibc
import Synchronization

/// The word to a program's thread that it shall end the program.
final class ProgramStop: Sendable {
    /// Can be read once the word was given; negative where the system had no descriptor left.
    let descriptor: CInt

    private let isOpen = Mutex(true)

    init() {
        descriptor = linux_make_event()
    }

    deinit { close() }

    func give() {
        isOpen.withLock { isOpen in
            var one: UInt64 = 1
            if isOpen, descriptor >= 0 { _ = write(descriptor, &one, MemoryLayout.size(ofValue: one)) }
        }
    }

    func close() {
        isOpen.withLock { isOpen in
            if isOpen, descriptor >= 0 { _ = Glibc.close(descriptor) }
            isOpen = false
        }
    }
}
