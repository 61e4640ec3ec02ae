import Countersign
import CountersignTesting
import Testing

@testable import CustomAction

/// The contract that every action keeps, and what this one adds to it.
struct CSVActionTests {
    @Test(arguments: HostileText.all)
    func `it keeps the contract, whatever a signer types`(message: String) async throws {
        try await ActionContract.check(
            CSVAction.self,
            options: """
                path: FOLDER/completed.csv
                columns: { Package: "${event.packageId}", Reason: "${event.message}" }
                """,
            message: message
        )
    }

    @Test func `a value that a spreadsheet would take for a formula is text`() {
        #expect(CSVAction.row(["=1+1", "a\"b"]) == "\"'=1+1\",\"a\"\"b\"\r\n")
    }
}
