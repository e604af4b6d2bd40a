import CRM
import LuaKit

/// What the host functions of one Lua state work on. It is made with the state and lives as long; the host is there
/// only while a run executes.
final class ScriptContext {
  /// The script's path, `scripts/x.lua`.
  var file: String
  let schema: RecordSchema
  let declaration: WorkspaceDeclaration
  let services: [ServiceDeclaration]
  let calendar: WorkspaceCalendar
  var types = ValueTypeIDs()
  /// The state whose functions these are; it owns this context through them.
  weak var state: LuaState?
  var host: (any ScriptHost)?
  /// What ended the run where nothing can be raised: in the clock of `os.time`, in `print`. The next call to the host
  /// raises it, or else the end of the segment.
  var pending: FatalError?
  /// What the script's top level declared; nil after it has run.
  var registrations: [Registration]? = []

  struct Registration {
    var trigger: Trigger
    var function: LuaFunction
    var line: Int
    var name: String?
    var whileWaiting: WhileWaiting
  }

  init(file: String = "", schema: RecordSchema, declaration: WorkspaceDeclaration, services: [ServiceDeclaration]) {
    self.file = file
    self.schema = schema
    self.declaration = declaration
    self.services = services
    calendar = WorkspaceCalendar(declaration)
  }

  /// Asks the host something that it answers at once.
  func value(_ call: HostCall) throws -> Value {
    switch try perform(call) {
    case .value(let value): return value
    case .suspended: throw HostFailure(.misuse, "this can't be answered later")
    }
  }

  /// Asks the host from where nothing can be raised.
  func quietly(_ call: HostCall) -> Value? {
    do {
      return try value(call)
    } catch {
      if pending == nil { pending = error as? FatalError }
      return nil
    }
  }

  /// Asks the host. What isn't a failure meant for the script ends it, whatever `pcall` surrounds the call.
  func perform(_ call: HostCall) throws -> HostAnswer {
    guard let host else {
      throw LuaHostError("records and services can be used inside an automation only, not while the script loads")
    }
    if let pending { throw pending }
    let replayed = host.replayed
    do {
      let answer = try host.perform(call)
      if host.replayed != replayed { state?.restartBudgets() }
      return answer
    } catch let failure as HostFailure where !failure.isFatal {
      throw failure
    } catch {
      throw FatalError(error: error)
    }
  }
}

extension HostFailure {
  /// Whether the run itself is at an end.
  var isFatal: Bool { kind == .diverged || kind == .cancelled }
}

/// What no script may catch: a replay that diverged, a cancelled run, a fault of the store.
struct FatalError: LuaFatal, CustomStringConvertible {
  var error: any Error
  var description: String { "\(error)" }
}

/// The Lua types of values and records in one state.
struct ValueTypeIDs {
  var money: LuaTypeID?
  var decimal: LuaTypeID?
  var day: LuaTypeID?
  var instant: LuaTypeID?
  var workingDays: LuaTypeID?
  /// By `RecordKind.code`.
  var records: [LuaTypeID] = []
  var kinds: [LuaTypeID: RecordKind] = [:]
}
