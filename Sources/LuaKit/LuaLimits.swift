/// What one run of a script may use. A spent budget ends the run and no script can catch that.
public struct LuaLimits: Sendable, Hashable {
  /// CPU seconds of Lua and of the host functions it calls, summed over the segments of a run; `nil`
  /// is no limit. A segment that lasts ten times as long by the wall clock ends as well.
  public var seconds: Double?
  /// Bytes the state may hold after a collection. Garbage does not count.
  public var memoryBytes: Int
  /// Calls from Lua into Swift; reads answered by the field cache are free. `nil` is no limit.
  public var hostCalls: Int?
  /// Virtual machine instructions and charged steps of library functions; counting costs about an
  /// eighth of the speed, so it is off (`nil`) where reproducible limits are not needed.
  public var instructions: Int?
  /// Bytes of one source text, the host's and those `load` gets. The compiler and the naming of failing
  /// fields have quadratic corners that nothing can interrupt; at 64 KB they stay below a second.
  public var sourceBytes: Int
  /// Bytes that `print` may write in one run.
  public var printedBytes: Int

  public init(
    seconds: Double? = 2, memoryBytes: Int = 64 << 20, hostCalls: Int? = 100_000, instructions: Int? = nil,
    sourceBytes: Int = 64 << 10, printedBytes: Int = 1 << 20
  ) {
    self.seconds = seconds
    self.memoryBytes = memoryBytes
    self.hostCalls = hostCalls
    self.instructions = instructions
    self.sourceBytes = sourceBytes
    self.printedBytes = printedBytes
  }
}
