import CountersignCore
import Testing

@Suite struct RemindActionTests {
    private static let id = "wVdZEaPD2igwUnFGJBjDD0dpO7k="

    private static func package(status: String) -> JSON {
        [
            "id": .string(id), "status": .string(status),
            "roles": [
                ["id": "R1", "signers": [["id": "ada"]]], ["id": "R2", "signers": [["id": "bob"]]],
                ["id": "R3", "signers": [["id": "eve"]]], ["id": "R4"],
            ],
        ]
    }

    @Test func `without a role, those who have not signed are reminded`() async throws {
        let vendor = VendorFake(packages: [Self.id: Self.package(status: "SENT")], pending: ["ada", "eve"])
        let outputs = try await World(packages: vendor).run("onespan.remind", [:])
        #expect(
            vendor.deeds.filter { $0.hasPrefix("remind") } == ["remind R1 of \(Self.id)", "remind R3 of \(Self.id)"]
        )
        #expect(outputs["roles"] == ["R1", "R3"])
        #expect(outputs["count"] == 2)
    }

    @Test(arguments: ["DRAFT", "COMPLETED", "DECLINED", "EXPIRED", "ARCHIVED", "OPTED_OUT"])
    func `nobody is reminded of a package that is not in signing`(status: String) async throws {
        let vendor = VendorFake(packages: [Self.id: Self.package(status: status)], pending: ["ada", "bob", "eve"])
        let outputs = try await World(packages: vendor).run("onespan.remind", [:])
        #expect(!vendor.deeds.contains { $0.hasPrefix("remind") })
        #expect(outputs["count"] == 0)
    }

    @Test func `a package that OneSpan Sign does not know is a failure for good`() async throws {
        let failure = try await World(packages: VendorFake()).failure("onespan.remind", [:])
        #expect(failure?.isWorthRetrying == false)
        #expect(failure?.reason.contains("has no package") == true)
    }
}
