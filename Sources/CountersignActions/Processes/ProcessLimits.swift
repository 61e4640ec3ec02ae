import CLinux
import Glibc

/// What a program and each of its descendants may use (setrlimit(2)); nil sets no bound.
package struct ProcessLimits: Sendable, Equatable {
    /// Time on a processor, in whole seconds; a program that has used it up is ended by a signal.
    package let cpu: Duration?

    /// Address space in bytes.
    package let memory: Int?

    /// Open files of one process.
    package let files: Int?

    /// Processes and threads of the user as whom we run, ours among them; root is not bound by it.
    package let processes: Int?

    package init(cpu: Duration? = nil, memory: Int? = nil, files: Int? = nil, processes: Int? = nil) {
        self.cpu = cpu
        self.memory = memory
        self.files = files
        self.processes = processes
    }
}

extension linux_limits {
    /// The bounds as the system takes them.
    init(_ limits: ProcessLimits) {
        self.init(
            cpu: limits.cpu.map { max(1, $0.components.seconds) } ?? -1,
            memory: limits.memory.map { Int64($0) } ?? -1,
            files: limits.files.map { Int64($0) } ?? -1,
            processes: limits.processes.map { Int64($0) } ?? -1
        )
    }
}
