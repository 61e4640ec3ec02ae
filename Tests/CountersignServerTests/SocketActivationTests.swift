import CountersignServer
import Testing

struct SocketActivationTests {
    @Test(arguments: [
        [:], ["LISTEN_FDS": "1"], ["LISTEN_PID": "7", "LISTEN_FDS": "1"], ["LISTEN_PID": "42", "LISTEN_FDS": "0"],
    ])
    func `what is not handed to this process is left unchanged`(variables: [String: String]) throws {
        let descriptor = try SocketActivation.descriptor(in: variables, process: 42)
        #expect(descriptor == nil)
    }

    @Test func `two sockets are refused`() throws {
        let error = try #require(throws: (any Error).self) {
            _ = try SocketActivation.descriptor(in: ["LISTEN_PID": "42", "LISTEN_FDS": "2"], process: 42)
        }
        #expect("\(error)".contains("2 sockets"))
    }
}
