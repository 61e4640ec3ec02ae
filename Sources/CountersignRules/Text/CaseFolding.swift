extension String {
    /// The text with the differences of case taken away, one scalar for one scalar.
    ///
    /// This is Unicode's simple case folding (CaseFolding.txt, statuses C and S), got from the standard library's case
    /// mappings: `ß` stays apart from `ss`, and neither `İ` nor `ı` folds to `i`, as without Turkish rules.
    package var caseFolded: String {
        if utf8.allSatisfy({ $0 < 0x80 }) {
            if utf8.allSatisfy({ !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) { return self }
            return String(unsafeUninitializedCapacity: utf8.count) { buffer in
                buffer.initialize(fromContentsOf: utf8.lazy.map { $0.foldedASCII })
            }
        }
        return String(UnicodeScalarView(unicodeScalars.map(\.caseFolded)))
    }
}

extension UInt8 {
    var foldedASCII: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}

extension Unicode.Scalar {
    /// Up and down again, so that all that share a capital meet; a mapping to several scalars does not count.
    fileprivate var caseFolded: Unicode.Scalar {
        // U+0131, the dotless i, shares its capital with i but folds to itself.
        if value == 0x131 { return self }
        let upper = single(properties.uppercaseMapping) ?? self
        return upper.single(upper.properties.lowercaseMapping) ?? upper
    }

    private func single(_ mapping: String) -> Unicode.Scalar? {
        let scalars = mapping.unicodeScalars
        guard let first = scalars.first, scalars.count == 1 else { return nil }
        return first
    }
}
