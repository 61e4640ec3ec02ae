import CountersignCore

/// The anchors at one path, ready to be looked up by the value there.
struct FieldIndex: Sendable {
    let path: JSONPath
    private let texts: TextTable
    private let foldedTexts: TextTable
    private let presence: [Int]
    private let affixes: [Affixes]

    private struct Affixes: Sendable {
        let kind: AffixKind
        let table: AffixTable
    }

    init(path: JSONPath, anchors: [(anchor: Anchor, number: Int)]) {
        var texts: [String: [Int]] = [:]
        var foldedTexts: [String: [Int]] = [:]
        var presence: [Int] = []
        var affixes: [AffixKind: [(bytes: [UInt8], number: Int)]] = [:]
        for (anchor, number) in anchors {
            switch anchor {
            case .text(_, let text, false): texts[text, default: []].append(number)
            case .text(_, let text, true): foldedTexts[text, default: []].append(number)
            case .affix(_, let bytes, let kind): affixes[kind, default: []].append((bytes, number))
            case .presence: presence.append(number)
            }
        }
        self.path = path
        self.texts = TextTable(texts)
        self.foldedTexts = TextTable(foldedTexts)
        self.presence = presence
        self.affixes = affixes.map { Affixes(kind: $0.key, table: AffixTable($0.value)) }
    }

    /// Adds to `found` the numbers whose anchor here is met.
    func collect(in subject: JSON, into found: inout [Int]) {
        guard let value = path.value(in: subject), value != .null else { return }
        if !presence.isEmpty { found += presence }
        guard case .string(let text) = value else { return }
        if !texts.isEmpty { texts.collect(text, into: &found) }
        if !foldedTexts.isEmpty { foldedTexts.collect(text.caseFolded, into: &found) }
        if !affixes.isEmpty { collectAffixes(of: text, into: &found) }
    }

    private func collectAffixes(of text: String, into found: inout [Int]) {
        let isPlain = text.utf8.allSatisfy { $0.isPlainASCII }
        // A loop over places, since one over tables would copy each.
        for place in affixes.indices {
            let kind = affixes[place].kind
            if !isPlain {
                // Beyond ASCII, texts that differ in bytes can be equal: the conditions decide.
                found += affixes[place].table.all
            } else if kind.isSuffix {
                affixes[place].table.collect(text.utf8.reversed(), foldsCase: kind.foldsCase, into: &found)
            } else {
                affixes[place].table.collect(text.utf8, foldsCase: kind.foldsCase, into: &found)
            }
        }
    }
}
