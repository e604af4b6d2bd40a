import CRM
import Services
import Store

/// A service in its world, for `ServiceConformance`: a local one with a database file, a connector with a fake of
/// its vendor's server.
public protocol ServiceBench: AnyObject {
  var service: any Service { get }
  /// The workspace's database as a call sees it. What `body` writes is committed if it returns.
  func write<T>(_ body: (any StoreTransaction) throws -> T) throws -> T
  /// Likewise, and always rolled back.
  func rehearse<T>(_ body: (any StoreTransaction) throws -> T) throws -> T
  var declaration: WorkspaceDeclaration { get }
  /// Ends the process, as it were: everything that is not durable is gone. `service` is a new one afterwards.
  func restart() throws
  /// Everything that the service keeps, one text a thing: equal lists mean that nothing was written in between.
  func contents() throws -> [String]
  /// Lets the next call fail the way that a broken network does.
  func breakNextCall(_ moment: FaultyService.Moment)
}

/// What every implementation of a service has to keep, local or a vendor's: the promises of the protocol `Service`
/// that the engine's retries, replays and dry runs stand on. It asks nothing of what the operations mean.
public struct ServiceConformance {
  /// A call that has to succeed.
  public struct Example: Sendable {
    public var operation: String
    public var arguments: [Value]

    public init(_ operation: String, _ arguments: [Value] = []) {
      self.operation = operation
      self.arguments = arguments
    }
  }

  /// A promise that was not kept.
  public struct Finding: Hashable, Sendable, CustomStringConvertible {
    public var operation: String
    public var message: String

    public var description: String { "\(operation): \(message)" }
  }

  private let examples: [Example]
  private let makeBench: () throws -> any ServiceBench
  private let log = Log()

  private final class Log {
    var findings: [Finding] = []
  }

  /// - Parameters:
  ///   - examples: at least one for each declared operation.
  ///   - makeBench: a new world, always the same, in which the examples succeed.
  public init(examples: [Example], makeBench: @escaping () throws -> any ServiceBench) {
    self.examples = examples
    self.makeBench = makeBench
  }

  /// Executes all checks. Empty when the service conforms.
  /// - Throws: what the benches throw; failures of the service are findings.
  public func run() throws -> [Finding] {
    log.findings = []
    try checkDeclaration()
    for example in examples {
      let service = try makeBench().service
      guard let operation = service.declaration.operation(example.operation) else {
        note(example.operation, "there is an example for it, but it is not declared")
        continue
      }
      try checkResolution(example)
      try checkPerformance(example, operation)
      try checkPreview(example, operation)
      try checkArguments(example, operation)
      if operation.kind == .effect { try checkKey(example) }
      if operation.kind != .pure { try checkTransientFailure(example) }
    }
    try checkUnknownOperation()
    return log.findings
  }

  private func note(_ operation: String, _ message: String) {
    log.findings.append(Finding(operation: operation, message: message))
  }

  // MARK: Calls

  private static let now = Instant(milliseconds: 1_793_700_000_000)
  private static let author = Author(actor: "automation:conformance")

  private func resolve(_ bench: any ServiceBench, _ example: Example) throws -> ResolvedOperation {
    try bench.write { transaction in
      let world = ServiceWorld(
        transaction: transaction, declaration: bench.declaration, schema: try bench.declaration.schema(),
        now: Self.now)
      return try bench.service.resolve(example.operation, example.arguments, dealID: nil, in: world)
    }
  }

  private func call(_ bench: any ServiceBench, _ example: Example, step: Int = 1) throws -> OperationCall {
    let resolved = try resolve(bench, example)
    return OperationCall(
      service: bench.service.declaration.name, operation: example.operation, arguments: resolved.arguments,
      key: resolved.purpose ?? "run:1/step:\(step)", dealID: nil, author: Self.author, now: Self.now)
  }

  private func perform(_ bench: any ServiceBench, _ call: OperationCall) throws -> Value {
    guard bench.service.isLocal(call.operation) else { return try bench.service.perform(call, in: nil) }
    return try bench.write { try bench.service.perform(call, in: $0) }
  }

  private func preview(_ bench: any ServiceBench, _ call: OperationCall) throws -> Value {
    // As in a dry run: what it writes into the rehearsal is rolled back, what it does elsewhere stays and is found.
    try bench.rehearse { try bench.service.preview(call, in: $0) }
  }

  /// Executes `body`; a failure of the service is a finding.
  private func succeeding<T>(_ operation: String, _ what: String, _ body: () throws -> T) throws -> T? {
    do {
      return try body()
    } catch let failure as ServiceFailure {
      note(operation, "\(what) fails: \(failure.message)")
      return nil
    }
  }

  /// The failure that `body` ends with; nil, and a finding, if it succeeds.
  private func failing(
    _ operation: String, _ what: String, _ body: () throws -> Void
  ) throws -> ServiceFailure? {
    do {
      try body()
    } catch let failure as ServiceFailure {
      if failure.message.isEmpty { note(operation, "\(what) fails without a message") }
      return failure
    }
    note(operation, "\(what) succeeds")
    return nil
  }

  // MARK: Checks

  private func checkDeclaration() throws {
    let declaration = try makeBench().service.declaration
    if declaration.operations.isEmpty { note(declaration.name, "no operation is declared") }
    if Set(declaration.operations.map(\.name)).count != declaration.operations.count {
      note(declaration.name, "two operations have one name")
    }
    for operation in declaration.operations {
      if operation.doc.isEmpty || operation.returns.isEmpty { note(operation.name, "it is not documented") }
      if !examples.contains(where: { $0.operation == operation.name }) {
        note(operation.name, "it is declared, but there is no example for it")
      }
      let optional = operation.parameters.drop { !$0.isOptional }
      if optional.contains(where: { !$0.isOptional }) {
        note(operation.name, "a parameter that is needed stands behind an optional one")
      }
    }
  }

  private func checkResolution(_ example: Example) throws {
    let bench = try makeBench()
    let before = try bench.contents()
    let resolutions = try succeeding(example.operation, "resolving its arguments") {
      (try resolve(bench, example), try resolve(bench, example))
    }
    guard let (first, second) = resolutions else { return }
    if first.arguments != second.arguments || first.purpose != second.purpose {
      note(example.operation, "the same arguments are resolved to two things")
    }
    if case .object = first.arguments {} else { note(example.operation, "its resolved arguments have no names") }
    if Self.holdsRecord(first.arguments) {
      note(example.operation, "its resolved arguments hold a record, which may be another one at the next attempt")
    }
    checkJournal(example.operation, "its resolved arguments", first.arguments)
    if try bench.contents() != before { note(example.operation, "resolving its arguments writes") }
  }

  private static func holdsRecord(_ value: Value) -> Bool {
    switch value {
    case .record: true
    case .list(let values): values.contains(where: holdsRecord)
    case .object(let fields): fields.contains { holdsRecord($0.value) }
    default: false
    }
  }

  /// What is journalled has to come back as it was.
  private func checkJournal(_ operation: String, _ what: String, _ value: Value) {
    do {
      let text = try value.journalText()
      if try Value(json: try JSON(parsing: text)) != value {
        note(operation, "\(what) come back from the journal changed")
      }
    } catch {
      note(operation, "\(what) can't be journalled: \(error)")
    }
  }

  private func checkPerformance(_ example: Example, _ operation: OperationDeclaration) throws {
    let bench = try makeBench()
    let before = try bench.contents()
    let answer = try succeeding(example.operation, "its example") { try perform(bench, try call(bench, example)) }
    guard let answer else { return }
    checkJournal(example.operation, "its answers", answer)
    let after = try bench.contents()
    if operation.kind == .effect, after == before { note(example.operation, "it is an effect and changes nothing") }
    if operation.kind != .effect, after != before { note(example.operation, "it is no effect and writes") }
  }

  private func checkPreview(_ example: Example, _ operation: OperationDeclaration) throws {
    let bench = try makeBench()
    let before = try bench.contents()
    let rehearsed = try succeeding(example.operation, "its preview") { try preview(bench, try call(bench, example)) }
    guard let rehearsed else { return }
    if try bench.contents() != before { note(example.operation, "its preview writes") }
    let answer = try succeeding(example.operation, "its example after a preview") {
      try perform(bench, try call(bench, example))
    }
    guard let answer else { return }
    if operation.kind == .effect {
      if Self.shape(rehearsed) != Self.shape(answer) {
        note(example.operation, "its preview has other fields than its answer")
      }
    } else if rehearsed != answer {
      note(example.operation, "it is no effect, and its preview is not its answer")
    }
  }

  /// The names of an answer's fields.
  private static func shape(_ value: Value) -> [String] {
    guard case .object(let fields) = value else { return [value.typeName] }
    return fields.map(\.name)
  }

  private func checkKey(_ example: Example) throws {
    let bench = try makeBench()
    let outcome = try succeeding(example.operation, "its example, three times") {
      let request = try call(bench, example)
      let first = try perform(bench, request)
      let kept = try bench.contents()
      var later = request
      later.now = Instant(milliseconds: Self.now.milliseconds + 86_400_000)
      let second = try perform(bench, later)
      let keptThen = try bench.contents()
      try bench.restart()
      let third = try perform(bench, later)
      return (first: first, kept: kept, second: second, keptThen: keptThen, third: third)
    }
    guard let outcome else { return }
    if outcome.second != outcome.first { note(example.operation, "the same key has two answers") }
    if outcome.keptThen != outcome.kept { note(example.operation, "the same key has two effects") }
    if outcome.third != outcome.first { note(example.operation, "after a restart the same key has another answer") }
    if try bench.contents() != outcome.kept { note(example.operation, "after a restart the same key has two effects") }
  }

  private func checkTransientFailure(_ example: Example) throws {
    for moment in [FaultyService.Moment.before, .after] {
      let place = moment == .before ? "before the call arrives" : "on the way back"
      let bench = try makeBench()
      let untroubled = try makeBench()
      guard
        let expected = try succeeding(
          example.operation, "its example",
          { (try perform(untroubled, try call(untroubled, example)), try untroubled.contents()) })
      else { continue }
      let request = try call(bench, example)
      bench.breakNextCall(moment)
      if let failure = try failing(
        example.operation, "a call that breaks \(place)", { _ = try perform(bench, request) }),
        !failure.isTransient
      {
        note(example.operation, "a network that breaks \(place) is no transient failure: \(failure.message)")
      }
      let again = try succeeding(example.operation, "the attempt after a failure") { try perform(bench, request) }
      guard let again else { continue }
      if again != expected.0 { note(example.operation, "the attempt after a failure \(place) has another answer") }
      if try bench.contents() != expected.1 {
        note(example.operation, "a failure \(place) and another attempt have another effect than one attempt")
      }
    }
  }

  private func checkArguments(_ example: Example, _ operation: OperationDeclaration) throws {
    var wrong: [(String, [Value])] = [("too many arguments", example.arguments + [.boolean(true)])]
    if operation.parameters.contains(where: { !$0.isOptional }) { wrong.append(("no argument", [])) }
    for place in example.arguments.indices {
      // A repeated parameter is the last one, and has all places from its own on.
      guard let parameter = operation.parameters.dropFirst(place).first ?? operation.parameters.last else { continue }
      var arguments = example.arguments
      arguments[place] = .boolean(true)
      wrong.append(("a boolean as \(parameter.name)", arguments))
      if case .text = example.arguments[place] {
        arguments[place] = .text("a\u{0}b")
        wrong.append(("a text with NUL as \(parameter.name)", arguments))
        arguments[place] = .text(String(repeating: "x", count: 200_000))
        wrong.append(("a text of 200,000 characters as \(parameter.name)", arguments))
      }
      if case .record(let ref) = example.arguments[place] {
        arguments[place] = .record(RecordRef(kind: ref.kind, id: 987_654_321, part: ref.part))
        wrong.append(("a record that does not exist as \(parameter.name)", arguments))
      }
      if case .object(let fields) = example.arguments[place], operation.kind == .effect {
        arguments[place] = .object(fields + [ValueField("no_such_field", .integer(1))])
        // A table that another operation answered may carry more than is needed; one of any names knows no unknown one.
        if !parameter.type.contains("answered"), parameter.type != "table" {
          wrong.append(("an unknown field in \(parameter.name)", arguments))
        }
      }
    }
    for (what, arguments) in wrong {
      try checkPermanent(operation.name, "a call with \(what)") { bench in
        _ = try perform(bench, try call(bench, Example(operation.name, arguments)))
      }
    }
    // What is read back from a journal is not believed either.
    try checkPermanent(operation.name, "a call without named arguments") { bench in
      var request = try call(bench, example)
      request.arguments = .text("nothing")
      _ = try perform(bench, request)
    } unless: {
      operation.parameters.isEmpty
    }
  }

  private func checkUnknownOperation() throws {
    try checkPermanent("no_such_operation", "resolving it") { bench in
      _ = try resolve(bench, Example("no_such_operation", []))
    }
    try checkPermanent("no_such_operation", "performing it") { bench in
      _ = try perform(bench, unknown(bench))
    }
    try checkPermanent("no_such_operation", "previewing it") { bench in
      _ = try preview(bench, unknown(bench))
    }
  }

  private func unknown(_ bench: any ServiceBench) -> OperationCall {
    OperationCall(
      service: bench.service.declaration.name, operation: "no_such_operation", arguments: .object([]),
      key: "run:1/step:1",
      dealID: nil, author: Self.author, now: Self.now)
  }

  /// `body` has to fail for good, and to leave everything as it was.
  private func checkPermanent(
    _ operation: String, _ what: String, _ body: (any ServiceBench) throws -> Void,
    unless isMoot: () -> Bool = { false }
  ) throws {
    if isMoot() { return }
    let bench = try makeBench()
    let before = try bench.contents()
    if let failure = try failing(operation, what, { try body(bench) }), failure.isTransient {
      note(operation, "\(what) fails as if it could succeed later: \(failure.message)")
    }
    if try bench.contents() != before { note(operation, "\(what) writes") }
  }
}
