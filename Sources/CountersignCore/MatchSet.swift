/// Which rules of a rule set matched an event: a bit for each, in the order of the set.
///
/// Bit `index % 8` of byte `index / 8` belongs to the rule at `index`, the lowest bit first. Zero bytes at the end are left
/// out, so an event that no rule matched takes no room, whatever the size of the set.
package struct MatchSet: Sendable, Hashable {
    /// The bits as a store keeps them.
    package let bytes: [UInt8]

    /// The matches that a store kept.
    package init(bytes: [UInt8]) {
        let count = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
        self.bytes = count == bytes.count ? bytes : Array(bytes.prefix(count))
    }

    /// The result on each rule, in the order of the set.
    package init(_ matchSet: [Bool]) {
        self.init(matches: matchSet.indices.filter { matchSet[$0] })
    }

    /// The positions of the rules that matched, in any order, none of them negative.
    package init(matches positions: [Int]) {
        var bytes = [UInt8](repeating: 0, count: positions.max().map { $0 / 8 + 1 } ?? 0)
        for position in positions { bytes[position / 8] |= 1 << (position % 8) }
        self.bytes = bytes
    }

    /// The matches without the one on the rule at `index`.
    package func without(_ index: Int) -> MatchSet {
        guard self[index] else { return self }
        var bytes = bytes
        bytes[index / 8] &= ~(1 << (index % 8))
        return MatchSet(bytes: bytes)
    }

    /// Whether the rule at `index` matched; false beyond the end of the set.
    package subscript(index: Int) -> Bool {
        bytes.indices.contains(index / 8) && bytes[index / 8] & (1 << (index % 8)) != 0
    }
}
