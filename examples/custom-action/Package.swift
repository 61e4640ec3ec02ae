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
        )
    ]
)
