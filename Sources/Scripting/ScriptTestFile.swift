import CRM
import LuaKit

/// One `NAME_test.lua`: its state is made once, its top level collects the tests, and the state goes back to its image
/// before each of them, so that no test sees what another did, not even in the file's own variables.
///
/// Not Sendable: one thread uses it.
public final class ScriptTestFile {
  /// A test's place in the file.
  public struct Case: Sendable {
    /// The titles of the blocks around it and its own, from the outside in.
    public var titles: [String]
    public var line: Int?

    public var name: String { titles.joined(separator: " › ") }
  }

  public let path: String
  /// In the order of the file.
  public var cases: [Case] { collector.cases.map { Case(titles: $0.block.titles + [$0.title], line: $0.line) } }

  private let state: LuaState
  private let context: ScriptContext
  private let collector = ScriptTestCollector()

  /// Far above what any sound test needs; an endless one ends all the same.
  private static let limits = LuaLimits(seconds: 20, memoryBytes: 256 << 20, hostCalls: nil)

  /// Loads a test file.
  /// - Throws: `ScriptFailure` when it does not load.
  public init(
    _ file: ScriptFile, sources: ScriptSources, schema: RecordSchema, declaration: WorkspaceDeclaration,
    services: [ServiceDeclaration]
  ) throws {
    path = file.path
    do {
      state = try LuaState(limits: Self.limits)
      context = ScriptContext(file: file.path, schema: schema, declaration: declaration, services: services)
      context.registrations = nil
      let (state, context, collector) = (state, context, collector)
      try context.install(in: state) {
        try context.defineTestFunctions(state, services, collector)
      }
      state.setLoader { name in try sources.module(name) }
      let prelude = try state.load(LuaSource(name: ScriptTestPrelude.name, text: ScriptTestPrelude.text))
      _ = try state.call(prelude)
      let main = try state.load(LuaSource(name: file.path, text: file.text))
      guard case .returned = try state.start(main) else { throw LuaHostError("a test file can't pause") }
      collector.isOpen = false
      try state.takeImage()
    } catch let error as LuaError {
      throw Self.failure(error)
    } catch {
      throw ScriptFailure(
        kind: .error, message: "\(file.path): \(error)", script: file.path, line: nil, sourceLine: nil, traceback: [],
        hostFailure: nil)
    }
  }

  /// Executes one test: the `before_each` of its blocks from the outside in, then its body.
  /// - Throws: `ScriptFailure` when it fails; any other error is the host's own.
  public func run(_ index: Int, host: any ScriptTestHost) throws {
    let test = collector.cases[index]
    context.host = host
    defer {
      context.host = nil
      context.pending = nil
      state.reset()
    }
    state.setRandomSeed(1, 1)
    for function in test.block.preparations + [test.body] {
      do {
        let outcome = try state.start(function)
        if let pending = context.pending { throw pending.error }
        if case .suspended = outcome {
          throw ScriptFailure(
            kind: .error, message: "\(path): a test can't yield outside of a coroutine", script: path, line: test.line,
            sourceLine: nil, traceback: [], hostFailure: nil)
        }
      } catch let error as LuaError {
        throw Self.failure(error)
      }
    }
  }

  /// The failure without the frames of `expect` itself.
  private static func failure(_ error: LuaError) -> ScriptFailure {
    var error = error
    error.traceback.removeAll { $0.script == ScriptTestPrelude.name }
    // `error` itself, called by them.
    if let first = error.traceback.first, first.script == nil { error.traceback.removeFirst() }
    return ScriptFailure(error, kind: nil, hostFailure: error.cause as? HostFailure)
  }
}

/// What the top level of a test file declares.
final class ScriptTestCollector {
  final class Block {
    let titles: [String]
    let parent: Block?
    var beforeEach: [LuaFunction] = []

    init(titles: [String], parent: Block?) {
      self.titles = titles
      self.parent = parent
    }

    /// From the outside in.
    var preparations: [LuaFunction] { (parent?.preparations ?? []) + beforeEach }
  }

  struct Test {
    var block: Block
    var title: String
    var line: Int?
    var body: LuaFunction
  }

  var cases: [Test] = []
  var block = Block(titles: [], parent: nil)
  /// While the top level runs.
  var isOpen = true
}

extension ScriptSources {
  /// The library that `require` asks for, from `scripts/`.
  func module(_ name: String) throws -> LuaSource {
    let path = "scripts/\(name).lua"
    guard let text = text(path) else {
      let known = files.map(\.path).filter { $0.hasPrefix("scripts/lib/") }
        .map { "\"" + $0.dropFirst("scripts/".count).dropLast(".lua".count) + "\"" }.joined(separator: ", ")
      throw LuaHostError("there is no \(path); the libraries are \(known.isEmpty ? "none yet" : known)")
    }
    return LuaSource(name: path, text: text)
  }
}
