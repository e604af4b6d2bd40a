import CRM
import Foundation
import Store
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Promises 1 to 3, exhaustively: each shipped script, ended by SIGKILL at each point at which it touches the disk or a
/// service, each time that it comes there. Somebody looks afterwards, starts an engine, and asks again for what has not
/// happened; then all is as if nothing had been.
@Suite("Each shipped script is killed at every point where it touches the disk or a service")
struct CrashMatrixTests {
  /// A command that makes scripts work, on a workspace that was made ready for it.
  struct Scenario: Sendable {
    var scripts: String
    var before: [[String]] = []
    var command: [String]
  }

  static let scenarios = [
    Scenario(
      scripts: "check_deal, validate_promo, create_documents",
      command: ["deals", "move", "groupe", "Créer documents"]),
    Scenario(
      scripts: "send_for_signature until it waits",
      before: [["deals", "move", "groupe", "Créer documents"]],
      command: ["deals", "move", "groupe", "Envoyer en signature"]),
    Scenario(
      scripts: "send_for_signature from its wait, pin_brief",
      before: [["deals", "move", "groupe", "Créer documents"], ["deals", "move", "groupe", "Envoyer en signature"]],
      command: ["signatures", "sign", "1"]),
    Scenario(
      scripts: "check_before_won, end_of_training_documents, thank_referrer, won_card",
      before: [["deals", "set", "groupe", "training_days="]],
      command: ["deals", "win", "groupe"]),
    Scenario(scripts: "won_card that fails, notify_failure", command: ["deals", "win", "brief-absent"]),
    Scenario(scripts: "pin_brief that makes a brief", command: ["run", "pin_brief", "--deal", "tout-manque"]),
    Scenario(scripts: "sync_products", command: ["run", "sync_products"]),
    Scenario(scripts: "checklist_before_sending", command: ["run", "checklist_before_sending", "--deal", "groupe"]),
    Scenario(scripts: "checklist_before_won", command: ["run", "checklist_before_won", "--deal", "groupe"]),
  ]

  @Test("no accepted transition is lost, nothing is done twice, and each run ends as it would have, wherever its process is killed")
  func matrix() throws {
    // What the program comes to in each scenario.
    let stages = Mutex<[Int: (stage: CrashStage, state: VisibleState, deaths: [String])]>([:])
    Self.each(Self.scenarios.indices) { place in
      let stage = try CrashStage(Self.scenarios[place].before)
      let (state, deaths) = try stage.undisturbed(Self.scenarios[place].command)
      stages.withLock { $0[place] = (stage, state, deaths) }
    }
    let all = stages.withLock { $0 }
    let deaths = all.keys.sorted().flatMap { place in all[place]?.deaths.map { (place, $0) } ?? [] }
    let killed = Atomic<Int>(0)
    Self.each(deaths.indices) { number in
      let (place, death) = deaths[number]
      let scenario = Self.scenarios[place]
      guard let (stage, state, _) = all[place] else { return }
      let (after, wasKilled) = try stage.afterDeath(scenario.command, at: death)
      if wasKilled { killed.add(1, ordering: .relaxed) }
      let difference = after.difference(from: state)
      if !difference.isEmpty {
        Issue.record("\(scenario.scripts): killed at \(death): \(difference.joined(separator: "\n"))")
      }
    }
    let count = killed.load(ordering: .relaxed)
    print("crash matrix: \(Self.scenarios.count) scenarios, \(count) processes killed")
    // How many segments share a commit depends on the machine, so the last of many commits may not be reached.
    #expect(count > deaths.count * 9 / 10)
    let reached = Set(deaths.map { String($0.1.prefix { $0 != ":" }) })
    // Files are removed only when two steps want one name; DriveDiskFaultTests has that.
    let known = Set(FaultPoint.allCases.map(\.rawValue)).subtracting([FaultPoint.fileRemoved.rawValue])
    #expect(known.subtracting(reached) == [], "points at which nothing was killed")
  }

  @Test("of two processes that both want to recover one does, and the other one finds it done", arguments: ["step.answered:1", "file.synced:1"])
  func twoRecover(death: String) throws {
    let stage = try CrashStage([["deals", "move", "groupe", "Créer documents"]])
    let command = ["deals", "move", "groupe", "Envoyer en signature"]
    let reference = try stage.undisturbed(command)
    let dead = try stage.copy()
    #expect(try dead.run(command, environment: stage.environment(["COULISSE_FAULT": death])).status == 137)
    let processes = try (0..<2).map { _ in
      try Running(Program.path, ["work", "--until-idle"], in: dead.root, environment: stage.environment([:]))
    }
    for process in processes {
      let outcome = process.wait()
      #expect(outcome.status == 0 || outcome.errors.contains("another engine works"), "\(outcome)")
    }
    #expect(try stage.settled(dead, command).difference(from: reference.state) == [])
  }

  @Test("whoever comes while a process that is to end still holds the lock waits for it, recovers, and goes on")
  func draining() throws {
    let stage = try CrashStage([["deals", "move", "groupe", "Créer documents"]])
    let command = ["deals", "move", "groupe", "Envoyer en signature"]
    let reference = try stage.undisturbed(command)
    let workspace = try stage.copy()
    // It holds the lock, and stands still with its step begun.
    let holder = try Running(
      Program.path, command, in: workspace.root, environment: stage.environment(["COULISSE_FAULT": "step.asked:1:stop"]))
    while !holder.isStopped && !holder.hasEnded { usleep(5_000) }
    let next = try Running(Program.path, ["work", "--until-idle"], in: workspace.root, environment: stage.environment([:]))
    for _ in 0..<40 {
      #expect(!next.hasEnded, "it waits for the lock")
      usleep(5_000)
    }
    holder.send(SIGTERM)
    holder.send(SIGCONT)
    _ = holder.wait()
    let outcome = next.wait()
    #expect(outcome.status == 0, "\(outcome)")
    #expect(try stage.settled(workspace, command).difference(from: reference.state) == [])
  }

  /// Two at a time.
  private static func each(_ places: Range<Int>, _ body: @escaping @Sendable (Int) throws -> Void) {
    let next = Atomic<Int>(places.lowerBound)
    inParallel(2) { _ in
      while true {
        let place = next.add(1, ordering: .relaxed).oldValue
        guard place < places.upperBound else { return }
        do {
          try body(place)
        } catch {
          Issue.record(error)
        }
      }
    }
  }

  @Test("a process that is killed while it recovers leaves the same work to the next one, at every point and for as often as it happens")
  func recovery() throws {
    let stage = try CrashStage([["deals", "move", "groupe", "Créer documents"]])
    let command = ["deals", "move", "groupe", "Envoyer en signature"]
    let reference = try stage.undisturbed(command)
    for first in ["step.answered:1", "step.asked:2", "file.named:1"] {
      // What the process that recovers comes to, then ended at each of these.
      let dead = try stage.copy()
      #expect(try dead.run(command, environment: stage.environment(["COULISSE_FAULT": first])).status == 137)
      let log = dead.path("faults")
      let whole = try Workspace(copying: dead)
      let idle = ["work", "--until-idle"]
      try #require(whole.run(idle, environment: stage.environment(["COULISSE_FAULT_LOG": log])).status == 0)
      let deaths = try CrashStage.deaths(log)
      #expect(deaths.contains("recovery.begun:1") && deaths.contains("recovery.done:1"))
      Self.each(deaths.indices) { number in
        let death = deaths[number]
        let again = try Workspace(copying: dead)
        for _ in 0..<2 {
          // The second one may come no further than the first one did.
          let outcome = try again.run(idle, environment: stage.environment(["COULISSE_FAULT": death]))
          #expect([0, 137].contains(outcome.status), "\(first), then \(death): \(outcome)")
        }
        let state = try stage.settled(again, command)
        let difference = state.difference(from: reference.state)
        if !difference.isEmpty {
          Issue.record("killed at \(first), then at \(death): \(difference.joined(separator: "\n"))")
        }
      }
    }
  }
}

/// A workspace made ready once, and what becomes of copies of it.
final class CrashStage: Sendable {
  private let prepared: Workspace
  private let folder: TemporaryFolder
  private let press: [String: String]
  private let eventsBefore: Int

  init(_ before: [[String]]) throws {
    folder = try TemporaryFolder()
    press = try FakePress.environment(folder)
    prepared = try Workspace(.altitude)
    for command in before {
      let outcome = try prepared.run(command, environment: press)
      try #require(outcome.status == 0, "\(command): \(outcome)")
    }
    eventsBefore = try VisibleState.events(prepared.root)
  }

  func environment(_ more: [String: String]) -> [String: String] { press.merging(more) { $1 } }

  func copy() throws -> Workspace { try Workspace(copying: prepared) }

  /// What the command leads to, and each point that its process comes to on the way: `file.named:2`.
  func undisturbed(_ command: [String]) throws -> (state: VisibleState, deaths: [String]) {
    let workspace = try copy()
    let log = folder.path("faults-\(UUID().uuidString)")
    _ = try workspace.run(command, environment: environment(["COULISSE_FAULT_LOG": log]))
    return (try settled(workspace, command), try Self.deaths(log))
  }

  static func deaths(_ log: String) throws -> [String] {
    var times: [Substring: Int] = [:]
    return try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map { point in
      times[point, default: 0] += 1
      return "\(point):\(times[point, default: 0])"
    }
  }

  /// - Returns: what it led to all the same, and whether the process came to that point.
  func afterDeath(_ command: [String], at death: String) throws -> (state: VisibleState, wasKilled: Bool) {
    let workspace = try copy()
    let outcome = try workspace.run(command, environment: environment(["COULISSE_FAULT": death]))
    return (try settled(workspace, command), outcome.status == 128 + SIGKILL)
  }

  /// An engine goes on with what is there; what has not happened is asked for again.
  func settled(_ workspace: Workspace, _ command: [String]) throws -> VisibleState {
    if try VisibleState.events(workspace.root) == eventsBefore {
      _ = try workspace.run(command, environment: press)
    } else if try VisibleState.hasWork(workspace.root) {
      let idle = try workspace.run(["work", "--until-idle"], environment: press)
      try #require(idle.status == 0, "\(idle)")
    }
    return try VisibleState(workspace.root)
  }
}
