// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "countersign",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "countersign", targets: ["CountersignProgram"]),
        .library(name: "Countersign", targets: ["Countersign"]),
        // For authors of actions: the contract that every action keeps.
        .library(name: "CountersignTesting", targets: ["CountersignTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // What C has and Swift lacks.
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CLinux"),

        // The rooms; an arrow points one way only.
        .target(
            name: "CountersignCore",
            dependencies: [.crypto]
        ),
        .target(
            name: "CountersignRules",
            dependencies: ["CountersignCore", "CYaml", "CRE2", .crypto, .heap]
        ),
        .target(
            name: "CountersignOutbound",
            dependencies: [
                "CountersignCore", .asyncHTTPClient, .crypto, .nioCore, .nioHTTP1, .nioHTTPCompression, .nioPosix,
                .nioSSL, .system,
            ]
        ),
        .target(
            name: "CountersignActions",
            dependencies: ["CountersignCore", "CountersignOutbound", "CLinux", .crypto, .log, .system]
        ),
        .target(
            name: "CountersignStore",
            dependencies: ["CountersignCore", "CLinux", .crypto, .log, .metrics]
        ),
        .target(
            name: "CountersignSQLite",
            dependencies: ["CountersignCore", "CountersignStore", .crypto, .grdb, .grdbSQLite, .metrics]
        ),
        .target(
            name: "CountersignPostgreSQL",
            dependencies: ["CountersignCore", "CountersignOutbound", "CountersignStore", "CLibpq", .crypto, .metrics]
        ),
        .target(
            name: "CountersignObservability",
            dependencies: [
                "CountersignCore", "CountersignOutbound", .asyncHTTPClient, .coreMetrics, .crypto, .lifecycle, .log,
                .metrics, .nioCore,
                .nioHTTP1,
                .tracing,
            ]
        ),
        .target(
            name: "CountersignEngine",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignOutbound", "CountersignActions", "CountersignStore",
                "CountersignObservability",
                .lifecycle, .log, .metrics,
            ]
        ),
        .target(
            name: "CountersignListener",
            dependencies: [
                "CountersignCore", "CountersignOutbound", "CountersignStore", "CountersignObservability", .asn1,
                .crypto,
                .jwt, .lifecycle, .log, .metrics, .nioCore, .nioHTTP1, .nioPosix, .nioSSL, .x509,
            ]
        ),
        .target(
            name: "CountersignOperations",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignActions", "CountersignStore", "CountersignEngine",
                "CountersignOneSpan",
                .log,
            ]
        ),
        .target(
            name: "CountersignAdmin",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignOutbound", "CountersignStore", "CountersignEngine",
                "CountersignOperations",
                "CountersignObservability",
                .crypto, .httpTypes, .hummingbird, .hummingbirdCore, .lifecycle, .log, .mustache,
                .nioCore, .nioHTTP1,
            ],
            resources: [.embedInCode("Assets"), .embedInCode("Pages/Templates")]
        ),
        .target(
            name: "CountersignOneSpan",
            dependencies: [
                "CountersignCore", "CountersignOutbound", "CountersignStore", .crypto, .lifecycle, .log, .metrics,
            ]
        ),
        .target(
            name: "CountersignOneSpanSimulator",
            dependencies: [
                "CountersignCore", "CountersignOutbound", .crypto, .httpTypes, .hummingbird, .lifecycle, .log, .nioCore,
            ]
        ),
        .target(
            name: "CountersignServer",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignActions", "CountersignOutbound", "CountersignStore",
                "CountersignSQLite", "CountersignPostgreSQL", "CountersignEngine", "CountersignListener",
                "CountersignOperations", "CountersignAdmin", "CountersignOneSpan", "CountersignObservability",
                "CountersignTerminal", "CLinux",
                .asyncHTTPClient, .configuration, .coreMetrics, .lifecycle, .log, .metrics, .nioSSL, .unixSignals,
            ]
        ),
        // What commands print with: tables, colors, a second screen, progress.
        .target(name: "CountersignTerminal", dependencies: ["CountersignCore", "CLinux", .unixSignals]),
        .target(
            name: "CountersignCLI",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignActions", "CountersignOutbound", "CountersignStore",
                "CountersignEngine", "CountersignListener", "CountersignOperations", "CountersignOneSpan",
                "CountersignOneSpanSimulator", "CountersignObservability", "CountersignServer", "CountersignTerminal",
                "CLinux", .argumentParser, .asyncHTTPClient, .coreMetrics, .lifecycle, .log, .metrics, .nioCore,
                .nioHTTP1, .nioPosix, .nioSSL, .unixSignals,
            ]
        ),
        .target(
            name: "CountersignTesting",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignOutbound", "CountersignActions", "CountersignStore",
                .crypto, .cryptoExtras, .log, .nioCore, .nioHTTP1, .nioPosix, .nioSSL,
            ]
        ),

        // What is built from them: the face for embedders, and the program.
        .target(
            name: "Countersign",
            dependencies: ["CountersignCore", "CountersignActions", "CountersignCLI"]
        ),
        .executableTarget(name: "CountersignProgram", dependencies: ["Countersign"]),

        // The example of an action of one's own; examples/custom-action is a package of its own over the same sources.
        // So it is built here as there: without what is `package`, and with the compiler's usual settings.
        .executableTarget(
            name: "CustomAction",
            dependencies: ["Countersign"],
            path: "examples/custom-action/Sources/CustomAction",
            packageAccess: false
        ),

        // Measures how fast rules evaluate events; Tests/Benchmarks/rules builds and runs it.
        .executableTarget(
            name: "RulesBenchmark",
            dependencies: ["CountersignCore", "CountersignRules"],
            path: "Tests/Benchmarks/Rules"
        ),

        // Measures what the PostgreSQL driver does in a second; Tests/Benchmarks/database builds and runs it.
        .executableTarget(
            name: "StoreBenchmark",
            dependencies: ["CountersignCore", "CountersignStore", "CountersignPostgreSQL"],
            path: "Tests/Benchmarks/Store"
        ),

        // Measures what rules with time and state cost a store; Tests/Benchmarks/state builds and runs it.
        .executableTarget(
            name: "StateBenchmark",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignActions", "CountersignStore", "CountersignSQLite",
                "CountersignPostgreSQL",
            ],
            path: "Tests/Benchmarks/State"
        ),

        // A real server for the tests of the driver, and of the program on it.
        .target(name: "PostgreSQLServer", path: "Tests/PostgreSQLServer"),

        // Each room proves itself; ProgramTests drive the built program as a user does.
        .testTarget(name: "CountersignCoreTests", dependencies: ["CountersignCore", "CountersignTesting"]),
        .testTarget(
            name: "CountersignRulesTests",
            dependencies: ["CountersignCore", "CountersignRules", "CountersignActions", "CountersignTesting"],
            exclude: ["wrong"]
        ),
        .testTarget(
            name: "CountersignOutboundTests",
            dependencies: [
                "CountersignCore", "CountersignOutbound", "CountersignActions", "CountersignTesting", .nioCore,
                .nioPosix, .nioSSL,
            ]
        ),
        .testTarget(
            name: "CountersignActionsTests",
            dependencies: [
                "CountersignCore", "CountersignOutbound", "CountersignActions", "CountersignTesting", .crypto, .log,
                .nioCore, .nioHTTP1, .nioPosix, .nioSSL,
            ]
        ),
        .testTarget(
            name: "CountersignStoreTests",
            dependencies: ["CountersignCore", "CountersignStore", "CountersignTesting", .log]
        ),
        .testTarget(
            name: "CountersignSQLiteTests",
            dependencies: ["CountersignCore", "CountersignStore", "CountersignSQLite", "CountersignTesting", .grdb]
        ),
        .testTarget(
            name: "CountersignPostgreSQLTests",
            dependencies: [
                "CountersignCore", "CountersignOutbound", "CountersignActions", "CountersignStore",
                "CountersignPostgreSQL",
                "CountersignSQLite", "CountersignTesting", "PostgreSQLServer", .grdb, .log,
            ]
        ),
        .testTarget(
            name: "CountersignObservabilityTests",
            dependencies: [
                "CountersignCore", "CountersignObservability", "CountersignTesting", .asyncHTTPClient, .coreMetrics,
                .lifecycle, .log,
            ]
        ),
        .testTarget(
            name: "CountersignEngineTests",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignOutbound", "CountersignActions", "CountersignStore",
                "CountersignSQLite", "CountersignOneSpan",
                "CountersignEngine",
                "CountersignTesting", .lifecycle, .log,
            ]
        ),
        .testTarget(
            name: "CountersignListenerTests",
            dependencies: [
                "CountersignCore", "CountersignOutbound", "CountersignStore", "CountersignListener",
                "CountersignOneSpan",
                "CountersignTesting", .coreMetrics, .crypto, .lifecycle, .log, .nioCore, .nioPosix,
            ]
        ),
        .testTarget(
            name: "CountersignOperationsTests",
            dependencies: [
                "CountersignCore", "CountersignRules", "CountersignActions", "CountersignStore", "CountersignEngine",
                "CountersignOperations",
                "CountersignTesting",
            ]
        ),
        .testTarget(
            name: "CountersignAdminTests",
            dependencies: [
                "CountersignCore", "CountersignAdmin", "CountersignRules", "CountersignStore", "CountersignEngine",
                "CountersignActions", "CountersignTesting", .log, .nioCore,
            ]
        ),
        .testTarget(
            name: "CountersignOneSpanTests",
            dependencies: [
                "CountersignCore", "CountersignOutbound", "CountersignOneSpan", "CountersignStore",
                "CountersignTesting", .log,
            ]
        ),
        .testTarget(name: "CountersignTerminalTests", dependencies: ["CountersignCore", "CountersignTerminal"]),
        .testTarget(
            name: "CountersignServerTests",
            dependencies: [
                "CountersignCore", "CountersignActions", "CountersignServer", "CountersignTerminal",
                "CountersignTesting",
            ]
        ),
        .testTarget(
            name: "CountersignCLITests",
            dependencies: [
                "CountersignCore", "CountersignOutbound", "CountersignActions", "CountersignOperations",
                "CountersignCLI", "CountersignEngine",
                "CountersignOneSpan",
                "CountersignRules", "CountersignStore", "CountersignTesting",
            ],
            exclude: ["ruletests"]
        ),
        .testTarget(
            name: "CustomActionTests",
            dependencies: ["Countersign", "CountersignTesting", "CustomAction"],
            path: "examples/custom-action/Tests/CustomActionTests",
            packageAccess: false
        ),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "CountersignCore", "CountersignProgram", "CountersignTesting", "CustomAction", "PostgreSQLServer",
                .asyncHTTPClient,
                .crypto,
                .nioCore, .nioHTTP1, .nioPosix, .nioSSL, .subprocess, .system,
            ]
        ),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

extension Target.Dependency {
    static let asn1 = product(name: "SwiftASN1", package: "swift-asn1")
    static let jwt = product(name: "JWTKit", package: "jwt-kit")
    static let x509 = product(name: "X509", package: "swift-certificates")
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let configuration = product(name: "Configuration", package: "swift-configuration")
    static let coreMetrics = product(name: "CoreMetrics", package: "swift-metrics")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = product(name: "CryptoExtras", package: "swift-crypto")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let grdbSQLite = product(name: "GRDBSQLite", package: "GRDB.swift")
    static let heap = product(name: "HeapModule", package: "swift-collections")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let lifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let log = product(name: "Logging", package: "swift-log")
    static let metrics = product(name: "Metrics", package: "swift-metrics")
    static let mustache = product(name: "Mustache", package: "swift-mustache")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioHTTPCompression = product(name: "NIOHTTPCompression", package: "swift-nio-extras")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let tracing = product(name: "Tracing", package: "swift-distributed-tracing")
    static let system = product(name: "SystemPackage", package: "swift-system")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
}

let settings: [SwiftSetting] = [
    // `any` marks a value that is boxed behind a protocol (SE-0335).
    .enableUpcomingFeature("ExistentialAny"),
    // An import is private to its file unless it says otherwise (SE-0409).
    .enableUpcomingFeature("InternalImportsByDefault"),
    // A member is visible only where its module is imported (SE-0444).
    .enableUpcomingFeature("MemberImportVisibility"),
    // An async function stays on its caller's actor unless marked @concurrent (SE-0461).
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // A conformance follows the isolation of its type (SE-0470).
    .enableUpcomingFeature("InferIsolatedConformances"),
    // A weak capture can be constant (SE-0481).
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    // The build stays free of warnings; a deprecation upstream does not stop it (SE-0443, SE-0480).
    .treatAllWarnings(as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
]

// Mutants prove that the tests of durability can fail, fail points have the program killed at each place that matters; a
// release has neither.
let mutable = ["CountersignCore", "CountersignStore", "CountersignSQLite", "CountersignPostgreSQL"]
for target in package.targets where mutable.contains(target.name) {
    target.swiftSettings = [.define("MUTANTS", .when(configuration: .debug))]
}

let isOurs = { (target: Target) in target.type != .system && !["CRE2", "CLinux"].contains(target.name) }
for target in package.targets where isOurs(target) && !target.name.hasPrefix("CustomAction") {
    target.swiftSettings = (target.swiftSettings ?? []) + settings
}
