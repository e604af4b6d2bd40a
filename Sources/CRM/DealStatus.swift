/// Where a deal stands, besides its stage: won is a status, not a stage (ALT-03).
public enum DealStatus: String, CaseIterable, Hashable, Sendable {
  case open
  case won
  case lost

  /// The status that `word` means, in French or English, whatever its case and accents. Throws for unknown words.
  public init(word: String) throws(ValueFault) {
    switch Label.folded(word) {
    case "open", "ouvert", "ouverte", "en cours", "reouvert", "reouverte": self = .open
    case "won", "win", "conclu", "conclue", "gagne", "gagnee": self = .won
    case "lost", "lose", "perdu", "perdue": self = .lost
    default:
      throw ValueFault(
        "there is no status \(quoted(word)); the statuses are open (ouvert), won (conclu, gagné) and lost (perdu)"
      )
    }
  }
}
