import CLuaShim

/// Running scripts.
extension LuaState {
  /// Compiles a source text; it runs when the function is started. The function lasts until `release`.
  public func load(_ source: LuaSource) throws(LuaError) -> LuaFunction {
    guard source.bytes.count <= limits.sourceBytes else {
      throw LuaError(
        kind: .syntax,
        message: "\(source.name): the text has \(source.bytes.count) bytes; at most \(limits.sourceBytes) are possible")
    }
    guard isRunning || !clk_is_spent(run) else { throw .spent }
    remember(source)
    try pack([.string("@" + source.name), .string(LuaString(bytes: source.bytes))])
    var reference: Int32 = 0
    let status = clk_load(run, &reference)
    guard status == CLK_DONE else { throw failure() }
    return LuaFunction(reference: reference, state: identity, generation: generation)
  }

  /// Begins a run with fresh budgets: calls the function in a coroutine of its own, up to its end or to
  /// the first host function that suspends it.
  public func start(_ function: LuaFunction, _ arguments: [LuaValue] = []) throws(LuaError) -> LuaOutcome {
    guard !isRunning else { throw .misuse("a run can't be started by a host function; use call") }
    guard !isSuspended else { throw .misuse("a run is suspended; resume it or reset the state first") }
    guard !clk_is_spent(run) else { throw .spent }
    guard isValid(function) else { throw .misuse("the function belongs to another state or to an earlier run") }
    causes.removeAll(keepingCapacity: true)
    fatal = nil
    try pack(arguments)
    return try outcome(clk_start(run, function.reference))
  }

  /// Goes on with a suspended run: the call that suspended it returns the values, or raises the error,
  /// which the script can catch.
  public func resume(_ answer: Result<[LuaValue], LuaHostError>) throws(LuaError) -> LuaOutcome {
    guard !isRunning else { throw .misuse("a run can't be resumed by a host function") }
    guard isSuspended else { throw .misuse("no run is suspended") }
    self.answer = answer
    return try outcome(clk_resume(run))
  }

  /// Calls a function to its end. It can't suspend. Usable from inside a host function, and then under the
  /// budgets of the run; else it is a run of its own.
  public func call(_ function: LuaFunction, _ arguments: [LuaValue] = []) throws(LuaError) -> [LuaValue] {
    guard isValid(function) else { throw .misuse("the function belongs to another state or to an earlier run") }
    if !isRunning {
      guard !isSuspended else { throw .misuse("a run is suspended; resume it or reset the state first") }
      guard !clk_is_spent(run) else { throw .spent }
      causes.removeAll(keepingCapacity: true)
      fatal = nil
    }
    try pack(arguments)
    guard clk_call(run, function.reference) == CLK_DONE else { throw failure() }
    return decodeAll()
  }

  /// Keeps a function beyond the return of the host function that was given it, until `release`. Handles are
  /// not counted: one `release` ends the function for all who hold it.
  @discardableResult
  public func retain(_ function: LuaFunction) -> LuaFunction {
    if isValid(function) { clk_retain(run, function.reference) }
    return function
  }

  /// Lets the state forget a function; its handle (and equal ones) can't be used any more.
  public func release(_ function: LuaFunction) {
    if isValid(function) { _ = clk_release(run, function.reference) }
  }

  private func outcome(_ status: Int32) throws(LuaError) -> LuaOutcome {
    switch status {
    case Int32(CLK_DONE): return .returned(decodeAll())
    case Int32(CLK_SUSPENDED): return .suspended
    default: throw failure()
    }
  }

  func check(_ status: Int32) throws(LuaError) {
    if status != CLK_DONE { throw failure() }
  }
}
