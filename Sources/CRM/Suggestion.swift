/// "Did you mean": the nearest of some names.
public enum Suggestion {
  /// The candidate that takes the fewest edits to reach from `word`, compared as labels are, provided that is at
  /// most a third of its letters (at least one). Of equals the first.
  public static func nearest(to word: String, among candidates: [String]) -> String? {
    let wanted = Array(Label.folded(word).unicodeScalars)
    guard !wanted.isEmpty, wanted.count <= 100 else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let letters = Array(Label.folded(candidate).unicodeScalars)
      let bound = max(1, max(wanted.count, letters.count) / 3)
      guard abs(letters.count - wanted.count) <= bound else { continue }
      let distance = distance(wanted, letters)
      guard distance <= bound, distance < (best?.distance ?? .max) else { continue }
      best = (candidate, distance)
    }
    return best?.name
  }

  /// Insertions, deletions, replacements and swaps of neighbours, each at most once a place.
  static func distance(_ a: [UnicodeScalar], _ b: [UnicodeScalar]) -> Int {
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        let cost = a[i - 1] == b[j - 1] ? 0 : 1
        var least = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          least = min(least, beforeLast[j - 2] + 1)
        }
        row.append(least)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
