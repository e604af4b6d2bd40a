import CRM
import Services
import Store
import Synchronization

/// A vendor's service: its effects are in no database of ours and outlive every crash. It honours keys, as a vendor
/// does, and keeps everything that it was ever asked.
public final class Courier: Service {
  /// What becomes of a call.
  enum Mood: CaseIterable, Sendable {
    case answers
    /// Nothing has happened; it may work later.
    case unavailable, tooMany
    /// It has happened, and the answer is lost.
    case losesAnswer
    /// The network delivers it twice.
    case twice
    /// Nothing happens, now and later.
    case refuses
  }

  /// All that is known of one key.
  struct Parcel: Sendable {
    var operation: String
    var arguments: String
    var calls = 0
    /// The answer that every call with this key gets; nil before the effect.
    var answer: String?
  }

  private struct State {
    var mood = Mood.answers
    var parcels: [String: Parcel] = [:]
    /// Only reads are to come, and they are nobody's steps.
    var isRehearsed = false
    /// What it was asked and should not have been.
    var faults: [String] = []
  }

  private let state = Mutex(State())

  /// Nothing was asked yet.
  public init() {}

  func forget() { state.withLock { $0 = State() } }

  /// Of the next calls.
  func set(_ mood: Mood) { state.withLock { $0.mood = mood } }

  /// While a dry run lasts.
  func rehearse(_ isRehearsed: Bool) { state.withLock { $0.isRehearsed = isRehearsed } }

  var parcels: [String: Parcel] { state.withLock { $0.parcels } }
  var faults: [String] { state.withLock { $0.faults } }

  // MARK: Service

  public let declaration = ServiceDeclaration(
    name: "courier", doc: "Carries parcels, somewhere else.",
    operations: [
      OperationDeclaration(
        name: "send", kind: .effect, parameters: [ParameterDeclaration(name: "text", type: "text")], returns: "text",
        doc: "Sends a parcel; answers its number."),
      OperationDeclaration(
        name: "look", kind: .read, parameters: [ParameterDeclaration(name: "text", type: "text")], returns: "text",
        doc: "Looks a parcel up."),
    ])

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    ResolvedOperation(arguments: .object([ValueField("text", arguments.first ?? .null)]))
  }

  public func perform(_ call: OperationCall, in transaction: (any StoreTransaction)?) throws(ServiceFailure) -> Value {
    let (mood, answer) = state.withLock { state in
      (state.mood, Self.deliver(call, &state))
    }
    switch mood {
    case .answers, .twice: return .text(answer)
    case .unavailable, .losesAnswer: throw ServiceFailure(.transient(retryAfter: nil), "\(call.name): no answer in time")
    case .tooMany: throw ServiceFailure(.transient(retryAfter: .seconds(90)), "\(call.name): too many requests")
    case .refuses: throw ServiceFailure(.permanent, "\(call.name): refused")
    }
  }

  private static func deliver(_ call: OperationCall, _ state: inout State) -> String {
    if state.isRehearsed {
      if call.operation == "send" { state.faults.append("promise 8: a dry run has sent \(call.key)") }
      return ""
    }
    let arguments = call.arguments.json.text(pretty: false)
    var parcel = state.parcels[call.key] ?? Parcel(operation: call.operation, arguments: arguments)
    if parcel.arguments != arguments { state.faults.append("promise 3: one key for two things: \(call.key): \(parcel.arguments), then \(arguments)") }
    parcel.calls += state.mood == .twice ? 2 : 1
    if [.answers, .losesAnswer, .twice].contains(state.mood), parcel.answer == nil {
      parcel.answer = "parcel \(state.parcels.count + 1)"
    }
    state.parcels[call.key] = parcel
    return parcel.answer ?? ""
  }

  public func preview(_ call: OperationCall, in transaction: (any StoreTransaction)?) throws(ServiceFailure) -> Value {
    .text("parcel ????")
  }
}
