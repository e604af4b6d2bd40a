import CRM
import Engine
import Foundation
import Services
import Store
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Promises 1 and 3 with real processes: whatever is killed, whenever.
@Suite("Processes are killed at random")
struct CrashTests {
  private static let shared = ["s0", "s1", "s2"]
  private static let stages = [
    "Qualifié", "Créer documents", "Confirmé", "Proposition", "creer documents", "CONFIRMÉ", "Envoyer en signature",
  ]

  /// What a caller was told, and so what must be true for ever.
  private struct Accepted: Hashable, Sendable {
    var deal: String
    var from: String
    var to: String
    /// Empty, or the status that the deal was given.
    var closing: String
  }

  /// A field that was edited by hand, to a text that nobody else writes.
  private struct Edit: Sendable {
    var deal: String
    var text: String
    /// Whether its caller was told so.
    var isDone: Bool
  }

  /// A command line that lives at the moment.
  private final class Living: Sendable {
    private let pids = Mutex<[pid_t]>([])
    let kills = Atomic<Int>(0)

    func start(_ program: String, _ arguments: [String], output: String) -> pid_t? {
      var actions = posix_spawn_file_actions_t()
      posix_spawn_file_actions_init(&actions)
      defer { posix_spawn_file_actions_destroy(&actions) }
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      posix_spawn_file_actions_addopen(&actions, 2, output + ".err", O_WRONLY | O_CREAT | O_APPEND, 0o644)
      closeInherited(&actions)
      // This process's threads block signals, and children inherit that.
      var attributes = posix_spawnattr_t()
      posix_spawnattr_init(&attributes)
      defer { posix_spawnattr_destroy(&attributes) }
      var none = sigset_t()
      sigemptyset(&none)
      posix_spawnattr_setsigmask(&attributes, &none)
      posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
      let words = ([program] + arguments).map { strdup($0) }
      defer { for word in words { free(word) } }
      var pid: pid_t = 0
      // Under the lock, so that nobody kills a number that belongs to no process of ours.
      return pids.withLock { pids in
        guard posix_spawn(&pid, program, &actions, &attributes, words + [nil], environ) == 0 else { return nil }
        pids.append(pid)
        return pid
      }
    }

    /// - Returns: the exit code; nil when it was killed.
    func wait(_ pid: pid_t) -> Int32? {
      var information = siginfo_t()
      // First without reaping, so that the number stays ours until it is off the list.
      while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
      pids.withLock { $0.removeAll { $0 == pid } }
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
      return status & 0x7f == 0 ? (status >> 8) & 0xff : nil
    }

    /// Ends a process that is still ours.
    func end(_ pid: pid_t, _ signal: Int32) {
      pids.withLock { if $0.contains(pid) { kill(pid, signal) } }
    }

    func killOne(_ pick: UInt64) {
      pids.withLock { pids in
        guard !pids.isEmpty else { return }
        kill(pids[Int(pick % UInt64(pids.count))], SIGKILL)
        kills.add(1, ordering: .relaxed)
      }
    }
  }

  @Test("8 command lines and an engine move and edit the same and different deals for a minute while all are killed at random: no accepted transition or edit is lost, no local effect doubled, no number skipped, no run stuck")
  func randomKills() throws {
    let environment = ProcessInfo.processInfo.environment
    let seed = environment["CRASH_SEED"].flatMap(UInt64.init) ?? testSeed("random kills")
    let seconds = environment["CRASH_SECONDS"].flatMap(Double.init) ?? 60
    print("random kills: CRASH_SEED=\(seed) for \(seconds) seconds")
    let folder = try TemporaryFolder()
    let shop = folder.path("shop")
    let program = try Self.program()
    let living = Living()
    func run(_ arguments: [String], _ name: String = "set-up") throws -> (code: Int32?, output: String) {
      let output = folder.path("\(name)-\(UUID().uuidString)")
      let pid = try #require(living.start(program, arguments, output: output))
      let code = living.wait(pid)
      return (code, (try? String(contentsOfFile: output, encoding: .utf8)) ?? "")
    }
    #expect(try run(["init", shop, "--example", "altitude"]).code == 0)
    try folder.write("deals.json", Self.deals(8))
    #expect(try run(["import", folder.path("deals.json"), "--workspace", shop]).code == 0)

    let accepted = Mutex<[Accepted]>([])
    let edits = Mutex<[Edit]>([])
    let faults = Mutex<[String]>([])
    let counts = Mutex<[String: Int]>([:])
    let end = Date(timeIntervalSinceNow: seconds)
    // 0 to 7: command lines. 8: an engine that comes and goes. 9: the killer.
    inParallel(10) { role in
      var random = SplitMix(state: seed &+ UInt64(role) &* 7919)
      func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }
      while Date() < end {
        switch role {
        case 9:
          usleep(UInt32(30_000 + random.next() % 250_000))
          living.killOne(random.next())
        case 8:
          let options = chance(50) ? ["--unfused"] : []
          guard let pid = living.start(program, ["work", "--workspace", shop] + options, output: folder.path("work"))
          else { continue }
          let life = 200_000 + random.next() % 1_500_000
          Thread.detachNewThread {
            usleep(UInt32(life))
            living.end(pid, SIGTERM)
            usleep(2_000_000)
            living.end(pid, SIGKILL)
          }
          _ = living.wait(pid)
          usleep(UInt32(random.next() % 1_000_000))
        default:
          let deal = chance(40) ? Self.shared[Int(random.next() % 3)] : "own\(role)"
          var arguments = ["deals", "move", deal, Self.stages[Int(random.next() % UInt64(Self.stages.count))]]
          var closing = ""
          if chance(15) { (arguments, closing) = (["deals", "win", deal], "won") }
          if chance(20) { (arguments, closing) = (["deals", "reopen", deal], "open") }
          if chance(15) {
            // Some signer, of whatever was sent so far.
            let request = String(1 + random.next() % 12)
            arguments = chance(70) ? ["signatures", "sign", request] : ["signatures", "decline", request, "--reason", "non"]
          }
          var edit: Edit?
          if chance(20) {
            let made = Edit(deal: deal, text: "salle \(role).\(random.next() % 1_000_000_000)", isDone: false)
            (arguments, edit) = (["deals", "set", deal, "place=\(made.text)"], made)
          }
          let output = folder.path("answer-\(role)")
          guard let pid = living.start(program, arguments + ["--json", "--workspace", shop], output: output) else { continue }
          let code = living.wait(pid)
          if var edit {
            edit.isDone = code == 0
            edits.withLock { [edit] in $0.append(edit) }
          }
          counts.withLock { $0[code.map { "exit \($0)" } ?? "killed", default: 0] += 1 }
          // An answer that is whole was given after the commit, whatever became of its process afterwards.
          guard let text = try? String(contentsOfFile: output, encoding: .utf8), let json = try? JSON(parsing: text) else {
            if let code, ![1, 3].contains(code) { faults.withLock { $0.append("\(arguments): exit \(code)") } }
            continue
          }
          guard edit == nil, arguments[0] == "deals", json["moved"]?.boolValue == true else { continue }
          let from = json["from"]?.stringValue ?? "", to = json["to"]?.stringValue ?? ""
          if from.isEmpty || to.isEmpty { faults.withLock { $0.append("no stages in \(text)") } }
          accepted.withLock { $0.append(Accepted(deal: deal, from: closing.isEmpty ? from : "", to: closing.isEmpty ? to : "", closing: closing)) }
        }
      }
    }
    let idle = try run(["work", "--until-idle", "--workspace", shop])
    #expect(idle.code == 0, "\(idle)")
    print("random kills: \(counts.withLock { $0 }), \(living.kills.load(ordering: .relaxed)) kills, \(accepted.withLock { $0.count }) accepted transitions")
    #expect(faults.withLock { $0 } == [])
    #expect(accepted.withLock { $0.count } > 0)
    try check(shop, accepted.withLock { $0 })
    try check(shop, edits.withLock { $0 })
  }

  /// What somebody was told to be edited is in the deal's history, once; each edit follows from the one before it, and the
  /// last one is what the deal says.
  private func check(_ shop: String, _ edits: [Edit]) throws {
    #expect(edits.contains { $0.isDone })
    let store = try Store(path: shop + "/coulisse.db")
    for (deal, edits) in Dictionary(grouping: edits, by: \.deal) {
      let (changes, present) = try store.read { tx in
        let ref = try #require(try tx.find(.deal, key: deal))
        return (
          try tx.history(of: ref).flatMap(\.changes).filter { $0.field == "place" }, try tx.value(ref, "place") ?? .null
        )
      }
      for edit in edits {
        let count = changes.count { $0.new == .text(edit.text) }
        #expect(edit.isDone ? count == 1 : count <= 1, "\(deal): \(edit.text) is \(count) times in the history")
      }
      for (before, after) in zip(changes, changes.dropFirst()) { #expect(before.new == after.old, "\(deal)") }
      #expect(changes.last?.new ?? .null == present, "\(deal)")
    }
  }

  /// One deal as it is when all is over.
  private struct Facts: Sendable {
    /// Every move and every change of status that the history has, with how often.
    var changes: [Accepted: Int] = [:]
    var runs: [RunRow] = []
    var liveQuotes = 0
    var cards = 0
    var messages = 0
    var notes = 0
    var requests: [SignatureRequestRow] = []
    /// Of each template, how many documents.
    var papers: [String: Int] = [:]
    var signedLinks: [String] = []

    func entries(_ stage: String) -> Int { changes.filter { $0.key.to == stage }.values.reduce(0, +) }
    func runs(_ automation: String) -> Int { runs.count { $0.automation == automation } }
  }

  private func facts(_ key: String, _ store: Store) throws -> Facts {
    try store.read { tx -> Facts in
      var facts = Facts()
      let stages = Dictionary(uniqueKeysWithValues: try tx.stages().map { ($0.id, $0.name) })
      guard let deal = try tx.find(.deal, key: key) else { return facts }
      for entry in try tx.history(of: deal) {
        if let from = entry.stageFrom, let to = entry.stageTo {
          facts.changes[
            Accepted(deal: key, from: stages[from] ?? "", to: stages[to] ?? "", closing: ""), default: 0] += 1
        }
        for change in entry.changes where change.field == "status" && !change.old.isNull {
          facts.changes[Accepted(deal: key, from: "", to: "", closing: change.new.plainText), default: 0] += 1
        }
      }
      facts.runs = try tx.runs(of: deal.id)
      facts.liveQuotes = try tx.quotes(of: deal.id).count { $0.status.isLive }
      facts.cards = try tx.cards(of: deal.id).count
      facts.messages = try tx.messages(of: deal.id).count
      if case .list(let notes)? = try tx.value(deal, "notes") {
        // A declined signature leaves a note too.
        for case .record(let note) in notes
        where try tx.value(note, "text")?.plainText.hasPrefix("## Brief") == true { facts.notes += 1 }
      }
      facts.requests = try tx.signatureRequests(of: deal.id)
      for document in try tx.documents(of: deal.id) {
        if let template = document.template, document.folderID != nil { facts.papers[template, default: 0] += 1 }
      }
      if case .list(let links)? = try tx.value(deal, "signed_urls") { facts.signedLinks = links.map(\.plainText) }
      return facts
    }
  }

  /// What must be true afterwards.
  private func check(_ shop: String, _ accepted: [Accepted]) throws {
    let store = try Store(path: shop + "/coulisse.db")
    #expect(try store.integrityFaults() == [])
    var told: [Accepted: Int] = [:]
    for transition in accepted { told[transition, default: 0] += 1 }
    for deal in Set(accepted.map(\.deal)).sorted() {
      let facts = try facts(deal, store)
      for (transition, count) in told where transition.deal == deal {
        let found = facts.changes[transition, default: 0]
        #expect(found >= count, "accepted \(count) times, found \(found): \(transition)")
      }
      // Each entry of a stage queued its run, once.
      #expect(facts.runs("create_documents") == facts.entries("Créer documents"), "\(deal)")
      #expect(facts.runs("pin_brief") == facts.entries("Confirmé"), "\(deal)")
      let won = facts.changes[Accepted(deal: deal, from: "", to: "", closing: "won"), default: 0]
      #expect(facts.runs("won_card") == won, "\(deal)")
      // What may go wrong: somebody closed or moved the deal between two steps of its run, made another quote meanwhile,
      // or entered the stage again, so that the run that waits for the signer is replaced.
      let allowed = ["can't be moved", "can't be accepted any more", "is accepted, and", "is not won", "was rejected"]
      for run in facts.runs where run.status != .succeeded {
        let message = RunFault(text: run.error ?? "").message
        let isExpected =
          switch run.status {
          case .failed: allowed.contains { message.contains($0) }
          case .waiting, .cancelled: run.automation == "send_for_signature"
          default: false
          }
        #expect(isExpected, "\(deal), \(run.automation) \(run.status.rawValue): \(message)")
      }
      #expect(facts.requests.count { $0.state.isOpen } <= 1, "\(deal): one open request")
      #expect(facts.requests.count { $0.state.isOpen } >= facts.runs.count { $0.status == .waiting }, "\(deal)")
      #expect(facts.requests.count <= facts.runs("send_for_signature"), "\(deal): one request a run")
      #expect(facts.papers["convention", default: 0] <= facts.runs("create_documents"), "\(deal): one a run")
      #expect(facts.papers["programme", default: 0] <= facts.papers["convention", default: 0], "\(deal)")
      #expect(facts.papers["devis", default: 0] <= facts.runs("send_for_signature"), "\(deal)")
      for template in ["attestation", "certificat-de-realisation", "fiche-evaluation"] {
        #expect(facts.papers[template, default: 0] <= 1, "\(deal): \(template)")
      }
      #expect(Set(facts.signedLinks).count == facts.signedLinks.count, "\(deal): each signed paper is linked once")
      #expect(facts.liveQuotes <= 1, "\(deal)")
      #expect(facts.cards <= 1, "\(deal)")
      let wrote = facts.runs.count {
        ["thank_referrer", "notify_failure"].contains($0.automation) && $0.status == .succeeded
      }
      #expect(facts.messages == wrote, "\(deal): one message a run")
      #expect(facts.notes == 1, "\(deal): no brief was made beside the one that is there")
    }
    let numbers = try store.read { tx in try tx.find(.quote, [], limit: nil).compactMap { try tx.value($0, "number")?.plainText } }
    let places = numbers.compactMap { Int($0.suffix(4)) }.sorted()
    #expect(places == Array(1..<(places.count + 1)), "no number is skipped or given twice")
    // Behind every row there is the whole file that it stands for, and nothing half written lies about.
    let rows = try store.read { try $0.documents(of: nil) }
    for row in rows {
      let bytes = FileManager.default.contents(atPath: "\(shop)/drive/\(row.path)") ?? Data()
      #expect(ContentHash.sha256(Array(bytes)) == row.sha256, "\(row.path)")
    }
    #expect(Set(rows.map(\.path)).count == rows.count)
    for email in try store.read({ try $0.emails(of: nil) }) {
      #expect(FileManager.default.fileExists(atPath: "\(shop)/outbox/\(email.path)"))
    }
    let stuck = try store.read { try $0.openRuns([.queued, .running, .retrying], limit: nil).map(\.id) }
    #expect(stuck == [], "no run is stuck")
  }

  /// The built program beside the test bundle.
  static func program() throws -> String {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    for start in [own, Bundle.main.bundlePath, CommandLine.arguments[0]] {
      let found = URL(fileURLWithPath: start).deletingLastPathComponent().appendingPathComponent("coulisse").path
      if FileManager.default.isExecutableFile(atPath: found) { return found }
    }
    throw EngineFault(.notFound, "the built coulisse is not beside \(own); build it with: swift build")
  }

  private static func deals(_ count: Int) -> String {
    let deals = (shared + (0..<count).map { "own\($0)" }).map { key in
      """
      {"key": "\(key)", "title": "EDLC pour \(key)", "stage": "Qualifié", "owner": "floriane", "organization": "acme",
       "person": "jeremy", "email": "affaire-\(key)@altitude.example",
       "lines": [{"product": "edlc", "quantity": "1"}], "promo": "[EDLC_001]",
       "notes": [{"text": "## Brief commercial\\n\\n\\nUn brief pour \(key)."}]}
      """
    }
    return "{\"deals\": [\(deals.joined(separator: ",\n"))]}"
  }
}

/// The engine's own generator is not public.
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
