import CLuaShim

/// Lua's type codes, as the shim gives them.
enum LuaTypeCode {
  static let absent: Int32 = 0  // nil; missing is below it
  static let boolean: Int32 = 1
  static let number: Int32 = 3
  static let string: Int32 = 4
  static let table: Int32 = 5
  static let function: Int32 = 6
  static let object: Int32 = 7
}

public enum LuaOutcome {
  case returned([LuaValue])
  /// A host function answered `.suspend`; `resume` goes on.
  case suspended
}

/// A sandboxed Lua 5.4 state with its own memory, library and budgets. Not Sendable: one thread uses it at
/// a time. That thread's stack should be 4 MB or more (nested calls through Swift use it up).
///
/// A state is set up once (`define`, `setLoader`, `load` and `start` of the scripts' top level), then
/// `takeImage()`. After each run `reset()` brings back exactly that image in a few microseconds, so nothing
/// a run did is seen by the next. What a run needs from the host goes through `context`.
///
/// Lua errors and yields never unwind a Swift frame: Swift is called by C with plain values and answers
/// with a code; the C frame raises or yields once Swift has returned.
public final class LuaState {
  /// What host functions of the present run work on.
  public var context: AnyObject?

  public let limits: LuaLimits
  let run: OpaquePointer
  private(set) var box: LuaStateBox

  var functions: [LuaHostFunction] = []
  var functionNames: [String] = []
  var types: [LuaTypeDefinition] = []
  var loader: ((String) throws -> LuaSource?)?
  var clock: () -> Double = { 0 }
  var printSink: ([UInt8]) -> Void = { _ in }

  /// Bytes of an error's message that are kept.
  static let messageLimit = 4096

  /// Swift errors by the message they went into Lua with; the last 32 of a run.
  var causes: [(message: [UInt8], error: any Error)] = []
  var fatal: (any Error)?
  var answer: Result<[LuaValue], LuaHostError>?
  /// Texts by the name that positions show, for source lines in errors.
  var sources: [String: LuaSource] = [:]

  let identity: UInt64
  var generation: UInt64 = 0
  /// Generations whose functions the image holds.
  private var imageGenerations: Set<UInt64> = []
  private var imageSources: [String: LuaSource] = [:]

  /// Makes a state with the sandboxed library.
  /// - Throws: `.memoryLimit` if the system has no memory for it.
  public init(limits: LuaLimits = LuaLimits()) throws(LuaError) {
    self.limits = limits
    box = LuaStateBox()
    identity = LuaStateBox.nextIdentity()
    var plain = clk_limits(
      seconds: limits.seconds.map { $0 > 0 ? $0 : 1e-9 } ?? 0, memory: max(0, limits.memoryBytes),
      host_calls: limits.hostCalls.map { Int64(max(0, $0)) } ?? -1,
      instructions: limits.instructions.map { Int64(max(0, $0)) } ?? -1,
      source: max(0, limits.sourceBytes), printed: max(0, limits.printedBytes))
    var host = LuaStateBox.callbacks(box)
    guard let run = clk_new(&plain, &host) else {
      throw LuaError(kind: .memoryLimit, message: "no memory for a new Lua state")
    }
    self.run = run
    box.state = self
  }

  // The run is freed here and nowhere else, on the thread that drops the last reference. No script is
  // executing then, since a running one is held by the frame that started it; userdata have no
  // finalisers, so freeing calls nothing back.
  deinit { clk_free(run) }

  /// What the runs since the last `start` have used.
  public var statistics: (peakBytes: Int, hostCalls: Int, instructions: Int, seconds: Double) {
    let s = clk_statistics_of(run)
    return (Int(s.peak), Int(s.host_calls), Int(s.instructions), s.seconds)
  }

  /// Whether a script of this state is executing, that is, a host function is the caller.
  public var isRunning: Bool { clk_is_running(run) }
  public var isSuspended: Bool { clk_is_suspended(run) }

  // MARK: images

  /// Makes the state as it is now the one that `reset()` brings back. After set-up, while nothing runs.
  public func takeImage() throws(LuaError) {
    guard !isRunning, !isSuspended else {
      throw .misuse("an image can't be taken while a script runs or is suspended")
    }
    guard !clk_is_spent(run) else { throw .spent }
    let status = clk_take_image(run)
    guard status == 0 else {
      throw LuaError(kind: kind(status), message: "the image of the Lua state could not be taken")
    }
    imageGenerations.insert(generation)
    generation += 1
    imageSources = sources
  }

  /// Brings the state back to its image, bit for bit, whatever happened since; a suspended run is dropped.
  /// Functions the host got since then become invalid. Nothing happens before the first `takeImage()`.
  /// - Precondition: no script of this state is executing.
  public func reset() {
    precondition(!isRunning, "LuaState.reset() was called by a host function of a running script")
    guard clk_reset(run) else { return }
    generation += 1
    sources = imageSources
    causes.removeAll(keepingCapacity: true)
    fatal = nil
    answer = nil
  }

  /// Makes every cached field of every object be read again.
  public func invalidateFields() { clk_invalidate_fields(run) }

  /// Starts the budgets of the present run anew, as at the end of a replay.
  public func restartBudgets() { clk_restart_budgets(run) }

  func isValid(_ function: LuaFunction) -> Bool {
    function.state == identity
      && (function.generation == generation || imageGenerations.contains(function.generation))
  }
}

extension LuaState {
  /// Values on the main thread's stack between runs: always 0. For tests of balance.
  package var stackTop: Int { Int(clk_stack_top(run)) }
  /// A digest of all memory that an image covers. For tests of reset.
  package var fingerprint: UInt64 { clk_fingerprint(run) }
  /// Functions that the host holds, while nothing runs. For tests of their ownership.
  package var heldFunctions: Int { Int(clk_held_functions(run)) }
  package var imageBytes: Int { Int(clk_image_size(run)) }
  package var outsideBytes: Int { Int(clk_outside_bytes(run)) }
}
