// swift-tools-version: 6.1
import PackageDescription

// Each room of the house is a target; a room may use only the rooms named in its dependencies.
let package = Package(
  name: "coulisse",
  products: [
    .executable(name: "coulisse", targets: ["coulisse"])
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    // The system's liblua 5.4, and our C around it: no error or yield of Lua unwinds a Swift frame.
    .systemLibrary(name: "CLua", pkgConfig: "lua5.4", providers: [.apt(["liblua5.4-dev"])]),
    .target(name: "CLuaShim", dependencies: ["CLua"]),
    .target(name: "LuaKit", dependencies: ["CLuaShim"]),
    .target(name: "CRM"),
    // GRDB opens, migrates and copies; statements go to SQLite itself.
    .target(
      name: "Store",
      dependencies: [
        "CRM", .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]),
    .target(
      name: "Services",
      dependencies: [
        "CRM", "Store", .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      // Started by the room, not compiled into it: the program finds them beside its scripts.
      exclude: ["Python"]),
    .target(
      name: "Scripting",
      dependencies: ["LuaKit", "CRM", .product(name: "Crypto", package: "swift-crypto")]),
    .target(
      name: "Engine",
      dependencies: [
        "Scripting", "Store", "Services", .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
      ]),
    .target(
      name: "Commands",
      dependencies: [
        "Engine", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
      ]),
    .executableTarget(name: "coulisse", dependencies: ["Commands"]),
    // What the benchmarks compare with: the same work in C.
    .target(name: "CBaseline", dependencies: ["CLua"], linkerSettings: [.linkedLibrary("sqlite3")]),
    .executableTarget(
      name: "coulisse-bench", dependencies: ["Engine", "Scripting", "Store", "CRM", "LuaKit", "CBaseline"],
      // Started by the benchmark, not compiled into it.
      exclude: ["Peers", "instructions.sh", "instructions.txt"]),
    // The engine on disks that break, for tests only; a failing seed is replayed by `coulisse-sim --seed N`.
    .target(name: "CFaultVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
    .target(name: "Simulation", dependencies: ["Engine", "CFaultVFS"]),
    .executableTarget(
      name: "coulisse-sim",
      dependencies: ["Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    .target(name: "TestSupport", dependencies: ["Engine"], path: "Tests/TestSupport"),
    .testTarget(name: "LuaKitTests", dependencies: ["LuaKit", "CLuaShim", "CLua"]),
    .testTarget(name: "CRMTests", dependencies: ["CRM"]),
    .testTarget(
      name: "StoreTests", dependencies: ["Store", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")]),
    .testTarget(name: "ServicesTests", dependencies: ["Services", "TestSupport"]),
    .testTarget(name: "ScriptingTests", dependencies: ["Scripting"]),
    // GRDB in tests, and in no room but Store: to damage a database from outside, as another program would.
    .testTarget(
      name: "EngineTests", dependencies: ["Engine", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")]),
    .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Store", "TestSupport"]),
    // They run the program itself, so it is built with them.
    .testTarget(
      name: "CommandsTests",
      dependencies: [
        "coulisse", "Commands", "Simulation", "TestSupport", .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Logging", package: "swift-log"),
      ],
      exclude: ["Releases"]),
  ]
)
