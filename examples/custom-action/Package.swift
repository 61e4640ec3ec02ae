// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "custom-action",
    dependencies: [
        .package(name: "countersign", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "CustomAction",
            dependencies: [.product(name: "Countersign", package: "countersign")]
        ),
        // swift test runs the contract that every action keeps.
        .testTarget(
            name: "CustomActionTests",
            dependencies: ["CustomAction", .product(name: "CountersignTesting", package: "countersign")]
        ),
    ]
)
