import CountersignActions
import CountersignCore
import CountersignTesting
import Glibc
import Testing

/// Bounds on what programs may use.
@Suite(.timeLimit(.minutes(1)))
struct ProcessLimitsTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func run(_ limits: ProcessLimits, _ program: String, _ arguments: String...) async throws -> ProcessResult {
        let processes = SystemProcesses(environment: ["PATH": "/usr/bin:/bin"], limits: limits)
        return try await processes.run(
            ProcessRequest(program: program, arguments: arguments, directory: folder.path, environment: ["A": "b c"])
        )
    }

    @Test func `all limits are those that the program sees`() async throws {
        let limits = ProcessLimits(cpuTime: .seconds(7), memory: 256 << 20, openFiles: 33, processes: 5_000)
        let result = try await run(limits, "sh", "-c", "ulimit -t; ulimit -v; ulimit -n; ulimit -p; echo $A")
        #expect(result.output.text == "7\n262144\n33\n5000\nb c\n")
    }

    @Test func `a program that computes for ever is ended by a signal`() async throws {
        let result = try await run(ProcessLimits(cpuTime: .seconds(1)), "/bin/sh", "-c", "while :; do :; done")
        #expect(result.ending == .signalled(Int(SIGXCPU)))
    }

    @Test func `a program that computes on after the signal is ended a second later`() async throws {
        let script = "trap '' XCPU; while :; do :; done"
        let result = try await run(ProcessLimits(cpuTime: .seconds(1)), "/bin/sh", "-c", script)
        #expect(result.ending == .signalled(Int(SIGKILL)))
    }

    @Test func `a program that wants too much memory does not get it`() async throws {
        let result = try await run(
            ProcessLimits(memory: 64 << 20),
            "python3",
            "-c",
            "print(len(bytearray(1 << 30)))"
        )
        #expect(result.ending != .exited(0))
        #expect(result.output.text.isEmpty)
    }

    @Test func `a program that opens too many files is refused`() async throws {
        let script = "i=3; while [ $i -lt 60 ]; do eval \"exec $i</dev/null\" || exit 9; i=$((i + 1)); done"
        let result = try await run(ProcessLimits(openFiles: 20), "bash", "-c", script)
        #expect(result.ending != .exited(0))
    }

    @Test func `arguments and the exit status are those of the program`() async throws {
        let result = try await run(
            ProcessLimits(openFiles: 64),
            "sh",
            "-c",
            "echo \"$1|$2\"; exit 5",
            "x",
            "a  b",
            "-c"
        )
        #expect(result.output.text == "a  b|-c\n")
        #expect(result.ending == .exited(5))
    }

    @Test func `limits that the system does not grant are reported as what hinders the start`() async throws {
        // More open files than any process may have (fs.nr_open), also for root.
        do {
            _ = try await run(ProcessLimits(openFiles: 1 << 40), "true")
            Issue.record("it was started")
        } catch ProcessError.notStarted(let program, let why, let isPassing) {
            #expect(program == "true")
            #expect(why.hasPrefix("its limits (the settings 'process_limits.…') cannot be set"))
            #expect(why.hasSuffix(": Operation not permitted"))
            #expect(!isPassing)
        }
    }

    @Test func `no shell is before the program with limits, which would leave PWD`() async throws {
        let result = try await run(ProcessLimits(openFiles: 64), "env")
        let names = result.output.text.split(separator: "\n")
            .compactMap { $0.split(separator: "=").first.map(String.init) }
        #expect(Set(names) == ["PATH", "A", "COUNTERSIGN_PROCESS"])
    }

    @Test func `a missing program is reported as without limits`() async throws {
        for program in ["no-such-program", "/no/such/program"] {
            let place = program.contains("/") ? program : "/usr/bin:/bin"
            await #expect(throws: ProcessError.notFound(program: program, place: place)) {
                _ = try await run(ProcessLimits(openFiles: 64), program)
            }
        }
    }
}
