// swift-tools-version: 6.2
import PackageDescription

// A package of its own over the same sources (Sources holds links to them): here every target is built so that libFuzzer
// sees which branches an input takes. Tests/Fuzz/run builds and runs it.
let package = Package(
    name: "countersign-fuzz",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .systemLibrary(name: "CFuzzer"),
        .target(name: "CountersignCore", dependencies: [.crypto]),
        .target(name: "CountersignRules", dependencies: ["CountersignCore", "CYaml", "CRE2", .crypto, .heap]),
        // What reads; what asks the vendor needs targets that are not built here.
        .target(
            name: "CountersignOneSpan",
            dependencies: ["CountersignCore", .crypto],
            exclude: ["API", "Polling", "Registration", "Silence"]
        ),
        .executableTarget(
            name: "Fuzz",
            dependencies: ["CountersignCore", "CountersignRules", "CountersignOneSpan", "CFuzzer"]
        ),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

extension Target.Dependency {
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let heap = product(name: "HeapModule", package: "swift-collections")
}

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .unsafeFlags(["-sanitize=fuzzer"]),
]

for target in package.targets where target.type != .system && target.name != "CRE2" {
    target.swiftSettings = settings
}
