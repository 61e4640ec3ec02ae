extension JSON {
    /// The object with another value for a key; for anything else, an object with nothing but that.
    package func with(_ key: String, _ value: JSON) -> JSON {
        var object = object ?? JSONObject()
        object[key] = value
        return .object(object)
    }
}
