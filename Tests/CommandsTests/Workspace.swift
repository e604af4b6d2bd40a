import CRM
import Foundation
import TestSupport
import Testing

/// A workspace in a temporary folder, worked on by the real program.
final class Workspace: Sendable {
  enum Kind {
    /// What `init DIR` makes.
    case starter
    /// What `init DIR --example altitude` makes.
    case altitude
  }

  private static let starter = Result { try made([]) }
  private static let altitude = Result { try made(["--example", "altitude"]) }

  /// Made once; each test has a copy.
  private static func made(_ more: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(["init", "shop"] + more, in: folder.url)
    try #require(outcome.status == 0, "\(outcome)")
    return folder
  }

  private let folder: TemporaryFolder
  var root: URL { folder.url.appendingPathComponent("shop") }

  /// - Parameters:
  ///   - scripts: the whole of `scripts/`, by name without `.lua`, instead of what is there.
  ///   - limits: what `workspace.lua` says of limits.
  init(_ kind: Kind = .starter, scripts: [String: String]? = nil, limits: String? = nil) throws {
    folder = try TemporaryFolder()
    let source = try (kind == .starter ? Self.starter : Self.altitude).get()
    try FileManager.default.copyItem(at: source.url.appendingPathComponent("shop"), to: root)
    if let scripts {
      try remove("scripts")
      for (name, text) in scripts { try write("scripts/\(name).lua", text) }
    }
    if let limits {
      try edit("workspace.lua") { $0.replacingOccurrences(of: "currency =", with: "limits = \(limits), currency =") }
    }
  }

  /// As another one is at this moment, in which no process works.
  init(copying other: Workspace) throws {
    folder = try TemporaryFolder()
    try FileManager.default.copyItem(at: other.root, to: root)
  }

  /// One open deal `d1` in the first stage, and nothing else.
  static func withDeal(scripts: [String: String]? = nil, limits: String? = nil) throws -> Workspace {
    let workspace = try Workspace(.starter, scripts: scripts, limits: limits)
    try workspace.did("deals", "create", "--title", "EDLC pour ACME", "--key", "d1")
    return workspace
  }

  // MARK: Files

  func path(_ name: String) -> String { root.appendingPathComponent(name).path }
  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
  func write(_ name: String, _ text: String) throws { try folder.write("shop/\(name)", text) }
  func write(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: root.appendingPathComponent(name)) }
  func read(_ name: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)
  }
  func remove(_ name: String) throws { try FileManager.default.removeItem(at: root.appendingPathComponent(name)) }

  func edit(_ name: String, _ change: (String) -> String) throws {
    let before = try read(name)
    let after = change(before)
    try #require(before != after, "the edit of \(name) changes nothing")
    try write(name, after)
  }

  // MARK: Commands

  @discardableResult
  func run(_ arguments: String..., input: String? = nil) throws -> Outcome { try run(arguments, input: input) }

  @discardableResult
  func run(_ arguments: [String], input: String? = nil, environment: [String: String] = [:]) throws -> Outcome {
    try Program.run(arguments, in: root, input: Array((input ?? "").utf8), environment: environment)
  }

  /// A command that has to go well.
  @discardableResult
  func did(_ arguments: String..., input: String? = nil) throws -> Outcome {
    let outcome = try run(arguments, input: input)
    try #require(outcome.status == 0, "\(arguments): \(outcome)")
    return outcome
  }

  /// The JSON of a command that has to go well and says nothing beside it.
  func json(_ arguments: String..., input: String? = nil) throws -> JSON {
    let outcome = try run(arguments + ["--json"], input: input)
    try #require(outcome.status == 0 && outcome.errors.isEmpty, "\(arguments): \(outcome)")
    return outcome.json
  }

  /// A shell's line in the workspace, with the program as `$coulisse`.
  func shell(_ text: String, environment: [String: String] = [:]) throws -> Outcome {
    let variables = environment.merging(["coulisse": Program.path]) { $1 }
    return try Running("/bin/sh", ["-c", text], in: root, environment: variables).wait()
  }

  func start(_ arguments: String...) throws -> Running { try Running(Program.path, arguments, in: root) }

  func importing(_ document: String) throws -> Outcome { try run("import", "-", input: document) }

  func deal(_ name: String) throws -> JSON { try json("deals", "show", name) }

  func export() throws -> String { try did("export").out }
}

extension JSON {
  /// The names of an object's members, in their order.
  var keys: [String] { objectValue?.map(\.name) ?? [] }
  var texts: [String] { arrayValue?.compactMap(\.stringValue) ?? [] }
  subscript(place: Int) -> JSON { arrayValue.flatMap { place < $0.count ? $0[place] : nil } ?? .null }
  func text(_ name: String) -> String? { self[name]?.stringValue }
  func all(_ name: String) -> [String?] { (arrayValue ?? []).map { $0.text(name) } }
}
