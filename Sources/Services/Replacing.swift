extension String {
  /// The text with each of these words replaced, read once from the left: what was put in is not looked at again. Words
  /// that begin alike stand with the longer one first.
  func replacing(_ words: [(word: String, by: String)]) -> String {
    let starts = Set(words.compactMap(\.word.first))
    var result = ""
    var rest = self[...]
    while let place = rest.firstIndex(where: starts.contains) {
      result += rest[..<place]
      rest = rest[place...]
      if let found = words.first(where: { rest.hasPrefix($0.word) }) {
        result += found.by
        rest = rest.dropFirst(found.word.count)
      } else {
        result.append(rest.removeFirst())
      }
    }
    return result + rest
  }
}
