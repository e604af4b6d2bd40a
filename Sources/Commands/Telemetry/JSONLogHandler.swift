import CRM
import Foundation
import Logging

/// Log lines as JSON, one object a line: `{"time", "level", "message", …}` with the ids of run, deal, event and path as
/// members of their own.
struct JSONLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info
  private let now: @Sendable () -> Instant
  private let write: @Sendable (String) -> Void

  init(
    now: @escaping @Sendable () -> Instant = { OpenWorkspace.now },
    write: @escaping @Sendable (String) -> Void = { FileHandle.standardError.write(Data(($0 + "\n").utf8)) }
  ) {
    self.now = now
    self.write = write
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var members = [
      JSONMember("time", .string(now().description)), JSONMember("level", .string(event.level.rawValue)),
      JSONMember("message", .string(event.message.description)),
    ]
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    for (name, value) in all.sorted(by: { $0.key < $1.key }) {
      members.append(JSONMember(name, Int64(value.description).map { .integer($0) } ?? .string(value.description)))
    }
    write(JSON.object(members).text(pretty: false))
  }
}
