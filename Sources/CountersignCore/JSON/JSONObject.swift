/// The members of a JSON object in the order in which they came.
///
/// Two objects are equal when they hold the same members in any order. Objects here are small (a callback has about
/// seven members), so a member is found by looking at each.
public struct JSONObject: Sendable {
    /// A key and its value.
    public struct Member: Sendable, Hashable {
        /// The name of the member.
        public let key: String

        /// What is under the key.
        public var value: JSON

        /// A member of a key and its value.
        public init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }
    }

    /// The members in order; no key stands twice.
    public private(set) var members: [Member]

    /// An object of these members; of two members with the same key the last one counts.
    public init(_ members: [Member] = []) {
        self.members = []
        self.members.reserveCapacity(members.count)
        for member in members { self[member.key] = member.value }
    }

    /// An object of members whose keys the caller knows to be distinct.
    init(distinct members: [Member]) {
        self.members = members
    }

    /// The value of the member `key`; setting nil removes the member.
    public subscript(key: String) -> JSON? {
        get {
            // A loop over places, since one over members would copy each.
            for index in members.indices where members[index].key == key { return members[index].value }
            return nil
        }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Whether there is no member.
    public var isEmpty: Bool { members.isEmpty }

    /// The keys in the order of the members.
    public var keys: [String] { members.map(\.key) }
}

extension JSONObject: Hashable {
    /// Whether both hold the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }

    /// Hashes the members so that their order does not count.
    public func hash(into hasher: inout Hasher) {
        // The order of the members does not count, so their hashes are combined by an operation that commutes.
        hasher.combine(members.reduce(into: 0) { $0 ^= $1.hashValue })
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// An object, written as keys and values; of two equal keys the last one counts.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(elements.map { Member(key: $0.0, value: $0.1) })
    }
}
