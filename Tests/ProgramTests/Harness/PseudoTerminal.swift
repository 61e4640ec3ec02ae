import Foundation
import Glibc
import Synchronization
import SystemPackage

/// A terminal on which a command of the program runs, as a window of some size shows it.
final class PseudoTerminal: Sendable {
    /// The end at which the program reads and writes.
    let program: FileDescriptor

    private let window: FileDescriptor
    private struct State {
        var received: [UInt8] = []
        var isOpen = true
        var isAtEnd = false
    }

    private let state = Mutex(State())

    /// - Throws: `NeverCame` when the system has no terminal to give.
    init(columns: Int, lines: Int) throws {
        var (window, program): (Int32, Int32) = (-1, -1)
        var size = winsize()
        size.ws_col = UInt16(columns)
        size.ws_row = UInt16(lines)
        guard openpty(&window, &program, nil, nil, &size) == 0 else { throw NeverCame(what: "a terminal") }
        // A program of another test that is started meanwhile must not keep this terminal open.
        for descriptor in [window, program] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        self.window = FileDescriptor(rawValue: window)
        self.program = FileDescriptor(rawValue: program)
        let reader = Thread { [self] in read() }
        reader.start()
    }

    /// Everything that was written so far.
    var text: String { state.withLock { String(decoding: $0.received, as: UTF8.self) } }

    /// The lines without what switches colors on and off, and without blanks at their ends.
    var plainLines: [String] {
        text.replacing(/\e\[[0-9;?]*[a-zA-Z]/, with: "").replacing("\r\n", with: "\n").split(separator: "\n")
            .map { line in String(line.reversed().drop { $0 == " " || $0 == "\r" }.reversed()) }
    }

    /// Gives the window another size, as a user who drags its corner.
    func resize(columns: Int, lines: Int) {
        var size = winsize()
        size.ws_col = UInt16(columns)
        size.ws_row = UInt16(lines)
        _ = ioctl(window.rawValue, UInt(TIOCSWINSZ), &size)
    }

    /// Types `text`, as somebody at the keyboard.
    func type(_ text: String) throws {
        try window.writeAll(text.utf8)
    }

    /// Reads what is still in progress, once the program has ended, and gives the terminal back.
    func close() async throws {
        let wasOpen = state.withLock { state in
            defer { state.isOpen = false }
            return state.isOpen
        }
        if wasOpen { try program.close() }
        try await eventually("the end of the terminal") { state.withLock { $0.isAtEnd } }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = Glibc.read(window.rawValue, &buffer, buffer.count)
            guard count > 0 else { break }
            state.withLock { $0.received += buffer.prefix(count) }
        }
        try? window.close()
        state.withLock { $0.isAtEnd = true }
    }
}
