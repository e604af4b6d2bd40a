import CLuaShim
import Synchronization

/// The C side's way back to its state: what the callbacks of `clk_host` get as their context.
///
/// The box is held by the state, and the C side frees its record in the state's deinit, so the unretained
/// pointer to it never dangles while C can call; the reference to the state is unowned for the same reason.
final class LuaStateBox {
  unowned(unsafe) var state: LuaState!

  private static let identities = Atomic<UInt64>(1)
  static func nextIdentity() -> UInt64 { identities.add(1, ordering: .relaxed).oldValue }

  static func callbacks(_ box: LuaStateBox) -> clk_host {
    clk_host(
      context: Unmanaged.passUnretained(box).toOpaque(),
      call: { context, thread, function, base in
        LuaStateBox.state(context).answerCall(thread!, function, base)
      },
      answer: { context, thread in LuaStateBox.state(context).answerResumed(thread!) },
      get: { context, thread, type, slot in
        LuaStateBox.state(context).answerGet(thread!, Int(type), Int(slot))
      },
      set: { context, thread, type, slot in
        LuaStateBox.state(context).answerSet(thread!, Int(type), Int(slot))
      },
      unknown: { context, thread, type, writing in
        LuaStateBox.state(context).answerUnknown(thread!, Int(type), writing)
      },
      source: { context, thread, name, length in
        let bytes = UnsafeRawBufferPointer(start: name, count: length)
        return LuaStateBox.state(context).answerSource(thread!, bytes)
      },
      now: { context in LuaStateBox.state(context).clock() },
      write: { context, start, count in
        LuaStateBox.state(context).printSink(Array(UnsafeRawBufferPointer(start: start, count: count)))
      })
  }

  @inline(__always)
  private static func state(_ context: UnsafeMutableRawPointer?) -> LuaState {
    // C passes back the very pointer it was given.
    Unmanaged<LuaStateBox>.fromOpaque(context.unsafelyUnwrapped)._withUnsafeGuaranteedRef { $0.state }
  }
}

/// The callbacks: each runs Swift to its end and answers with a code and the parcel.
extension LuaState {
  @inline(__always)
  func answerCall(_ thread: OpaquePointer, _ function: Int32, _ base: Int32) -> Int32 {
    let call = LuaCall(state: self, thread: thread, function: function, base: base)
    do {
      switch try functions[Int(function)](call) {
      case .none: return Int32(CLK_ANSWER_NONE)
      case .value(let value): try encode(value)
      case .values(let values): try encode(values)
      case .suspend: return Int32(CLK_ANSWER_SUSPEND)
      }
      return Int32(CLK_ANSWER_VALUES)
    } catch {
      return refuse(error, thread)
    }
  }

  func answerResumed(_ thread: OpaquePointer) -> Int32 {
    let answer = self.answer
    self.answer = nil
    do {
      try encode(answer?.get() ?? [])
      return Int32(CLK_ANSWER_VALUES)
    } catch {
      return refuse(error, thread)
    }
  }

  func answerGet(_ thread: OpaquePointer, _ type: Int, _ slot: Int) -> Int32 {
    guard let object = object(thread, 1) else { return refuse(LuaHostError("no object"), thread) }
    let call = LuaCall(state: self, thread: thread, function: -1, base: 2)
    do {
      try encode(types[type].get(call, object, slot))
      return Int32(CLK_ANSWER_VALUES)
    } catch {
      return refuse(error, thread)
    }
  }

  func answerSet(_ thread: OpaquePointer, _ type: Int, _ slot: Int) -> Int32 {
    let definition = types[type]
    guard let object = object(thread, 1) else { return refuse(LuaHostError("no object"), thread) }
    let call = LuaCall(state: self, thread: thread, function: -1, base: 2)
    do {
      guard let set = definition.set else {
        throw LuaHostError("\(definition.name).\(definition.fields[slot]) can't be assigned")
      }
      try set(call, object, slot, read(thread, 3))
      return Int32(CLK_ANSWER_NONE)
    } catch {
      return refuse(error, thread)
    }
  }

  func answerUnknown(_ thread: OpaquePointer, _ type: Int, _ writing: Bool) -> Int32 {
    let key = text(thread, 2).map { String(start(of: $0, bytes: 200)) } ?? "(\(typeName(thread, 2)))"
    return refuse(types[type].unknownField(object(thread, 1), key, writing), thread)
  }

  func answerSource(_ thread: OpaquePointer, _ name: UnsafeRawBufferPointer) -> Int32 {
    guard let name = String(validating: name, as: UTF8.self) else {
      return refuse(LuaHostError("a module's name must be text in UTF-8"), thread)
    }
    do {
      guard let source = try loader?(name) else {
        throw LuaHostError("module '\(name)' not found")
      }
      guard source.bytes.count <= limits.sourceBytes else {
        throw LuaHostError(
          "\(source.name): the text has \(source.bytes.count) bytes; at most \(limits.sourceBytes) are possible")
      }
      remember(source)
      try encode([.string("@" + source.name), .string(LuaString(bytes: source.bytes))])
      return Int32(CLK_ANSWER_VALUES)
    } catch {
      return refuse(error, thread)
    }
  }

  /// The longest start of a text of at most so many bytes, made of whole characters.
  private func start(of text: String, bytes: Int) -> Substring {
    guard text.utf8.count > bytes else { return text[...] }
    var end = text.utf8.index(text.startIndex, offsetBy: bytes)
    while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return text[..<end]
  }

  /// Turns a thrown error into a message with the calling line before it. An error of a nested call
  /// already has one and keeps its own cause.
  private func refuse(_ error: any Error, _ thread: OpaquePointer) -> Int32 {
    var cause = error
    if let host = error as? LuaHostError, let inner = host.cause { cause = inner }
    if let lua = error as? LuaError, lua.kind == .fatal, let inner = lua.cause { cause = inner }
    if cause is any LuaFatal {
      fatal = cause
      return Int32(CLK_ANSWER_FATAL)
    }
    var text = message(of: error)
    if let lua = error as? LuaError {
      if let inner = lua.cause { cause = inner }
    } else if let (script, line) = position(thread) {
      text = "\(script):\(line): \(text)"
    }
    // These are kept outside of the state's own memory, so they must not be as long as a script likes.
    let message = Array(start(of: text, bytes: LuaState.messageLimit).utf8)
    if causes.count >= 32 { causes.removeFirst() }
    causes.append((message, cause))
    let parcel = clk_parcel_of(run)
    clk_parcel_clear(parcel)
    message.withUnsafeBytes { clk_parcel_bytes(parcel, $0.baseAddress, $0.count) }
    return Int32(CLK_ANSWER_ERROR)
  }
}
