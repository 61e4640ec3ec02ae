import CountersignCore

/// What a mail server said (RFC 5321, section 4.2).
struct SMTPReply: Sendable, Equatable {
    let code: Int

    /// The text of each line, behind the code.
    let lines: [String]

    /// Whether it is a yes.
    var isPositive: Bool { (200...299).contains(code) }

    /// The reply on one line, short enough to be reported.
    var text: String {
        "\(code) \(lines.joined(separator: " ").onOneLine.cut(to: 200))"
    }
}

/// Why what came is no reply.
enum SMTPReplyError: Error {
    case tooLong
    case malformed

    /// The same for people.
    var networkError: NetworkError {
        switch self {
        case .tooLong: NetworkError(.malformed, "it sent an oversized reply")
        case .malformed: NetworkError(.malformed, "it does not speak SMTP; check its port")
        }
    }
}

/// Puts replies together from what comes, within bounds.
struct SMTPReplyParser {
    private static let longestLine = 2_048
    private static let mostLines = 100

    private var line: [UInt8] = []
    private var code: Int?
    private var lines: [String] = []

    /// Whether nothing is left of what came.
    var isEmpty: Bool { line.isEmpty && lines.isEmpty }

    /// Takes the next byte; gives the reply that it ends.
    mutating func take(_ byte: UInt8) throws(SMTPReplyError) -> SMTPReply? {
        guard byte == UInt8(ascii: "\n") else {
            guard line.count < Self.longestLine else { throw .tooLong }
            line.append(byte)
            return nil
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        defer { line = [] }
        let digits = line.prefix(3)
        guard digits.count == 3, digits.allSatisfy(\.isDigit),
            let number = Int(String(decoding: digits, as: UTF8.self)), (200...599).contains(number),
            code == nil || code == number
        else { throw .malformed }
        let mark = line.dropFirst(3).first
        guard mark == nil || mark == UInt8(ascii: " ") || mark == UInt8(ascii: "-") else { throw .malformed }
        guard lines.count < Self.mostLines else { throw .tooLong }
        code = number
        lines.append(String(decoding: line.dropFirst(4), as: UTF8.self))
        guard mark != UInt8(ascii: "-") else { return nil }
        defer { (code, lines) = (nil, []) }
        return SMTPReply(code: number, lines: lines)
    }
}

/// What a server says that it can do (EHLO).
struct SMTPExtensions: Sendable {
    /// The words of each line behind the first, in capital letters.
    private let lines: [[String]]

    /// Those of a server that knows no extensions.
    static let none = SMTPExtensions(lines: [])

    private init(lines: [[String]]) {
        self.lines = lines
    }

    init(_ reply: SMTPReply) {
        lines = reply.lines.dropFirst()
            .map { line in
                // Old servers write AUTH=LOGIN.
                line.uppercased().replacing("AUTH=", with: "AUTH ").split(separator: " ").map(String.init)
            }
    }

    func has(_ name: String) -> Bool { lines.contains { $0.first == name } }

    /// The ways to log in.
    var mechanisms: Set<String> { Set(lines.filter { $0.first == "AUTH" }.flatMap { $0.dropFirst() }) }

    /// The largest mail in bytes; nil where it says nothing, or that there is no limit.
    var largestMail: Int? {
        lines.first { $0.first == "SIZE" }?.dropFirst().first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}
