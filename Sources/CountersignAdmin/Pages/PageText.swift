import CountersignCore
import Foundation

extension Date {
    /// The time as pages show it: UTC, to the second.
    var shown: String {
        String(rfc3339.prefix(19)).replacingOccurrences(of: "T", with: " ")
    }
}

extension Double {
    /// So many seconds, for people.
    var shownSeconds: String {
        switch self {
        case ..<0.001: "under 1 ms"
        case ..<1: "\(Int((self * 1_000).rounded())) ms"
        case ..<120: "\((self * 10).rounded() / 10) s"
        case ..<7_200: "\(Int((self / 60).rounded())) min"
        case ..<172_800: "\(Int((self / 3_600).rounded())) h"
        default: "\(Int((self / 86_400).rounded())) days"
        }
    }
}

extension JSON {
    /// The value as text over several lines, with what could mislead a reader spelt out.
    var shown: String { (string ?? indented).printableLines }
}

/// The addresses of pages.
enum Address {
    static func event(_ id: Int64) -> String { "/events/\(id)" }
    static func run(_ id: Int64) -> String { "/runs/\(id)" }
    static func rule(_ id: String) -> String { "/rules/\(id.percentEncoded)" }
    static func pending(_ id: String) -> String { "/pending/\(id.percentEncoded)" }
    static func package(_ id: String) -> String { "/packages/\(id.percentEncoded)" }

    /// `path` with those of the parameters that have a value.
    static func query(_ path: String, _ parameters: [(String, String?)]) -> String {
        let pairs = parameters.compactMap { name, value in value.map { "\(name)=\($0.percentEncoded)" } }
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }
}
