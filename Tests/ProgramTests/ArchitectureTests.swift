import Foundation
import Testing

/// What the parts of the program may know of each other, beyond what the compiler checks.
struct ArchitectureTests {
    @Test func `only the storage driver and the composition know which database there is`() throws {
        let composition = "Sources/CountersignServer/StoreAddress+Driver.swift"
        let findings = Repository.files()
            .filter { $0.hasPrefix("Sources/") && !$0.hasSuffix(".md") }
            .filter { !$0.hasPrefix("Sources/CountersignSQLite/") && $0 != composition }
            .filter { file in
                let text = try? String(contentsOfFile: "\(Repository.path)/\(file)", encoding: .utf8)
                return text.map { $0.contains("SQLite") || $0.contains("GRDB") } ?? false
            }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test func `only the driver of the database and the composition know which server there is`() throws {
        let composition = "Sources/CountersignServer/StoreAddress+Driver.swift"
        let findings = Repository.files()
            .filter { $0.hasPrefix("Sources/") && !$0.hasSuffix(".md") }
            .filter { !$0.hasPrefix("Sources/CountersignPostgreSQL/") && !$0.hasPrefix("Sources/CLibpq/") }
            .filter { $0 != composition }
            .filter { file in
                let text = try? String(contentsOfFile: "\(Repository.path)/\(file)", encoding: .utf8)
                return text.map { $0.contains("PostgreSQL") || $0.contains("libpq") } ?? false
            }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test func `the terminal asks Operations and never the admin server`() throws {
        let findings = Repository.files()
            .filter { $0.hasPrefix("Sources/CountersignCLI/") }
            .filter { file in
                let text = try? String(contentsOfFile: "\(Repository.path)/\(file)", encoding: .utf8)
                return text?.contains("import CountersignAdmin") ?? false
            }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test func `one file tells the errors of sockets, TLS and HTTP apart`() throws {
        let reader = "Sources/CountersignOutbound/Errors/NetworkError+Reading.swift"
        let errors = #/\b(IOError|ChannelError|NIOConnectionError|NIOSSLError|BoringSSLError|HTTPClientError)\b/#
        let findings = Repository.files()
            .filter { $0.hasPrefix("Sources/") && $0.hasSuffix(".swift") && $0 != reader }
            .filter { file in
                let text = try? String(contentsOfFile: "\(Repository.path)/\(file)", encoding: .utf8)
                return text?.contains(errors) ?? false
            }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test func `what other targets may use says what it is`() throws {
        let declaration = try Regex(
            #"^\s*(@\w+(\([^)]*\))?\s+)*(package|public)\s+([a-z(]+\)?\s+)*(struct|class|enum|actor|protocol|func|var|let|init|subscript|typealias)\b"#
        )
        var findings: [String] = []
        for file in Repository.files() where file.hasPrefix("Sources/") && file.hasSuffix(".swift") {
            let lines = try String(contentsOfFile: "\(Repository.path)/\(file)", encoding: .utf8)
                .split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where try declaration.prefixMatch(in: line) != nil {
                let above = lines[..<index].last { !$0.drop { $0 == " " }.hasPrefix("@") } ?? ""
                if !above.drop(while: { $0 == " " }).hasPrefix("///") { findings.append("\(file):\(index + 1)") }
            }
        }
        #expect(findings.isEmpty, "without a description: \(findings.joined(separator: "\n"))")
    }
}
