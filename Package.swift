// swift-tools-version:6.2
import PackageDescription

// The floors of the house: a target lists only floors below it, so a wrong import does not compile.
// Sources/README.md tells what lives where.

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

func floor(
    _ name: String, _ dependencies: [Target.Dependency], pages: [String] = []
) -> Target {
    .target(name: name, dependencies: dependencies, exclude: pages, swiftSettings: strict)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], fixtures: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: fixtures, swiftSettings: strict)
}

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let sockets: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let sqlite: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

let package = Package(
    name: "cordwood",
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Floor 8: the program.
        .executableTarget(
            name: "cordwood",
            dependencies: [
                "Server", "Agent", "Query", "Storage", "Segment", "Wire", "Logback", "LogQL",
                "LogModel", "Bytes", "CMemory", log, lifecycle, nio,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        // Floor 7.
        floor(
            "Server",
            [
                "Query", "Storage", "Wire", "LogQL", "LogModel", "Bytes", log, lifecycle, yaml, nio,
                .product(name: "Hummingbird", package: "hummingbird"),
            ]),
        // Floor 5.
        floor("Query", ["Pipeline", "LogQL", "LogModel", "Regexp", "Bytes"]),
        floor(
            "Agent",
            [
                "Pipeline", "LogQL", "CFiles", "CMemory", "Logback", "Wire", "LogModel", "Regexp",
                "Bytes", log, lifecycle, yaml,
            ]),
        // Floor 4.
        floor("Pipeline", ["Template", "LogQL", "LogModel", "Regexp", "Bytes"]),
        floor("Storage", ["Segment", "LogModel", "Bytes", log, sqlite]),
        // Floor 3.
        floor("Template", ["LogQL", "LogModel", "Regexp", "Bytes"]),
        // Floor 2.
        floor("LogQL", ["LogModel", "Regexp"], pages: ["README.md"]),
        floor("Logback", ["LogModel", "Regexp", "Bytes", yaml]),
        floor("Segment", ["LogModel", "Bytes"]),
        floor(
            "Wire",
            [
                "LogModel", "Bytes", log, nio, sockets,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ]),
        // Floor 1.
        floor("LogModel", ["Regexp"]),
        // Floor 0.
        floor(
            "Bytes", ["CScan", "CZlib", "CZstd", "CDeflate", "CSnappy", "CZip", "CIconv", "CExpat"]),
        floor("Regexp", ["CRE2"]),
        // System libraries and shims.
        .target(name: "CScan"),
        .target(name: "CFiles"),
        .target(name: "CMemory"),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(
            name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CIconv"),
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),

        // `Tests/bench encode`, whose lines are those of a test as well.
        .executableTarget(
            name: "bench-columns", dependencies: ["Segment", "LogModel", "Bytes"],
            path: "Tests/BenchColumns", swiftSettings: strict),

        // `Tests/bench layouts`.
        .executableTarget(
            name: "bench-layouts", dependencies: ["Logback", "LogModel"],
            path: "Tests/BenchLayouts", swiftSettings: strict),

        tests("BytesTests", ["Bytes"]),
        tests("RegexpTests", ["Regexp"]),
        tests("LogModelTests", ["LogModel"]),
        tests("LogQLTests", ["LogQL", "LogModel"]),
        tests("TemplateTests", ["Template", "LogModel"]),
        tests("LogbackTests", ["Logback", "LogModel"], fixtures: ["Fixtures"]),
        tests(
            "SegmentTests", ["Segment", "LogModel", "Bytes", "bench-columns"],
            fixtures: ["Fixtures"]),
        tests("WireTests", ["Wire", "LogModel", "Bytes"]),
        tests("PipelineTests", ["Pipeline", "LogQL", "LogModel", "Regexp"]),
        tests("StorageTests", ["Storage", "Segment", "Query", "LogModel", "Bytes", sqlite]),
        tests("QueryTests", ["Query", "Storage", "Segment", "Pipeline", "LogQL", "LogModel", log]),
        tests("AgentTests", ["Agent", "Logback", "Wire", "LogModel", "Bytes", log]),
        tests("CommandTests", ["cordwood", "Query", "Segment", "LogModel", "Bytes"]),
        tests("ServerTests", ["Server", "Query", "Storage", "Wire", "LogModel", nio, sockets]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
