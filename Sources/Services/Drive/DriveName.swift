import Foundation

/// A folder's or document's name that every file system, Google Drive's synchronization and a person can live with.
///
/// Made of what somebody typed: composed Unicode (NFC); no separators, control characters or characters that Windows
/// refuses; no invisible ones that turn the reading direction or make two names look the same; no blanks, dots or
/// hyphens at the ends; never empty, "." or "..", and no name of a Windows device. Accents, apostrophes, emoji and
/// right-to-left text stay. The same text always gives the same name, and a name made of a name is that name.
public struct DriveName: Hashable, Sendable, CustomStringConvertible {
  /// The name without its extension.
  public let stem: String
  /// Without the dot; empty for a folder.
  public let fileExtension: String

  /// Characters of a whole name, at most.
  public static let characterLimit = 120
  /// Bytes of a whole name in UTF-8, at most: what Linux and macOS can store.
  public static let byteLimit = 255
  private static let extensionLimit = 10

  /// - Parameters:
  ///   - text: what a person typed; cut at a character's end where it is too long.
  ///   - fileExtension: such as "pdf", for a document; other than letters and digits of ASCII is left out.
  ///   - fallback: the name if nothing of `text` can be kept.
  public init(_ text: String, extension fileExtension: String = "", fallback: String) {
    self.fileExtension = String(
      fileExtension.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(Self.extensionLimit))
    let room = Self.room(beside: self.fileExtension, number: Self.reservedNumber)
    stem = Self.stem(of: text, room: room) ?? Self.stem(of: fallback, room: room) ?? "_"
  }

  private init(stem: String, fileExtension: String) {
    self.stem = stem
    self.fileExtension = fileExtension
  }

  /// The whole name: "Convention.pdf".
  public var text: String { fileExtension.isEmpty ? stem : "\(stem).\(fileExtension)" }
  public var description: String { text }

  // MARK: Names that are taken

  /// Whether two names mean the same folder somewhere: on a file system that ignores case (Windows, macOS), keeps names
  /// decomposed (macOS), or passes over invisible characters. Accents and apostrophes tell names apart.
  public static func areSame(_ a: String, _ b: String) -> Bool { folded(a) == folded(b) }

  /// "Name (2)"; a long stem gives way.
  public func numbered(_ number: Int) -> DriveName {
    let room = Self.room(beside: fileExtension, number: number)
    return DriveName(stem: Self.cut(stem, room) + " (\(number))", fileExtension: fileExtension)
  }

  /// Strings compare by canonical equivalence, so composed and decomposed forms need no further step. Capitals first:
  /// ß, ſ and ς become what their capitals become.
  private static func folded(_ name: String) -> String {
    let visible = name.unicodeScalars.filter { !$0.properties.isDefaultIgnorableCodePoint }
    return String(String.UnicodeScalarView(visible)).uppercased().lowercased()
  }

  // MARK: Making a name

  private struct Room {
    var characters: Int
    var bytes: Int
  }

  /// Kept free in every name, so that its numbered ones begin alike.
  private static let reservedNumber = 9999

  private static func room(beside fileExtension: String, number: Int) -> Room {
    let used = " (\(number))".utf8.count + (fileExtension.isEmpty ? 0 : fileExtension.utf8.count + 1)
    return Room(characters: characterLimit - used, bytes: byteLimit - used)
  }

  /// Nil when nothing that can be seen is left.
  private static func stem(of text: String, room: Room) -> String? {
    var scalars = String.UnicodeScalarView()
    var pendingBlank = false
    for scalar in text.unicodeScalars {
      let kept: Unicode.Scalar
      switch treatment(of: scalar) {
      case .dropped: continue
      case .blank:
        pendingBlank = true
        continue
      case .hyphen: kept = "-"
      case .kept: kept = scalar
      }
      if pendingBlank, !scalars.isEmpty { scalars.append(" ") }
      pendingBlank = false
      scalars.append(kept)
      // Longer than any name can be, and no text takes longer than that to clean.
      if scalars.count > 20 * byteLimit { break }
    }
    let composed = String(scalars).precomposedStringWithCanonicalMapping
    var stem = cut(trimmed(composed[...]), room)
    if let end = deviceEnd(of: stem) {
      stem.unicodeScalars.insert("_", at: end)
      stem = cut(stem, room)
    }
    return stem.unicodeScalars.contains { !$0.properties.isDefaultIgnorableCodePoint } ? stem : nil
  }

  private enum Treatment {
    case kept
    case dropped
    case blank
    case hyphen
  }

  private static func treatment(of scalar: Unicode.Scalar) -> Treatment {
    switch scalar {
    case "/", "\\", ":", "|": return .hyphen
    case "<", ">", "\"", "?", "*": return .blank
    case "\u{0}": return .dropped
    // Joiners of emoji and of Persian and Indian letters; the tags that spell regional flags; old Hangul.
    case "\u{200C}", "\u{200D}", "\u{E0020}"..."\u{E007F}", "\u{115F}", "\u{1160}": return .kept
    default: break
    }
    if scalar.isASCII, scalar.value > 0x20, scalar.value < 0x7F { return .kept }
    let properties = scalar.properties
    if properties.isWhitespace || properties.generalCategory == .control { return .blank }
    if properties.isNoncharacterCodePoint { return .dropped }
    // Bidi controls, zero-width blanks, soft hyphens, fillers.
    if properties.isDefaultIgnorableCodePoint, !properties.isVariationSelector { return .dropped }
    return .kept
  }

  /// Without blanks, dots and hyphens at the ends, nor joiners that join nothing.
  private static func trimmed(_ text: Substring) -> String {
    func isTrimmed(_ scalar: Unicode.Scalar) -> Bool {
      scalar == " " || scalar == "." || scalar == "-" || scalar == "\u{200C}" || scalar == "\u{200D}"
    }
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isTrimmed($0) }),
      let last = scalars.lastIndex(where: { !isTrimmed($0) })
    else { return "" }
    return String(scalars[first...last])
  }

  /// The longest beginning that fits, ending where a character ends. A single character that is too long by itself (a
  /// letter under hundreds of marks) loses its last marks.
  private static func cut(_ text: String, _ room: Room) -> String {
    guard text.utf8.count > room.bytes || text.count > room.characters else { return text }
    var end = text.startIndex
    var bytes = 0
    for (place, character) in text.enumerated() {
      bytes += character.utf8.count
      if place == room.characters || bytes > room.bytes { break }
      end = text.index(after: end)
    }
    if end == text.startIndex {
      bytes = 0
      for scalar in text.unicodeScalars {
        bytes += UTF8.width(scalar)
        if bytes > room.bytes { break }
        end = text.unicodeScalars.index(after: end)
      }
    }
    return trimmed(text[..<end])
  }

  /// Where the name of a Windows device ends that `stem` begins with ("NUL", "com1.txt"); nil if there is none.
  private static func deviceEnd(of stem: String) -> String.Index? {
    let first = stem.prefix { $0 != "." }
    var word = first[...]
    while word.last == " " { word.removeLast() }
    let letters = word.uppercased()
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(letters) { return word.endIndex }
    guard letters.count == 4, letters.hasPrefix("COM") || letters.hasPrefix("LPT"), let digit = letters.last,
      "0123456789¹²³".contains(digit)
    else { return nil }
    return word.endIndex
  }
}
