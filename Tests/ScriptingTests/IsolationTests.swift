import CRM
import Testing

@testable import Scripting

@Suite("Nothing of a run is seen by another")
struct IsolationTests {
  @Test("Globals, upvalues, library state and random numbers begin anew with each run")
  func noStateSurvives() throws {
    let workshop = try Workshop([
      "scripts/a.lua": """
        local count = 0
        local shared = require "lib/shared"
        on.demand("t", function (deal)
          count = count + 1
          leaked = (leaked or 0) + 1
          shared.value = (shared.value or 0) + 1
          print(count, leaked, shared.value, math.random(1 << 40))
        end)
        """,
      "scripts/lib/shared.lua": "return {}",
      "scripts/b.lua": "on.demand('u', function () print(leaked) end)",
    ])
    let host = MemoryHost()
    for place in [0, 0, 1, 0] {
      let execution = try workshop.execution(place, host: host)
      _ = try execution.begin()
      execution.discard()
    }
    #expect(host.logs.count == 4)
    #expect(host.logs[0].hasPrefix("1\t1\t1\t"))
    #expect(host.logs[1] == host.logs[0])
    #expect(host.logs[2] == "nil")
    #expect(host.logs[3] == host.logs[0])
  }

  @Test("A run that failed, that was killed or that was dropped half-way leaves a clean state")
  func afterFailure() throws {
    let workshop = try Workshop([
      "scripts/a.lua": """
        local seen = 0
        on.demand("t", function (deal, event)
          seen = seen + 1
          if event.mode == "error" then error("no") end
          if event.mode == "step" then accounting.products() end
          if event.mode == "calls" then while true do deal.promo = "x" end end
          print(seen)
        end)
        """
    ])
    var limits = WorkspaceLimits()
    limits.hostCalls = 100
    let host = MemoryHost()
    for mode in ["error", "", "step", "", "calls", ""] {
      let execution = try workshop.execution(
        host: host, event: .object([ValueField("mode", .text(mode))]), budget: RunBudget(limits: limits))
      _ = try? execution.begin()
      execution.discard()
    }
    #expect(host.logs == ["1", "1", "1"])
  }

  @Test("A state that was given back is used again, under the budget it was made for")
  func reuse() throws {
    let program = try Workshop(body: "").program
    let budget = RunBudget(limits: WorkspaceLimits())
    var other = budget
    other.hostCalls += 1
    let first = try program.take("scripts/t.lua", budget)
    program.giveBack(first)
    let second = try program.take("scripts/t.lua", other)
    #expect(second !== first)
    #expect(second.state.limits.hostCalls == other.hostCalls)
    #expect(try program.take("scripts/t.lua", budget) === first)
    #expect(try program.take("scripts/t.lua", budget) !== first)
  }

  @Test("Two runs of one script may be suspended at once")
  func sideBySide() throws {
    let workshop = try Workshop(body: "x = event.n; accounting.products(); print(x)")
    let host = MemoryHost()
    let runs = try (1...3).map { n in
      try workshop.execution(host: host, event: .object([ValueField("n", .integer(Int64(n)))]))
    }
    for run in runs { _ = try run.begin() }
    for run in runs.reversed() { _ = try run.resume(.success(.list([]))) }
    #expect(host.logs == ["3", "2", "1"])
  }

  @Test("Scripts have no files, processes or bytecode", arguments: ["io", "debug", "package", "dofile", "loadfile", "os.execute", "os.getenv", "string.dump", "__unknown"])
  func sandbox(_ name: String) throws {
    #expect(try printed("print(\(name))") == ["nil"])
  }

  @Test("A run can be asked to go on only when it is suspended")
  func misuse() throws {
    let execution = try Workshop(body: "print(1)").execution(host: MemoryHost())
    #expect(throws: ScriptFailure.self) { try execution.resume(.success(.null)) }
    _ = try execution.begin()
    #expect(throws: ScriptFailure.self) { try execution.resume(.success(.null)) }
  }
}
