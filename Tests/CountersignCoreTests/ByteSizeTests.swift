import CountersignCore
import Testing

/// Sizes as settings and events write them.
struct ByteSizeTests {
    @Test(arguments: [
        ("0B", 0), ("17B", 17), ("64KiB", 65_536), ("1MiB", 1_048_576), ("1.5 GiB", 1_610_612_736),
        ("10GB", 10_000_000_000),
        ("2kB", 2_000), ("2KB", 2_000), ("1TiB", 1_099_511_627_776),
    ])
    func `a size is a number and a unit`(text: String, bytes: Int64) {
        #expect(ByteSize(text)?.bytes == bytes)
    }

    @Test(arguments: [
        "", "1", "MiB", "1 mib", "-1MiB", "1..5GiB", ".5GiB", "1.GiB", "0.3B", "1e3kB", "９MiB", "9999999999TiB",
    ])
    func `what is no size is refused`(text: String) {
        #expect(ByteSize(text) == nil)
    }

    @Test(arguments: [
        (Int64(0), "0B", "0B"), (1_048_576, "1MiB", "1MiB"), (10_000_000_000, "10GB", "9.3GiB"),
        (1_500, "1500B", "1.5KiB"),
        (852_000_000, "852MB", "812.5MiB"),
    ])
    func `a size is written exactly where it is read again, and to a tenth where people read it`(
        bytes: Int64,
        exact: String,
        rounded: String
    ) {
        let size = ByteSize(bytes: bytes)
        #expect(size.description == exact && size.rounded == rounded)
        #expect(ByteSize(exact) == size)
    }
}
