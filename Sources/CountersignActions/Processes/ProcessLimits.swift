import CLinux
import Glibc

/// What a program and each of its descendants may use (setrlimit(2)); nil sets no bound.
package struct ProcessLimits: Sendable, Equatable {
    /// CPU time, in whole seconds; a program that has used it up is killed.
    package let cpuTime: Duration?

    /// Address space in bytes.
    package let memory: Int?

    /// Open files per process.
    package let openFiles: Int?

    /// Processes and threads of the user as whom we run, ours among them; root is not bound by it.
    package let processes: Int?

    /// Limits; an argument that is left out sets none.
    package init(cpuTime: Duration? = nil, memory: Int? = nil, openFiles: Int? = nil, processes: Int? = nil) {
        self.cpuTime = cpuTime
        self.memory = memory
        self.openFiles = openFiles
        self.processes = processes
    }
}

extension linux_limits {
    /// The bounds as the system takes them.
    init(_ limits: ProcessLimits) {
        self.init(
            cpu: limits.cpuTime.map { max(1, $0.components.seconds) } ?? -1,
            memory: limits.memory.map { Int64($0) } ?? -1,
            files: limits.openFiles.map { Int64($0) } ?? -1,
            processes: limits.processes.map { Int64($0) } ?? -1
        )
    }
}
