import CountersignCore
import Foundation
import Glibc

/// What Linux tells of the process (proc(5)), under the names that all of Prometheus' libraries give it.
struct ProcessFigures: Sendable {
    /// When the program began to count, which is when it started.
    private static let start = Date()

    init() { _ = Self.start }

    func collect() {
        if let ticks = Self.processorTicks {
            MetricCatalogue.processorTime.set(Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK))))
        }
        let pages = (Self.text("statm") ?? "").split(separator: " ").prefix(2).compactMap { Int($0) }
        if pages.count == 2 {
            let size = Int(sysconf(Int32(_SC_PAGESIZE)))
            MetricCatalogue.virtualMemory.set(pages[0] * size)
            MetricCatalogue.residentMemory.set(pages[1] * size)
        }
        if let count = Self.count("fd") { MetricCatalogue.openFiles.set(count) }
        if let limit = Self.fileLimit { MetricCatalogue.maximumFiles.set(limit) }
        if let count = Self.count("task") { MetricCatalogue.threads.set(count) }
        MetricCatalogue.processStart.set(Int(Self.start.timeIntervalSince1970))
    }

    /// The time on processors, in user mode and in the kernel: the fields 14 and 15, counted behind the program's name.
    private static var processorTicks: Int? {
        let fields = text("stat")?.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let kernel = Int(fields[12]) else { return nil }
        return user + kernel
    }

    /// How many files the process may have open: the soft limit.
    private static var fileLimit: Int? {
        let line = text("limits")?.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        return line?.split(separator: " ").dropFirst(3).first.flatMap { Int($0) }
    }

    private static func text(_ name: String) -> String? {
        try? String(contentsOfFile: "/proc/self/\(name)", encoding: .utf8)
    }

    private static func count(_ folder: String) -> Int? {
        try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(folder)").count
    }
}
