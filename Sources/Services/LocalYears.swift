import CRM
import Foundation
import Synchronization

/// Which calendar year a moment falls into where the workspace is. The zone's rules are asked once a year, not once
/// a quote.
final class LocalYears: Sendable {
  private struct Window {
    var year: Int
    var milliseconds: Range<Int64>
  }

  private let zone: TimeZone?
  private let window = Mutex<Window?>(nil)

  init(timeZone identifier: String) {
    zone = TimeZone(identifier: identifier)
  }

  /// Whether there is a time zone of the name given.
  var isKnown: Bool { zone != nil }

  /// Nil outside the years 1 to 9999.
  func year(of instant: Instant) -> Int? {
    window.withLock { window -> Int? in
      if let window, window.milliseconds.contains(instant.milliseconds) { return window.year }
      guard let year = instant.day(utcOffset: offset(at: instant.milliseconds))?.year else { return nil }
      if let first = start(of: year), let next = start(of: year + 1), first < next {
        window = Window(year: year, milliseconds: first..<next)
      }
      return year
    }
  }

  private func offset(at milliseconds: Int64) -> Int {
    zone?.secondsFromGMT(for: Date(timeIntervalSince1970: Double(milliseconds) / 1000)) ?? 0
  }

  /// The first moment of a year, local time.
  private func start(of year: Int) -> Int64? {
    guard let day = try? CalendarDay(year: year, month: 1, day: 1) else { return nil }
    let local = Instant(startOf: day).milliseconds
    // The offset that counts is the one at that moment, not the one of the same time in UTC.
    let near = local - Int64(offset(at: local)) * 1000
    return local - Int64(offset(at: near)) * 1000
  }
}
