import CLinux
import Glibc

/// A program under way and our ends of its pipes: gives it its input, and keeps the ends of what it says.
struct ProgramWatch {
    /// More than a pipe holds: what comes behind it was written after the program's end, by something that escaped.
    private static let mostAfterEnd = 1_024 * 1_024

    private static let pieceSize = 65_536

    let process: pid_t
    private(set) var output: KeptOutput
    private(set) var errors: KeptOutput

    /// Whether the program has ended; its exit status stays where it is until `noteEnd`.
    private(set) var hasEnded = false

    /// Whether somebody wants it to end.
    private(set) var isStopped = false

    private let ending: CInt
    private var inputPipe: CInt
    private var outputPipe: CInt
    private var errorPipe: CInt
    private let input: [UInt8]
    private var written = 0

    init(program: linux_program, request: ProcessRequest) {
        process = program.process
        ending = program.ending
        (inputPipe, outputPipe, errorPipe) = (program.input, program.output, program.errors)
        output = KeptOutput(limit: request.keptBytes)
        errors = KeptOutput(limit: request.keptBytes)
        input = request.input
        feed()
    }

    /// Waits until something happens, or until `time`.
    mutating func wait(for stop: CInt, until time: ContinuousClock.Instant?) {
        var events = [
            pollfd(fd: ending, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isStopped ? -1 : stop, events: Int16(POLLIN), revents: 0),
            pollfd(fd: outputPipe, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errorPipe, events: Int16(POLLIN), revents: 0),
            pollfd(fd: inputPipe, events: Int16(POLLOUT), revents: 0),
        ]
        let rest = time.map { max(.zero, $0 - .now) }
        let patience = rest.map { CInt(min($0 / .milliseconds(1) + 1, 1_000_000)) } ?? -1
        guard poll(&events, nfds_t(events.count), patience) > 0 else { return }
        hasEnded = events[0].revents != 0
        if events[1].revents != 0 { isStopped = true }
        if events[2].revents != 0 { Self.read(&outputPipe, &output, most: Self.pieceSize) }
        if events[3].revents != 0 { Self.read(&errorPipe, &errors, most: Self.pieceSize) }
        if events[4].revents != 0 { feed() }
    }

    /// Takes what the pipes hold.
    mutating func drain() {
        Self.read(&outputPipe, &output, most: Self.mostAfterEnd)
        Self.read(&errorPipe, &errors, most: Self.mostAfterEnd)
    }

    /// How the program ended, of which the system then knows nothing more.
    func noteEnd() -> ProcessResult.Ending {
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? .exited(Int(status >> 8 & 0xFF)) : .signalled(Int(signal))
    }

    mutating func close() {
        for pipe in [ending, inputPipe, outputPipe, errorPipe] where pipe >= 0 { _ = Glibc.close(pipe) }
        (inputPipe, outputPipe, errorPipe) = (-1, -1, -1)
    }

    /// Writes as much of the input as goes in, and says that it is all when it is.
    private mutating func feed() {
        while inputPipe >= 0, written < input.count {
            let count = input.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                return write(inputPipe, rest.baseAddress, rest.count)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            // A program that does not want to read on has a right to it.
            guard count >= 0 else { break }
            written += count
        }
        if inputPipe >= 0 { _ = Glibc.close(inputPipe) }
        inputPipe = -1
    }

    /// Reads until there is nothing more for now, or `most` bytes have come; a pipe that is at its end is closed.
    private static func read(_ pipe: inout CInt, _ kept: inout KeptOutput, most: Int) {
        guard pipe >= 0 else { return }
        withUnsafeTemporaryAllocation(byteCount: pieceSize, alignment: 1) { piece in
            var rest = most
            while rest > 0 {
                let count = Glibc.read(pipe, piece.baseAddress, piece.count)
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EAGAIN { return }
                guard count > 0 else {
                    _ = Glibc.close(pipe)
                    pipe = -1
                    return
                }
                kept.append(UnsafeRawBufferPointer(rebasing: piece[..<count]))
                rest -= count
                // What fits into less than the piece was all that there was.
                if count < piece.count, most == pieceSize { return }
            }
        }
    }
}
