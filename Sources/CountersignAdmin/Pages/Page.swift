/// A page with its frame, as the templates want it.
struct Page<Content> {
    /// A link of the navigation.
    struct Link {
        let href: String
        let label: String
        let isCurrent: Bool

        /// How many runs have failed; nil where none have.
        var badge: Int?
    }

    let title: String
    var navigation: [Link] = []
    var canSignOut = false

    /// The name of the token that the browser's user signed in with, with its role; nil where they did not sign in.
    var user: String?

    /// Whether its forms that change something are shown.
    var canOperate = true

    /// What came of the last order.
    var notice: String?

    /// What is paused, in a line each.
    var pauses: [String] = []
    let page: Content

    /// The instance that answers, where others share its store.
    var instance: String?

    let hasNavigation: Bool

    init(
        _ title: String,
        navigation: [Link],
        canSignOut: Bool,
        instance: String? = nil,
        notice: String? = nil,
        pauses: [String] = [],
        page: Content
    ) {
        self.title = title
        self.navigation = navigation
        self.canSignOut = canSignOut
        self.instance = instance
        self.notice = notice
        self.pauses = pauses
        self.page = page
        let identity = AdminIdentity.current
        user = identity.flatMap { $0.credential == .loopback ? nil : "\($0.name) (\($0.role.rawValue))" }
        canOperate = identity.map { $0.role >= .operate } ?? true
        hasNavigation = !navigation.isEmpty
    }
}
