import Foundation
import HTTPTypes
import Testing

@testable import CountersignAdmin

/// What each role may ask for.
struct AdminRoleTests {
    @Test(
        arguments: [
            (.get, "/runs", .view), (.head, "/", .view), (.get, "/api/v1/events", .view), (.get, "/metrics", .view),
            (.post, "/rules/dry-run", .view), (.post, "/api/v1/dry-run", .view), (.post, "/api/v1/diff", .view),
            (.post, "/login", nil), (.post, "/logout", nil), (.post, "/runs/7/retry", .operate),
            (.post, "/runs/login", .operate), (.post, "/pauses", .operate), (.post, "/api/v1/replay", .operate),
            (.post, "/api/v1/poll", .operate), (.post, "/api/v1/events", .operate),
            (.put, "/api/v1/pauses/rule/x", .operate),
            (.delete, "/nothing", .operate), (.post, "/api/v1/rules", .administer),
            (.put, "/api/v1/rules", .administer),
        ] as [(HTTPRequest.Method, String, AdminRole?)]
    )
    func `what changes something needs a role that may`(method: HTTPRequest.Method, path: String, role: AdminRole?) {
        #expect(AdminRole.needed(for: method, path: path) == role)
    }

    @Test func `each role may do what the ones before it may`() {
        #expect(AdminRole.view < .operate && .operate < AdminRole.administer && !(AdminRole.view < .view))
    }
}
