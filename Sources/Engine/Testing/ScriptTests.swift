import CRM
import Foundation
import Scripting
import Services
import Store
import Synchronization

/// How script tests are executed.
public struct ScriptTestOptions: Sendable {
  /// `--replay`: a script that is suspended is dropped and replayed from its journal.
  public var replay = false
  /// `--unfused`: every effect is a step of its own.
  public var unfused = false
  /// Only tests whose file or name has this text in it; accents and case do not count.
  public var filter: String?

  public init(replay: Bool = false, unfused: Bool = false, filter: String? = nil) {
    self.replay = replay
    self.unfused = unfused
    self.filter = filter
  }

  func takes(_ test: ScriptTestFile.Case, in file: String) -> Bool {
    guard let filter else { return true }
    return Label.folded("\(file) \(test.name)").contains(Label.folded(filter))
  }
}

/// The script tests of a workspace: each in an empty workspace of its own in memory, with this workspace's
/// configuration and scripts.
public enum ScriptTests {
  /// Executes the tests of these files, in their order.
  /// - Throws: `EngineFault.workspace` when the workspace itself can't be read. What is wrong with a test is in the
  ///   report.
  public static func run(
    folder: WorkspaceFolder, files: [ScriptFile], options: ScriptTestOptions = ScriptTestOptions(),
    printing: PrintShop.Location = PrintShop.Location(root: "/")
  ) throws -> ScriptTestReport {
    let sources = try folder.sources()
    return try onLargeStack { try run(sources: sources, files: files, options: options, printing: printing) }
  }

  private static func run(
    sources: ScriptSources, files: [ScriptFile], options: ScriptTestOptions, printing: PrintShop.Location
  ) throws -> ScriptTestReport {
    let faulty = try FaultyServices(printing)
    defer { faulty.close() }
    let version = try WorkspaceVersion(sources: sources, services: faulty.registry)
    var suites: [ScriptTestReport.Suite] = []
    for file in files {
      var suite = ScriptTestReport.Suite(file: file.path, cases: [])
      do {
        let tests = try ScriptTestFile(
          file, sources: sources, schema: version.schema, declaration: version.declaration,
          services: version.services.declarations)
        for (place, test) in tests.cases.enumerated() where options.takes(test, in: file.path) {
          faulty.calm()
          suite.cases.append(execute(test, place, of: tests, version, faulty, options))
        }
        // A file without a test is one in which somebody forgot something, unless the filter left it out.
        if tests.cases.isEmpty { suite.failure = .init(EngineFault(.workspace, "\(file.path) has no it(…)"), in: file.path) }
      } catch {
        suite.failure = .init(error, in: file.path)
      }
      if !suite.cases.isEmpty || suite.failure != nil { suites.append(suite) }
    }
    return ScriptTestReport(suites: suites)
  }

  private static func execute(
    _ test: ScriptTestFile.Case, _ place: Int, of file: ScriptTestFile, _ version: WorkspaceVersion,
    _ faulty: FaultyServices, _ options: ScriptTestOptions
  ) -> ScriptTestReport.Case {
    let started = ContinuousClock.now
    var result = ScriptTestReport.Case(name: test.name, line: test.line, failure: nil, printed: [], milliseconds: 0)
    do {
      let workspace = try ScriptTestWorkspace(version: version, services: faulty, options: options)
      defer { faulty.emptyDrive() }
      defer { result.printed = workspace.printed }
      try file.run(place, host: workspace)
    } catch {
      result.failure = .init(error, in: file.path)
    }
    result.milliseconds = (ContinuousClock.now - started) / .milliseconds(1)
    return result
  }

  /// A test calls a script through Swift, which may call a guard: three Lua states deep, more stack than a pool's
  /// thread has.
  private static func onLargeStack(
    _ body: @escaping @Sendable () throws -> ScriptTestReport
  ) throws -> ScriptTestReport {
    let outcome = Outcome()
    let thread = Thread {
      let result = Result { try body() }
      outcome.result.withLock { $0 = result }
      outcome.isThere.signal()
    }
    thread.stackSize = 32 << 20
    thread.name = "script tests"
    thread.start()
    outcome.isThere.wait()
    guard let result = outcome.result.withLock({ $0 }) else {
      throw EngineFault(.workspace, "the tests ended without a report")
    }
    return try result.get()
  }

  private final class Outcome: Sendable {
    let result = Mutex<Result<ScriptTestReport, any Error>?>(nil)
    let isThere = DispatchSemaphore(value: 0)
  }
}

/// The local services of the tests, each wrapped so that a test can let it fail. They are made once for a version, as
/// the scripts are: what they keep is in the database of each test.
final class FaultyServices: Sendable {
  private let services = Mutex<[String: FaultyService]>([:])
  /// What the services keep files with; each test has a database and a drive of its own.
  let resources: LocalResources
  /// Holds the drive of the test in hand.
  private let folder: URL

  init(_ printing: PrintShop.Location) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("coulisse-test-\(UUID().uuidString)")
    resources = LocalResources(
      store: try Store(), drive: DriveDisk(root: folder.appendingPathComponent("drive")),
      outbox: DriveDisk(root: folder.appendingPathComponent("outbox")), printShop: PrintShop(printing))
  }

  /// A test begins with an empty database and an empty drive.
  func begin(_ store: Store) { resources.move(to: store, drive: resources.drive, outbox: resources.outbox) }

  func emptyDrive() { try? FileManager.default.removeItem(at: folder) }

  func close() {
    emptyDrive()
    resources.printShop.stop()
  }

  func registry(_ declaration: WorkspaceDeclaration) -> ServiceRegistry {
    services.withLock { services in
      let wrapped = ServiceRegistry.local(declaration, resources).services.map { service in
        let faulty = services[service.declaration.name] ?? FaultyService(service)
        services[service.declaration.name] = faulty
        return faulty
      }
      return ServiceRegistry(services: wrapped)
    }
  }

  subscript(name: String) -> FaultyService? { services.withLock { $0[name] } }

  /// Forgets what an earlier test asked for.
  func calm() {
    services.withLock { services in
      for service in services.values { service.fail(with: .timeout, times: 0) }
    }
  }
}
