import CRM
import Foundation

/// SplitMix64. The seed is printed, and COULISSE_SEED repeats a run.
struct Seeded: RandomNumberGenerator {
  let seed: UInt64
  private var state: UInt64

  init(_ name: String, seed: UInt64? = nil) {
    let seed = seed ?? seedFromEnvironment() ?? UInt64.random(in: 0...UInt64.max)
    self.seed = seed
    state = seed
    print("\(name): seed \(seed) (COULISSE_SEED=\(seed) repeats it)")
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number of any magnitude: small and huge ones are equally likely.
  mutating func magnitude() -> Int64 {
    Int64(truncatingIfNeeded: next()) >> Int64.random(in: 0...63, using: &self)
  }

  mutating func text() -> String {
    let pool: [UnicodeScalar] = [
      "a", "Z", "é", "œ", "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{1F}", "\u{7F}", "€",
      "\u{301}", "😀",
      "\u{2028}", "\u{FFFD}", "\u{10FFFF}", " ", "$",
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0...12, using: &self) {
      text.unicodeScalars.append(pool[Int.random(in: 0..<pool.count, using: &self)])
    }
    return text
  }
}

/// The message of what `body` throws; "nothing thrown" when it throws nothing.
func message<T>(_ body: () throws -> T) -> String {
  do {
    let value = try body()
    return "nothing thrown, but \(value)"
  } catch {
    return "\(error)"
  }
}

func d(_ text: String) throws -> ExactDecimal { try ExactDecimal(parsing: text) }
func eur(_ text: String) throws -> Money { try Money(parsing: text, currency: .eur) }

private func seedFromEnvironment() -> UInt64? {
  ProcessInfo.processInfo.environment["COULISSE_SEED"].flatMap(UInt64.init)
}
