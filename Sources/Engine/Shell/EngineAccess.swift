import CRM
import Foundation
import Logging
import Scripting
import Services
import Store

/// How a command line reaches the engine of a workspace: it becomes the engine if nobody is, else it asks the one that
/// listens, else it waits for the lock.
public struct EngineAccess: Sendable {
  public let folder: WorkspaceFolder
  private let printShop: PrintShop

  /// - Parameter printShop: what makes PDFs; by default nothing does.
  public init(_ folder: WorkspaceFolder, printShop: PrintShop = PrintShop(PrintShop.Location(root: "/"))) {
    self.folder = folder
    self.printShop = printShop
  }

  /// Asks once, whoever executes it: a request id in it makes sure that it is not done twice if a holder dies between
  /// commit and answer.
  /// - Parameter configuration: of the engine, if this becomes it.
  /// - Throws: `EngineFault`, `StoreError`.
  public func perform(
    _ request: EngineRequest, configuration: EngineThread.Configuration = .init()
  ) throws -> EngineAnswer {
    if let lock = try EngineLock.take(folder, wait: false) {
      return try execute(request, configuration, holding: lock)
    }
    if let answer = try EngineSocket.ask(folder, request) { return answer }
    // The holder does not listen: it is another command line, which hands over soon, or an engine that has only begun
    // and listens soon, or it has just died. Whichever it is, one of these two comes.
    let waiting = LockWait(folder)
    while true {
      if let lock = try waiting.lock(before: Date(timeIntervalSinceNow: 0.05)) {
        return try execute(request, configuration, holding: lock)
      }
      if let answer = try EngineSocket.ask(folder, request) {
        waiting.giveUp()
        return answer
      }
    }
  }

  /// Executes the lanes of what was asked until their runs end or park, then hands the lock over.
  private func execute(
    _ request: EngineRequest, _ configuration: EngineThread.Configuration, holding lock: EngineLock
  ) throws -> EngineAnswer {
    try withExtendedLifetime(lock) {
      var configuration = configuration
      configuration.executesEverything = false
      // Where no engine stays, this is the one that a timer starts.
      if case .drain = request { configuration.prunes = true }
      let engine = try makeEngine(configuration)
      engine.start()
      defer { engine.stop() }
      return try engine.perform(request)
    }
  }

  /// The engine of this workspace, not started. Call it with the lock held.
  func makeEngine(_ configuration: EngineThread.Configuration, stays: Bool = false) throws -> EngineThread {
    let sources = try folder.sources()
    let store = try Store(path: folder.database, currency: folder.declaration().currency)
    let watch = try RunInHand(path: folder.watchFile)
    let resources = folder.resources(store, printShop)
    return EngineThread(
      store: store, sources: sources, configuration: configuration, watch: watch, folder: stays ? folder : nil
    ) { ServiceRegistry.local($0, resources) }
  }

  /// `coulisse work`: holds the lock for as long as it lives, listens, and executes what is queued or due.
  /// - Throws: `EngineFault.refused` when another engine that stays holds the workspace; a command line that holds it is
  ///   waited for.
  public func work(configuration: EngineThread.Configuration = .init()) throws {
    let lock = try lockForGood()
    try withExtendedLifetime(lock) {
      var configuration = configuration
      configuration.outlastsFaults = true
      configuration.prunes = true
      let engine = try makeEngine(configuration, stays: true)
      engine.start()
      removeLeftovers(log: configuration.log)
      warmPrintShop(log: configuration.log)
      defer { printShop.stop() }
      try EngineSocket.serve(folder, engine)
      defer { EngineSocket.close(folder) }
      while try !engine.waitUntilEnded(before: Date(timeIntervalSinceNow: 1)) {
        if let heartbeat = configuration.heartbeat {
          if let factory = configuration.metrics { try? engine.noteOpenRuns(EngineMetrics(factory: factory)) }
          heartbeat()
        }
        guard lock.holds(folder) else {
          engine.stop()
          throw EngineFault(
            .workspace, "\(folder.state.path) was removed while the engine worked; another one could begin beside it. Start again.")
        }
        // Somebody removed the socket: it is made again. Out of descriptors, it is left as it is.
        if (try? EngineSocket.isServed(folder)) == false { try? EngineSocket.serve(folder, engine) }
      }
    }
  }

  /// What processes that were killed while they wrote have left in the drive and in the outbox. An hour is far more than
  /// any file takes to be written, on whatever machine.
  func removeLeftovers(log: Logger, now: Date = Date()) {
    let before = Instant(milliseconds: Int64((now.timeIntervalSince1970 - 3600) * 1000))
    for root in [folder.drive, folder.outbox] where FileManager.default.fileExists(atPath: root.path) {
      do {
        let count = try DriveDisk(root: root).removeLeftovers(before: before)
        if count > 0 { log.info("removed \(count) files in \(root.lastPathComponent) that were never written to their end") }
      } catch {
        log.warning("\(error)")
      }
    }
  }

  /// The first document of the day need not wait for Python; whatever is wrong with it is told, and stops nothing else.
  private func warmPrintShop(log: Logger) {
    if folder.templatePaths().isEmpty { return }
    let printShop = printShop
    Thread.detachNewThread {
      do { try printShop.warm() } catch { log.warning("no PDF can be made: \(error)") }
    }
  }

  private func lockForGood() throws -> EngineLock {
    if let lock = try EngineLock.take(folder, wait: false) { return lock }
    let waiting = LockWait(folder)
    while true {
      if let lock = try waiting.lock(before: Date(timeIntervalSinceNow: 0.05)) { return lock }
      if try EngineSocket.isServed(folder) {
        waiting.giveUp()
        throw EngineFault(.refused, "another engine works on this workspace already; end it first, or use it")
      }
    }
  }
}
