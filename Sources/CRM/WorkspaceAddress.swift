/// A record's address inside the workspace, `coulisse://documents/12`: it holds without any server, and whatever the
/// record or its file is named by now (ALT-121).
public enum WorkspaceAddress {
  private static let kinds: [(path: String, kind: RecordKind)] = [
    ("documents", .document), ("folders", .folder), ("signatures", .signatureRequest),
  ]
  private static let scheme = "coulisse://"

  /// Nil for records that have no such address.
  public static func of(_ ref: RecordRef) -> String? {
    kinds.first { $0.kind == ref.kind }.map { "\(scheme)\($0.path)/\(ref.id)" }
  }

  /// The record at an address; nil when it is none of this form. Whether the record exists is another question.
  public static func record(_ text: String) -> RecordRef? {
    guard text.hasPrefix(scheme) else { return nil }
    let parts = text.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let kind = kinds.first(where: { $0.path == parts[0] })?.kind, let id = Int64(parts[1]),
      id > 0, String(id) == parts[1]
    else { return nil }
    return RecordRef(kind, id)
  }
}
