import CRM

/// A deal as a plain value, changed by one change after the other: what the database says of a deal must be what its
/// history comes to.
struct DealModel {
  private var stage: Int64?
  private var status = "open"
  /// Of a field that a new deal has by itself, the history says nothing.
  private var fields: [String: JSON] = ["archived": .bool(false)]
  private let stages: [Int64: String]

  private init(stages: [Int64: String]) { self.stages = stages }

  /// Goes through every deal's history.
  /// - Throws: `SimulationFault` where a change does not follow from what was before, or where the end is not what the
  ///   deal's row says.
  static func check(_ onlooker: Onlooker) throws {
    var stages: [Int64: String] = [:]
    for row in try onlooker.rows("SELECT id, name FROM stage") { stages[Int64(row[0]) ?? 0] = String(row[1]) }
    var models: [Substring: DealModel] = [:]
    let history = try onlooker.rows(
      """
      SELECT record_id, seq, stage_from, stage_to, changes FROM history WHERE record_kind = 'deal'
      ORDER BY record_id, seq
      """)
    for row in history {
      do {
        try models[row[0], default: DealModel(stages: stages)].apply(row)
      } catch let fault as SimulationFault {
        throw SimulationFault("deal \(row[0]), change \(row[1]): \(fault), in: \(row[4])")
      }
    }
    for row in try onlooker.rows("SELECT id, stage_id, status, custom FROM deal") {
      try models[row[0]]?.compare(id: row[0], stage: Int64(row[1]), status: String(row[2]), custom: String(row[3]))
    }
  }

  private mutating func apply(_ row: [Substring]) throws {
    let changes = try JSON(parsing: String(row[4])).objectValue ?? []
    if let to = Int64(row[3]) {
      guard Int64(row[2]) == stage else { throw SimulationFault("it leaves a stage in which the deal is not") }
      guard status == "open" else { throw SimulationFault("a deal that is \(status) is moved") }
      if stages[to] == "Envoi", fields["blocked"] == .string("yes") {
        throw SimulationFault("the guard did not keep a blocked deal out of Envoi")
      }
      stage = to
    }
    for change in changes {
      guard let pair = change.value.arrayValue, pair.count == 2 else { throw SimulationFault("it is not a pair") }
      switch change.name {
      case "status":
        let (old, new) = (pair[0].stringValue, pair[1].stringValue ?? "")
        guard old == nil || old == status, old == nil || (old == "open") != (new == "open") else {
          throw SimulationFault("a deal that is \(status) becomes \(new)")
        }
        status = new
      case "stage":
        stage = pair[1]["$record"]?.stringValue.flatMap { Int64($0.drop { $0 != ":" }.dropFirst()) }
      default:
        guard fields[change.name] ?? .null == pair[0] else {
          throw SimulationFault("\(change.name) was \(fields[change.name]?.text(pretty: false) ?? "nothing")")
        }
        fields[change.name] = pair[1] == .null ? nil : pair[1]
      }
    }
  }

  private func compare(id: Substring, stage: Int64?, status: String, custom: String) throws {
    guard stage == self.stage, status == self.status else {
      throw SimulationFault(
        "deal \(id) is in stage \(stage ?? 0), \(status); by its history in \(self.stage ?? 0), \(self.status)")
    }
    let members = try JSON(parsing: custom).objectValue ?? []
    for member in members where fields[member.name] != member.value {
      throw SimulationFault(
        "deal \(id) has \(member.name) = \(member.value.text(pretty: false)), by its history "
          + (fields[member.name]?.text(pretty: false) ?? "nothing"))
    }
    let builtIn: Set = ["key", "title", "pipeline", "owner", "created_at", "closed_at", "archived"]
    for name in fields.keys where !builtIn.contains(name) && !members.contains(where: { $0.name == name }) {
      throw SimulationFault("deal \(id) has no \(name), and by its history it has")
    }
  }
}
