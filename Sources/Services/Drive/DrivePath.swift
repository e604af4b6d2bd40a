import CRM

/// A checked way from the drive's root to something in it: plain names, one inside the other. It can't lead up, and
/// the root itself is the empty path.
struct DrivePath {
  let components: [String]

  /// Names in one another, at most.
  static let depthLimit = 32

  /// - Throws: a permanent failure for a component that is no plain name.
  init(_ components: [String]) throws(ServiceFailure) {
    self.components = components
    guard components.count <= Self.depthLimit else {
      throw ServiceFailure(
        .permanent, "drive: expected at most \(Self.depthLimit) folders inside one another, found \(components.count)")
    }
    for name in components {
      if let reason = Self.fault(of: name) {
        throw ServiceFailure(.permanent, "drive: \(shown): \(reason); choose another name")
      }
    }
  }

  private static func fault(of name: String) -> String? {
    if name.isEmpty { return "a name can't be empty" }
    if name == "." || name == ".." { return "expected a name, found \"\(name)\"" }
    if name.utf8.contains(UInt8(ascii: "/")) { return "a name can't hold \"/\"" }
    if name.utf8.contains(0) { return "a name can't hold the character NUL" }
    if name.utf8.count > DriveName.byteLimit {
      return "expected a name of at most \(DriveName.byteLimit) bytes, found \(name.utf8.count)"
    }
    if TemporaryName.isOne(name) { return "such names are kept for files that are being written" }
    return nil
  }

  /// The folder that holds it; the root's own is the root.
  var folder: [String] { components.dropLast() }
  /// Nil for the root.
  var name: String? { components.last }

  /// For messages: relative to the drive, on one line.
  var shown: String { Self.shown(components) }

  static func shown(_ components: [String]) -> String {
    components.isEmpty ? "the drive's folder" : "\"" + components.map(printable).joined(separator: "/") + "\""
  }

  private static func printable(_ name: String) -> String {
    var text = ""
    for (place, scalar) in name.unicodeScalars.enumerated() {
      if place == 150 { return text + "…" }
      let properties = scalar.properties
      if properties.generalCategory == .control || properties.isBidiControl || (0x2028...0x2029).contains(scalar.value)
      {
        text += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

/// The name of a file while it is being written, beside its final one.
enum TemporaryName {
  private static let prefix = ".coulisse-"
  private static let suffix = ".part"

  /// 64 random bits: two writers don't meet, and if they do the second one draws again.
  static func make() -> String {
    let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
    return prefix + String(repeating: "0", count: 16 - digits.utf8.count) + digits + suffix
  }

  static func isOne(_ name: String) -> Bool {
    let middle = name.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
    return name.hasPrefix(prefix) && name.hasSuffix(suffix) && middle.count == 16
      && middle.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
