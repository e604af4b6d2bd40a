import CRM
import Engine
import Foundation
import Store
import TestSupport
import Testing

/// Promise 7, its last part: a script that breaks liblua itself costs one run. The library is broken for real: a
/// `strftime` that never returns, that reads address 0, or that recurses without end is loaded before the system's, and
/// the script asks for the date.
@Suite("A run that takes its process down costs itself")
struct WatchdogTests {
  enum Fault: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case hangs, crashes, overflows
    var testDescription: String { rawValue }
  }

  private static let library = """
    #include <stdlib.h>
    #include <string.h>
    #include <time.h>
    static volatile int sink;
    static int deeper(int n) { char room[4096]; memset(room, n, sizeof room); sink += room[n & 1023]; return deeper(n + 1) + room[1]; }
    size_t strftime(char *s, size_t max, const char *format, const struct tm *tm) {
      const char *fault = getenv("FAULT");
      if (!fault || strcmp(format, "%H") != 0) { if (max) s[0] = 0; return 0; }
      if (!strcmp(fault, "hangs")) for (;;) sink++;
      if (!strcmp(fault, "crashes")) return *(volatile size_t *)0;
      return (size_t)deeper(0);
    }
    """

  private static let workspace = """
    return {
      seller = { name = "Altitude" },
      pipelines = { { name = "Ventes", stages = { "Qualifié", "Confirmé" } } },
      fields = { deal = { { key = "place", label = "Lieu" } } },
      limits = { run_time = "100 milliseconds" },
    }
    """

  private func run(_ arguments: [String], _ folder: TemporaryFolder, fault: Fault? = nil) throws -> (code: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try CrashTests.program())
    process.arguments = arguments + ["--workspace", folder.url.path]
    if let fault {
      process.environment = ProcessInfo.processInfo.environment.merging(
        ["FAULT": fault.rawValue, "LD_PRELOAD": folder.path("fault.so")]) { $1 }
    }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  @Test("the next process knows the run, fails it with a message that says so, and goes on with all others (RunInHand.guardProcess)", arguments: Fault.allCases)
  func takesTheProcessDown(fault: Fault) throws {
    let folder = try TemporaryFolder()
    try folder.write("workspace.lua", Self.workspace)
    try folder.write("scripts/a.lua", "on.enter('Confirmé', function (deal) sleep('1 second') deal.place = os.date('%H') end)")
    try folder.write("scripts/b.lua", "on.enter('Confirmé', function (deal) deal.title = 'b was here' end)")
    try folder.write("deals.json", #"{"deals": [{"key": "d1", "title": "x", "stage": "Qualifié"}]}"#)
    try folder.write("fault.c", Self.library)
    let compiler = Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    compiler.arguments = ["cc", "-O0", "-fPIC", "-shared", "-w", folder.path("fault.c"), "-o", folder.path("fault.so")]
    try compiler.run()
    compiler.waitUntilExit()
    #expect(compiler.terminationStatus == 0)

    #expect(try run(["import", folder.path("deals.json")], folder).code == 0)
    #expect(try run(["deals", "move", "d1", "Confirmé"], folder).code == 0, "it sleeps: parked")
    Thread.sleep(forTimeInterval: 1.1)
    let died = try run(["work", "--until-idle"], folder, fault: fault)
    #expect(died.code != 0)
    if fault == .hangs { #expect(died.code == 70 && died.text.contains("run 1 is stuck"), "\(died)") }

    let next = try run(["work", "--until-idle"], folder)
    #expect(next.code == 0, "\(next)")
    let store = try Store(path: folder.path("coulisse.db"))
    let runs = try store.read { try $0.runs(of: 1) }
    #expect(runs.map(\.status) == [.failed, .succeeded])
    let error = RunFault(text: runs.first?.error ?? "")
    #expect(error.kind == "crash", "\(error)")
    #expect(error.message.contains(fault == .hangs ? "stuck where no budget could stop it" : "the engine crashed"), "\(error)")
    // Once the library is sound again, a retry completes it.
    #expect(try run(["runs", "retry", "1"], folder).code == 0)
    #expect(try store.read { try $0.runs(of: 1) }.map(\.status) == [.succeeded, .succeeded])
  }

  @Test("work goes on by itself after runs that crash it and stall it: they fail and are not tried again, no other run is touched (Supervisor)")
  func supervised() throws {
    let folder = try TemporaryFolder()
    try folder.write("workspace.lua", Self.workspace)
    for fault in ["crash", "hang"] {
      try folder.write("scripts/\(fault).lua", "on.demand('\(fault)', function (deal) sleep('1 ms') fault.\(fault)() end)")
    }
    try folder.write("scripts/fine.lua", "on.demand('fine', function (deal) sleep('1 ms') deal.title = deal.title .. '!' end)")
    try folder.write("deals.json", #"{"deals": [{"key": "d1", "title": "x", "stage": "Qualifié"}, {"key": "d2", "title": "y", "stage": "Qualifié"}, {"key": "d3", "title": "z", "stage": "Qualifié"}]}"#)
    #expect(try run(["import", folder.path("deals.json")], folder).code == 0)
    for (automation, deal) in [("fine", "d1"), ("crash", "d1"), ("fine", "d2"), ("hang", "d2"), ("fine", "d3")] {
      #expect(try run(["run", automation, "--deal", deal], folder).code == 0, "parked: it sleeps")
    }
    let work = Process()
    work.executableURL = URL(fileURLWithPath: try CrashTests.program())
    work.arguments = ["work", "--workspace", folder.url.path]
    work.environment = ProcessInfo.processInfo.environment.merging(["COULISSE_FAULTS": "1"]) { $1 }
    work.standardError = FileHandle.nullDevice
    try work.run()
    let store = try Store(path: folder.path("coulisse.db"))
    func runs() throws -> [RunRow] { try store.read { tx in try (1...5).compactMap { try tx.run($0) } } }
    while try !runs().allSatisfy({ $0.status.isFinished }), work.isRunning { Thread.sleep(forTimeInterval: 0.1) }
    // It is still there, and does what it is asked.
    #expect(try run(["deals", "move", "d1", "Confirmé"], folder).code == 0)
    #expect(work.isRunning)
    work.terminate()
    work.waitUntilExit()
    #expect(work.terminationReason == .uncaughtSignal && work.terminationStatus == SIGTERM)

    let ended = try runs()
    #expect(ended.map(\.status) == [.succeeded, .failed, .succeeded, .failed, .succeeded])
    let messages = ended.compactMap { $0.error.map { RunFault(text: $0) } }
    #expect(messages.map(\.kind) == ["crash", "crash"])
    #expect(messages.first?.message.contains("the engine crashed while it executed this run") == true)
    #expect(messages.last?.message.contains("stuck where no budget could stop it") == true)
    let titles = try store.read { tx in try [1, 2, 3].map { try tx.value(RecordRef(.deal, $0), "title") } }
    #expect(titles == [.text("x!"), .text("y!"), .text("z!")])
    // Nothing of it lives on.
    #expect(try run(["work", "--until-idle"], folder).code == 0)
  }

  @Test("the engine ends when its supervisor is killed")
  func lifeline() throws {
    let folder = try TemporaryFolder()
    try folder.write("workspace.lua", Self.workspace)
    let work = Process()
    work.executableURL = URL(fileURLWithPath: try CrashTests.program())
    work.arguments = ["work", "--workspace", folder.url.path]
    work.standardError = FileHandle.nullDevice
    try work.run()
    let workspace = try WorkspaceFolder(folder.url)
    while try EngineLock.take(workspace, wait: false) != nil { Thread.sleep(forTimeInterval: 0.05) }
    kill(work.processIdentifier, SIGKILL)
    work.waitUntilExit()
    #expect(try EngineLock.take(workspace, wait: true) != nil)
  }
}
