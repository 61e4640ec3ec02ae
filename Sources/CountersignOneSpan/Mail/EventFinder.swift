package import CountersignCore
import Foundation

/// Finds the bodies of callbacks in a text: JSON, JSON lines, or the mail by which OneSpan Sign tells that one failed.
///
/// The vendor does not repeat a callback that was not taken; it mails the JSON to the package's sender, who is to post
/// it by hand (see the vendor's support article on callback failures).
package struct EventFinder: Sendable {
    /// A body that was found.
    package struct Found: Sendable {
        /// The body as an event of the origin `manual`.
        package let delivery: Delivery

        /// Whether line breaks that a mail program put into the body had to be taken out of it.
        package let isRepaired: Bool
    }

    /// Something that looks like a body, but cannot be read as one.
    package struct Unreadable: Error, Equatable {
        /// The line on which it begins, counted from 1 in the text that a reader of the mail sees.
        package let line: Int

        /// Why it cannot be read, for the person who passed the text in.
        package let reason: String
    }

    /// What a text holds; a body that is in it twice, as in the two forms of one mail, is given once.
    package struct Findings: Sendable {
        /// The bodies that can be read, in the order of the text.
        package fileprivate(set) var events: [Found] = []

        /// What looks like a body and cannot be read; empty where another form of the same mail has events.
        package fileprivate(set) var unreadable: [Unreadable] = []
    }

    private let reader: any CallbackReader

    /// A finder that recognizes bodies with `reader`, which must accept the origin `manual`.
    package init(reader: any CallbackReader) {
        self.reader = reader
    }

    /// All bodies in `bytes`, in the order in which they are there.
    package func find(in bytes: [UInt8]) -> Findings {
        let texts = MailMessage(parsing: bytes)?.texts ?? [Self.plainText(bytes)]
        var findings = Findings()
        var seen: Set<[UInt8]> = []
        for text in texts {
            let shown = text.isHTML ? HTMLText.text(of: text.characters) : text.characters
            let lines = Self.withoutQuoteMarks(shown.withLineFeeds)
            for finding in BodyScanner(text: Array(lines.utf8)).candidates {
                switch read(finding, fault: text.fault) {
                case .success(let found)?:
                    let key = found.delivery.deduplicationKey ?? found.delivery.payload.bytes
                    if seen.insert(key).inserted { findings.events.append(found) }
                case .failure(let unreadable)?: findings.unreadable.append(unreadable)
                case nil: break
                }
            }
        }
        // One form of a mail may be damaged where the other is whole.
        if texts.count > 1, !findings.events.isEmpty { findings.unreadable = [] }
        return findings
    }
}

extension EventFinder {
    /// A text that is no mail; one of a mail program on Windows may be UTF-16.
    private static func plainText(_ bytes: [UInt8]) -> MailMessage.Text {
        let charset =
            switch bytes.prefix(2) {
            case [0xFF, 0xFE], [0xFE, 0xFF]: "utf-16"
            default: "utf-8"
            }
        let start = bytes.starts(with: OutsideText.byteOrderMark) ? OutsideText.byteOrderMark.count : 0
        let decoded = Charset(name: charset).decode(Array(bytes.dropFirst(start)))
        return MailMessage.Text(characters: decoded.text, isHTML: false, fault: decoded.fault)
    }

    /// The text without the `>` that mail programs put before the lines of a mail that is answered or forwarded.
    private static func withoutQuoteMarks(_ text: String) -> String {
        text.lines
            .map { line in
                var line = line
                while line.first == ">" {
                    line.removeFirst()
                    if line.first == " " { line.removeFirst() }
                }
                return line
            }
            .joined(separator: "\n")
    }

    /// What a candidate is; nil when it is no body of a callback, but something else in braces.
    private func read(_ candidate: BodyScanner.Candidate, fault: String?) -> Result<Found, Unreadable>? {
        // A character that was lost would make another event of it, beside the one that came as a callback.
        if let fault, candidate.looksLikeBody, candidate.bytes.contains(where: { $0 >= 0x80 }) {
            return .failure(Unreadable(line: candidate.line, reason: fault))
        }
        if let found = found(Array(candidate.bytes), isRepaired: false) { return .success(found) }
        if let repaired = RepairedBody(Array(candidate.bytes)), let found = found(repaired.bytes, isRepaired: true) {
            return .success(found)
        }
        guard candidate.looksLikeBody else { return nil }
        do throws(UnreadableBody) {
            _ = try reader.read(Array(candidate.bytes), origin: .manual)
            return nil
        } catch {
            return .failure(Unreadable(line: candidate.line, reason: error.reason))
        }
    }

    private func found(_ bytes: [UInt8], isRepaired: Bool) -> Found? {
        guard let delivery = try? reader.read(bytes, origin: .manual), Self.isCallback(delivery) else { return nil }
        return Found(delivery: delivery, isRepaired: isRepaired)
    }

    /// Whether an object with a name is a callback, and not an object of something else that happens to have one.
    private static func isCallback(_ delivery: Delivery) -> Bool {
        delivery.payload.packageID != nil || EventCatalogue.entries.contains { $0.name == delivery.name }
            || delivery.payload["@class"]?.string?.hasSuffix("ESLProcessEvent") == true
    }
}
