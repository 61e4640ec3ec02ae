import CountersignActions
import CountersignCore
import CountersignTesting
import Foundation
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SystemProcessesTests {
    private let folder: TemporaryFolder
    private let processes = SystemProcesses(environment: ["PATH": "/usr/bin:/bin"])

    init() throws {
        folder = try TemporaryFolder()
    }

    private func script(_ text: String, input: [UInt8] = []) -> ProcessRequest {
        ProcessRequest(program: "/bin/sh", arguments: ["-c", text], directory: folder.path, input: input)
    }

    /// Whether a process is there and not a zombie.
    private func isAlive(_ process: String) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !status.contains(") Z ")
    }

    private func waitForFile(_ name: String) async throws -> String {
        while true {
            if let text = try? folder.text(name), text.hasSuffix("\n") { return String(text.dropLast()) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test func `a program that never reads a large input does not stop us`() async throws {
        let input = [UInt8](repeating: 0x61, count: 1_024 * 1_024)
        let result = try await processes.run(script("echo done", input: input))
        #expect(result.ending == .exited(0))
        #expect(result.output.text == "done\n")
    }

    @Test func `a program that closes its input early is served on`() async throws {
        let input = [UInt8](repeating: 0x61, count: 1_024 * 1_024)
        let result = try await processes.run(script("exec <&-; echo one; sleep 0.1; echo two", input: input))
        #expect(result.output.text == "one\ntwo\n")
    }

    @Test func `a large input arrives whole while a large output leaves`() async throws {
        let input = [UInt8](repeating: 0x61, count: 1_024 * 1_024)
        let result = try await processes.run(script("tee copy", input: input))
        #expect(result.output.count == input.count)
        #expect(try folder.text("copy").utf8.count == input.count)
    }

    @Test func `input arrives whole at a program that closed its outputs`() async throws {
        let input = [UInt8](repeating: 0x61, count: 300_000)
        _ = try await processes.run(script("exec >&- 2>&-; sleep 0.1; cat > copy", input: input))
        #expect(try folder.text("copy").utf8.count == input.count)
    }

    @Test func `of a flood the first and the last bytes are kept`() async throws {
        let result = try await processes.run(
            script("echo first; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo last")
        )
        #expect(result.output.text.hasPrefix("first\nxxx"))
        #expect(result.output.text.hasSuffix("xxx\nlast\n"))
        #expect(result.output.text.contains("[… 4934476 bytes left out …]"))
        #expect(result.output.text.utf8.count < 66_000)
    }

    @Test func `what a program leaves in the background is ended with it`() async throws {
        let result = try await processes.run(script("sleep 1000 & echo $!"))
        let left = result.output.text.trimmingCharacters(in: .newlines)
        while isAlive(left) { await Task.yield() }
        #expect(result.ending == .exited(0))
    }

    @Test func `a background flood does not keep us`() async throws {
        let result = try await processes.run(script("yes & exit 0"))
        #expect(result.ending == .exited(0))
    }

    @Test func `cancelling ends the program and all of its group`() async throws {
        let request = script("sleep 1000 & echo $! > child; echo $$ > leader; wait")
        let task = Task { try await processes.run(request) }
        let (child, leader) = (try await waitForFile("child"), try await waitForFile("leader"))
        task.cancel()
        let result = await task.result
        #expect(throws: ProcessError.cancelled) { try result.get() }
        while isAlive(child) || isAlive(leader) { await Task.yield() }
    }

    @Test func `a program may clean up when it is asked to end`() async throws {
        let request = script("trap 'echo bye > cleaned; exit 0' TERM; echo x > ready; while :; do sleep 0.01; done")
        let task = Task { try await processes.run(request) }
        _ = try await waitForFile("ready")
        task.cancel()
        _ = await task.result
        #expect(try folder.text("cleaned") == "bye\n")
    }

    @Test func `a program that ignores the request to end is ended all the same`() async throws {
        let request = script("trap '' TERM; echo $$ > leader; while :; do sleep 0.01; done")
        let impatient = SystemProcesses(environment: ["PATH": "/usr/bin:/bin"], grace: .milliseconds(50))
        let task = Task { try await impatient.run(request) }
        let leader = try await waitForFile("leader")
        task.cancel()
        _ = await task.result
        while isAlive(leader) { await Task.yield() }
    }

    @Test func `a program has a session of its own`() async throws {
        let result = try await processes.run(script("cut -d' ' -f6 /proc/self/stat; echo $$"))
        let lines = result.output.text.split(separator: "\n")
        #expect(lines.count == 2 && lines[0] == lines[1])
        #expect(lines.first != "\(getsid(0))")
    }

    @Test func `neither zombies nor descriptors stay behind`() async {
        // In a process of its own, because other tests open descriptors at the same time.
        await #expect(processExitsWith: .success) {
            let processes = SystemProcesses(environment: ["PATH": "/usr/bin:/bin"])
            let request = ProcessRequest(program: "/bin/sh", arguments: ["-c", "sleep 1000 & cat"], directory: "/")
            func descriptors() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            }
            _ = try await processes.run(request)
            let before = try descriptors()
            for _ in 0..<20 { _ = try await processes.run(request) }
            let children = try String(contentsOfFile: "/proc/self/task/\(getpid())/children", encoding: .utf8)
            exit(try descriptors() == before && children.isEmpty ? EXIT_SUCCESS : EXIT_FAILURE)
        }
    }

    @Test func `a cut in the middle of a letter leaves no broken letter`() {
        var kept = KeptOutput(limit: 5)
        kept.append(Array("äöüßéáó".utf8))
        #expect(kept.text == "äö\n[… 6 bytes left out …]\náó")
    }
}
