import CountersignCore

/// A body that a mail program wrapped: without the line breaks in its strings and the hard spaces between its values.
struct RepairedBody {
    let bytes: [UInt8]

    /// Fields in which a person's words stand, so that a line was broken at a space.
    private static let prose: Set<String> = ["message", "comment"]

    /// Stands where a line was broken; of private use, so that no text has it (Unicode, section 23.5).
    private static let seam: Character = "\u{F8FF}"

    /// Mends `body`; nil when that does not make JSON of it.
    init?(_ body: [UInt8]) {
        let text = Self.markingSeams(in: String(decoding: body, as: UTF8.self))
        guard let value = try? JSON(parsing: text), let object = value.object else { return nil }
        let members = object.members.map { member in
            JSONObject.Member(
                key: Self.join(member.key, with: ""),
                value: Self.join(member.value, with: Self.prose.contains(member.key) ? " " : "")
            )
        }
        bytes = JSON.object(JSONObject(members)).bytes
    }

    private static func join(_ value: JSON, with glue: String) -> JSON {
        guard case .string(let text) = value else { return value }
        return .string(join(text, with: glue))
    }

    private static func join(_ text: String, with glue: String) -> String {
        text.split(separator: seam, omittingEmptySubsequences: false).joined(separator: glue)
    }

    /// The text with each break of a line within a string, and the blanks around it, marked by one seam.
    private static func markingSeams(in text: String) -> String {
        var marked = ""
        var isInString = false
        var isEscaped = false
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "\"", !isEscaped { isInString.toggle() }
            isEscaped = character == "\\" && !isEscaped
            if isInString, character.isNewline {
                while marked.last == " " { marked.removeLast() }
                rest = rest.drop { $0 == " " || $0 == "\t" || $0.isNewline }
                marked.append(seam)
            } else if !isInString, character == "\u{A0}" {
                marked.append(" ")
            } else {
                marked.append(character)
            }
        }
        return marked
    }
}
