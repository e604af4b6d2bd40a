/// How many columns of a terminal a text takes.
enum DisplayWidth {
  static func of(_ text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

  /// Of what a reader takes for one character: combining marks take no room of their own.
  private static func width(of character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if isWide(first.value) || first.properties.isEmojiPresentation { return 2 }
    // A symbol that is drawn as a picture because a selector follows it, or a flag.
    if character.unicodeScalars.contains(where: { $0.value == 0xFE0F }) && first.properties.isEmoji { return 2 }
    return 1
  }

  /// East Asian wide and full-width characters, and pictures.
  private static func isWide(_ value: UInt32) -> Bool {
    switch value {
    case 0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x2E80...0x303E, 0x3041...0x33FF,
      0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
      0x1F900...0x1F9FF, 0x1FA70...0x1FAFF, 0x20000...0x3FFFD:
      true
    default: false
    }
  }
}

/// Rows under headings, aligned by what is seen and not by bytes.
struct Table {
  enum Alignment { case left, right }

  var headings: [(title: String, alignment: Alignment)]
  var rows: [[String]] = []

  init(_ headings: [(String, Alignment)]) { self.headings = headings }

  init(_ headings: [String]) { self.init(headings.map { ($0, .left) }) }

  mutating func add(_ cells: [String]) { rows.append(cells.map { Terminal.visible($0) }) }

  /// The lines, without blanks at their ends.
  var lines: [String] {
    let all = [headings.map(\.title)] + rows
    let widths = headings.indices.map { column in
      all.map { column < $0.count ? DisplayWidth.of($0[column]) : 0 }.max() ?? 0
    }
    return all.map { row in
      var line = ""
      for (column, cell) in row.enumerated() where column < widths.count {
        let blank = String(repeating: " ", count: widths[column] - DisplayWidth.of(cell))
        if column > 0 { line += "  " }
        line += headings[column].alignment == .right ? blank + cell : cell + blank
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  func print() throws {
    let lines = lines
    let head = Terminal.emphasized(lines[0], .bold, on: .data)
    try Terminal.print(([head] + lines.dropFirst()).joined(separator: "\n"))
  }
}
