import Scripting
import Store

/// Walks through what earlier segments asked.
struct ReplayCursor {
  enum Item {
    case entry(JournalEntry)
    case step(JournalRow.Step)
  }

  private var items: [Item] = []
  private var place = 0

  init(_ journal: [JournalRow]) throws {
    for row in journal {
      // A segment without a step is the last one of a run that failed or ended: it was rolled back, or is over.
      guard let step = row.step else { continue }
      items += try JournalEntry.decode(row.entries).map { .entry($0) }
      items.append(.step(step))
    }
  }

  var isAtEnd: Bool { place == items.count }

  /// What comes next, as messages name it.
  var nextWords: String {
    guard place < items.count else { return "nothing" }
    switch items[place] {
    case .entry(let entry): return entry.tag
    case .step(let step): return step.name
    }
  }

  mutating func next() throws -> Item {
    guard place < items.count else { throw HostFailure(.diverged, "the journal has ended") }
    defer { place += 1 }
    return items[place]
  }
}
