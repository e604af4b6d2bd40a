import CRM
import Scripting
import Store

/// The world as a guard sees it: it reads records, rejects and warns, and nothing else.
final class GuardHost: ScriptHost {
  private let access: RecordAccess
  private let now: Instant
  private(set) var rejections: [String] = []
  private(set) var warnings: [String] = []
  private(set) var printed: [String] = []

  init(tx: any StoreTransaction, now: Instant) {
    access = RecordAccess(tx: tx)
    self.now = now
  }

  func perform(_ call: HostCall) throws -> HostAnswer {
    switch call {
    case .get(let ref, let field): return .value(try access.get(ref, field))
    case .find(let kind, let criteria): return .value(try access.find(kind, criteria))
    case .fetch(let kind, let name): return .value(try access.fetch(kind, name))
    case .now: return .value(.instant(now))
    case .reject(let reason):
      rejections.append(reason)
      return .value(.null)
    case .warn(let text):
      warnings.append(text)
      return .value(.null)
    case .log(let text):
      if printed.count < 200 { printed.append(text) }
      return .value(.null)
    case .set(let ref, let field, _):
      throw refusal("write \(ref.kind.words).\(field)")
    case .create(let kind, _):
      throw refusal("create \(kind.phrase)")
    case .move, .close:
      throw refusal("move a deal")
    case .operation(let service, let name, _, _):
      throw refusal("call \(service).\(name)")
    case .wait:
      throw refusal("wait")
    }
  }

  private func refusal(_ what: String) -> HostFailure {
    HostFailure(
      .misuse, "a guard reads and rejects; it can't \(what). Do that in on.enter, on.won or another reaction")
  }
}
