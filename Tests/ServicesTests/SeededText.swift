/// Random texts of what names and mails may hold, and of what they may not (SplitMix64; see `testSeed`).
struct SeededText: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  static let letters = [
    "a", "Z", "0", "é", "e\u{301}", "œ", "ß", "Ç", "’", "'", " ", " ", "\u{A0}", "€", "中", "דן", "عربي", "नि",
    "👩‍👩‍👧‍👦", "🇫🇷",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "한", "한", "\u{1F468}\u{1F3FD}", "A\u{300}\u{323}",
  ]
  static let signs = [
    ".", "-", "_", "/", "\\", ":", "|", "<", ">", "\"", "?", "*", ",", ";", "@", "(", ")", "=", "=?", "?=",
    "=?UTF-8?Q?x?=",
    "%", "&", "#", "~", "$", "+", "!", "`", "^", "{", "[",
  ]
  static let controls = [
    "\u{0}", "\n", "\r", "\r\n", "\t", "\u{7F}", "\u{85}", "\u{2028}", "\u{202E}", "\u{2066}", "\u{200F}", "\u{200D}",
    "\u{200B}", "\u{FEFF}", "\u{AD}", "\u{3164}", "\u{FFFF}", "\u{10FFFE}", "\u{301}", "\u{FE0F}", "\u{E000}",
    "\u{37E}",
    "\u{212A}", "\u{1F1E6}", "\u{1100}", "\u{1161}", "\u{11A8}", "\u{338}", "\u{F900}",
  ]
  static let words = ["CON", "nul", "COM1", "LPT³", "NUL .", "From ", "Dupont", "..", "desktop", ".pdf", "conin$"]

  /// Up to `most` pieces of the lists given; now and then one piece many times over.
  mutating func text(_ lists: [[String]], most: Int = 40) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0...most, using: &self) {
      let list = lists[Int.random(in: 0..<lists.count, using: &self)]
      let piece = list[Int.random(in: 0..<list.count, using: &self)]
      let times = Int.random(in: 0..<50, using: &self) == 0 ? Int.random(in: 1...200, using: &self) : 1
      text += String(repeating: piece, count: times)
    }
    return text
  }
}
