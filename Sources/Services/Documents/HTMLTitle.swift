/// The little that is read of a generated document's HTML itself.
enum HTMLTitle {
  /// The text of `<title>`, on one line; nil when there is none, or nothing in it.
  static func of(_ html: String) -> String? {
    guard let start = range(of: "<title>", in: html.utf8[...]),
      let end = range(of: "</title>", in: html.utf8[start.upperBound...])
    else { return nil }
    let raw = String(html[start.upperBound..<end.lowerBound])
    let text = unescaped(raw).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return text.isEmpty ? nil : text
  }

  /// Whether the document has come to its end.
  static func isComplete(_ html: String) -> Bool {
    range(of: "</html>", in: html.utf8.suffix(4096)) != nil
  }

  /// Letters of ASCII in either case.
  private static func range(of word: String, in text: Substring.UTF8View) -> Range<String.Index>? {
    let word = Array(word.utf8)
    var start = text.startIndex
    while start != text.endIndex {
      var place = start
      var matched = 0
      while matched < word.count, place != text.endIndex, lowered(text[place]) == word[matched] {
        place = text.index(after: place)
        matched += 1
      }
      if matched == word.count { return start..<place }
      start = text.index(after: start)
    }
    return nil
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

  /// The five characters that the templates escape, and the space that does not break.
  private static func unescaped(_ text: String) -> String {
    text.replacing([
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&nbsp;", "\u{A0}"),
      ("&amp;", "&"),
    ])
  }
}
