/// Byte strings with numbers under them, arranged as a tree that a text is led along from its first byte.
///
/// The tree lies in flat arrays: walking it touches no reference counts.
struct AffixTable: Sendable {
    private struct Node: Sendable {
        /// The edges that leave the node, by ascending byte.
        var edges: Range<Int>

        /// The numbers under the bytes that lead here.
        var numbers: Range<Int>
    }

    private var nodes: [Node] = []
    private var edgeBytes: [UInt8] = []
    private var edgeTargets: [Int] = []
    private var numbers: [Int] = []

    /// All numbers, each once.
    let all: [Int]

    init(_ entries: [(bytes: [UInt8], number: Int)]) {
        all = Set(entries.map(\.number)).sorted()
        let sorted = entries.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        if !sorted.isEmpty { _ = build(sorted[...], depth: 0) }
    }

    var isEmpty: Bool { nodes.isEmpty }

    /// Adds the node for entries that share their first `depth` bytes.
    private mutating func build(_ entries: ArraySlice<(bytes: [UInt8], number: Int)>, depth: Int) -> Int {
        let index = nodes.count
        let ending = entries.prefix { $0.bytes.count == depth }
        nodes.append(Node(edges: 0..<0, numbers: numbers.count..<(numbers.count + ending.count)))
        numbers += ending.map(\.number)
        var rest = entries.dropFirst(ending.count)
        var groups: [ArraySlice<(bytes: [UInt8], number: Int)>] = []
        while let byte = rest.first?.bytes[depth] {
            let group = rest.prefix { $0.bytes[depth] == byte }
            groups.append(group)
            rest = rest.dropFirst(group.count)
        }
        let start = edgeBytes.count
        edgeBytes += groups.compactMap { $0.first?.bytes[depth] }
        edgeTargets += repeatElement(0, count: groups.count)
        nodes[index].edges = start..<edgeBytes.count
        for (offset, group) in groups.enumerated() {
            edgeTargets[start + offset] = build(group, depth: depth + 1)
        }
        return index
    }

    /// Adds to `found` the numbers of all entries that `text` begins with.
    func collect(_ text: some Sequence<UInt8>, foldsCase: Bool, into found: inout [Int]) {
        var node = nodes[0]
        found += numbers[node.numbers]
        for byte in text {
            guard let next = target(of: foldsCase ? byte.foldedASCII : byte, in: node.edges) else { return }
            node = nodes[next]
            if !node.numbers.isEmpty { found += numbers[node.numbers] }
        }
    }

    private func target(of byte: UInt8, in edges: Range<Int>) -> Int? {
        var (low, high) = (edges.lowerBound, edges.upperBound)
        while low < high {
            let middle = (low + high) / 2
            let other = edgeBytes[middle]
            if other == byte { return edgeTargets[middle] }
            if other < byte { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
