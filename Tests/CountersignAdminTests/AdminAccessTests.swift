import Foundation
import Testing

@testable import CountersignAdmin

/// Who is let in to the admin pages.
struct AdminAccessTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let admin = AdminToken(name: "admin", role: .administer, value: "a-token-of-some-length")
    private let reader = AdminToken(name: "reader", role: .view, value: "another-token-of-some-length")
    private var access: AdminAccess { AdminAccess(tokens: [admin, reader]) }

    @Test(arguments: [
        ("Bearer a-token-of-some-length", true), ("bearer a-token-of-some-length", true),
        ("Bearer a-token-of-some-lengt", false), ("Bearer ", false), ("Basic a-token-of-some-length", false),
        ("a-token-of-some-length", false), ("", false),
    ])
    func `the header lets in who knows the token`(header: String, isIn: Bool) {
        #expect(access.identity(authorization: header)?.name == (isIn ? "admin" : nil))
    }

    @Test func `each token lets in under its name and with its role`() {
        let identity = access.identity(authorization: "Bearer another-token-of-some-length")
        #expect(identity == AdminIdentity(name: "reader", role: .view, credential: .token))
        let access = access
        let cookie = access.cookie(for: reader, at: now)
        #expect(
            access.identity(cookie: cookie, at: now)
                == AdminIdentity(name: "reader", role: .view, credential: .session)
        )
    }

    @Test func `a cookie lets in until it ends, and only one that was given out`() {
        let access = access
        let cookie = access.cookie(for: admin, at: now)
        #expect(access.identity(cookie: cookie, at: now.addingTimeInterval(AdminAccess.session - 1)) != nil)
        #expect(access.identity(cookie: cookie, at: now.addingTimeInterval(AdminAccess.session + 1)) == nil)
        for forged in [
            "9999999999.", ".", "", cookie + "0", AdminAccess(tokens: [admin]).cookie(for: admin, at: now),
        ] {
            #expect(access.identity(cookie: forged, at: now) == nil, "\(forged)")
        }
        #expect(access.identity(cookie: nil, at: now) == nil)
    }

    @Test func `without a token no cookie and no header means anything`() {
        let open = AdminAccess(tokens: [])
        #expect(open.identity(authorization: "Bearer ") == nil)
        #expect(open.identity(cookie: open.cookie(for: admin, at: now), at: now) == nil)
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:8081", true), ("127.0.0.1:8081", true), ("127.9.9.9", true),
        ("[::1]:8081", true),
        ("[::1]", true), ("evil.example", false), ("evil.example:8081", false), ("127.0.0.1.evil.example", false),
        ("localhost.evil.example", false), ("[::2]", false), ("10.0.0.1:8081", false), ("", false),
    ])
    func `a host means this machine only where it cannot mean another`(host: String, isLocal: Bool) {
        #expect(AdminAccess.isLocal(host: host) == isLocal)
    }

    @Test(
        arguments: [
            (nil, nil, true), ("http://127.0.0.1:8081", nil, true), ("http://127.0.0.1:8081", "same-origin", true),
            (nil, "none", true), ("http://evil.example", nil, false), ("null", nil, false), (nil, "cross-site", false),
            ("http://127.0.0.1:8081", "same-site", false), ("http://127.0.0.1", nil, false),
        ] as [(String?, String?, Bool)]
    )
    func `a change comes from a page of ours, or from no page`(origin: String?, site: String?, fits: Bool) {
        #expect(AdminAccess.isSameOrigin(origin: origin, fetchSite: site, host: "127.0.0.1:8081") == fits)
    }

    @Test func `who signs out is out, and nobody else`() {
        let access = access
        let (cookie, other) = (access.cookie(for: admin, at: now), access.cookie(for: admin, at: now))
        access.signOut(cookie: cookie)
        #expect(access.identity(cookie: cookie, at: now) == nil && access.identity(cookie: other, at: now) != nil)
    }

    @Test(arguments: [
        "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil", "/\r\n/evil", "https://evil.example",
        "evil", "",
        "\t//evil.example", " /runs", "/a b", "/\u{7F}/x", "\\\\evil", "/.\t./evil", "javascript:alert(1)",
    ])
    func `after signing in a browser stays on this server`(target: String) {
        #expect(AdminAccess.ownPath(target) == "/")
    }

    @Test(arguments: ["/", "/runs?state=failed&q=a%20b", "/packages/J5t%3D", "/events/7#body"])
    func `after signing in a browser goes where it wanted to`(target: String) {
        #expect(AdminAccess.ownPath(target) == target)
    }

    @Test(arguments: [
        ("localhost:8081", true), ("[::1]:8081", true), ("a b@c", false), ("evil.example/x", false), ("", false),
        ("a:b:c", false), ("host:", false), ("x,y", false),
    ])
    func `a host is a name or an address with a port`(text: String, isHost: Bool) {
        #expect(AdminAccess.isHost(text) == isHost)
    }
}
