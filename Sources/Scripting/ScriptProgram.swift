import CRM
import LuaKit

/// The scripts of one version of a workspace, ready to run. Each script has Lua states of its own, which are set up
/// once and brought back to their image after every run: nothing of a run or of another script is ever seen.
///
/// Not Sendable: one thread uses it and everything that it makes.
public final class ScriptProgram {
  let sources: ScriptSources
  let schema: RecordSchema
  let declaration: WorkspaceDeclaration
  let services: [ServiceDeclaration]
  private var idle: [StateKey: [PreparedScript]] = [:]

  /// Limits are a state's own, so states of two budgets don't mix.
  struct StateKey: Hashable {
    var path: String
    var budget: RunBudget
  }

  /// More idle states than this of one script are dropped.
  private static let idleLimit = 8

  public init(
    sources: ScriptSources, schema: RecordSchema, declaration: WorkspaceDeclaration, services: [ServiceDeclaration]
  ) {
    self.sources = sources
    self.schema = schema
    self.declaration = declaration
    self.services = services
  }

  /// One state for all of them: to give a state the API takes far longer than what scripts do while they load, and most
  /// processes execute one script or none.
  private func makeDesk() throws -> ScriptDesk {
    let desk = try ScriptDesk(program: self, budget: RunBudget(limits: declaration.limits))
    try desk.state.takeImage()
    return desk
  }

  /// Loads every script and answers what they declare, by the file's name, then the place in the file. A script that
  /// does not load is a problem; the others go on.
  public func automations() -> (declared: [AutomationDeclaration], problems: [ScriptProblem]) {
    var declared: [AutomationDeclaration] = []
    var problems: [ScriptProblem] = []
    var owners: [String: String] = [:]
    var desk: ScriptDesk?
    for file in sources.automationFiles {
      do {
        let present = try desk ?? makeDesk()
        desk = present
        let found = try located(file) { try present.tryOut(file) }
        var names = owners
        for automation in found {
          if let owner = names.updateValue(file.path, forKey: automation.name) {
            throw ScriptProblem(
              file: file.path, line: automation.line,
              message: "\(file.path):\(automation.line): \(owner) has an automation named \(automation.name) already; "
                + "give this one a name of its own: { name = \"…\" }")
          }
        }
        owners = names
        declared += found
      } catch let problem as ScriptProblem {
        problems.append(problem)
      } catch {
        problems.append(ScriptProblem(file: file.path, line: nil, message: "\(file.path): \(error)"))
      }
    }
    return (declared, problems)
  }

  /// Prepares one run of an automation. Nothing executes before `ScriptExecution.begin`.
  /// - Parameters:
  ///   - argument: the deal, handed to the function.
  ///   - event: the event's data, handed to the function as its second argument.
  public func start(
    _ automation: AutomationDeclaration, argument: RecordRef?, event: Value, host: any ScriptHost, budget: RunBudget,
    randomSeed: (Int64, Int64)
  ) -> ScriptExecution {
    ScriptExecution(
      program: self, automation: automation, argument: argument, event: event, host: host, budget: budget,
      randomSeed: randomSeed)
  }

  func take(_ path: String, _ budget: RunBudget) throws -> PreparedScript {
    if let script = idle[StateKey(path: path, budget: budget)]?.popLast() { return script }
    guard let file = sources.files.first(where: { $0.path == path }) else {
      throw ScriptProblem(file: path, line: nil, message: "\(path) is not among the scripts")
    }
    return try prepare(file, budget)
  }

  func giveBack(_ script: PreparedScript) {
    script.context.host = nil
    script.context.pending = nil
    script.state.reset()
    let key = StateKey(path: script.file.path, budget: script.budget)
    if idle[key, default: []].count < Self.idleLimit { idle[key, default: []].append(script) }
  }

  private func prepare(_ file: ScriptFile, _ budget: RunBudget) throws -> PreparedScript {
    try located(file) { try PreparedScript(file, program: self, budget: budget) }
  }

  /// Says where in the script an error of Lua is.
  private func located<T>(_ file: ScriptFile, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let error as LuaError {
      let place = error.script ?? file.path
      var message = error.message.hasPrefix(place) ? error.message : "\(place): \(error.message)"
      if error.kind == .syntax, let hint = SyntaxHint.hint(for: message, source: error.sourceLine ?? "") {
        message += " (\(hint))"
      }
      throw ScriptProblem(
        file: file.path, line: error.script == nil || error.script == file.path ? error.line : nil, message: message)
    }
  }
}

/// One Lua state with the API, one script's top level run in it, and the image to which it returns.
final class PreparedScript {
  let file: ScriptFile
  let budget: RunBudget
  let state: LuaState
  let context: ScriptContext
  let functions: [LuaFunction]

  init(_ file: ScriptFile, program: ScriptProgram, budget: RunBudget) throws {
    self.file = file
    self.budget = budget
    let desk = try ScriptDesk(program: program, budget: budget)
    (state, context) = (desk.state, desk.context)
    functions = try desk.load(file).map(\.function)
    try state.takeImage()
  }
}

/// One Lua state with the API, in which a script's top level can be run.
final class ScriptDesk {
  let state: LuaState
  let context: ScriptContext

  init(program: ScriptProgram, budget: RunBudget) throws {
    var limits = LuaLimits()
    limits.seconds = budget.seconds
    limits.memoryBytes = budget.memoryBytes
    limits.hostCalls = budget.hostCalls
    limits.instructions = budget.instructions
    state = try LuaState(limits: limits)
    context = ScriptContext(
      schema: program.schema, declaration: program.declaration, services: program.services)
    try context.install(in: state)
    let sources = program.sources
    state.setLoader { name in try sources.module(name) }
  }

  /// Runs the top level, and answers what it declares.
  func load(_ file: ScriptFile) throws -> [ScriptContext.Registration] {
    context.file = file.path
    context.registrations = []
    defer { context.registrations = nil }
    let main = try state.load(LuaSource(name: file.path, text: file.text))
    guard case .returned = try state.start(main) else {
      throw ScriptProblem(file: file.path, line: nil, message: "\(file.path): a script can't pause while it loads")
    }
    return context.registrations ?? []
  }

  /// The automations of a script, which leaves nothing behind: the next one finds the image as it was.
  func tryOut(_ file: ScriptFile) throws -> [AutomationDeclaration] {
    defer { state.reset() }
    let stem = String(file.path.dropFirst("scripts/".count).dropLast(".lua".count))
    return try load(file).enumerated().map { place, registration in
      AutomationDeclaration(
        name: registration.name ?? (place == 0 ? stem : "\(stem)#\(place + 1)"), file: file.path,
        line: registration.line, index: place, trigger: registration.trigger, whileWaiting: registration.whileWaiting,
        summary: Self.summary(file.text))
    }
  }

  /// The first line, if it is a comment: it says what the script does.
  private static func summary(_ text: String) -> String? {
    guard let first = text.split(maxSplits: 1, whereSeparator: \.isNewline).first, first.hasPrefix("--") else { return nil }
    return ScriptContext.trimmed(String(first.drop { $0 == "-" }))
  }
}

extension ScriptContext {
  /// Gives a state the whole API of scripts, and what `extend` defines beside it: it returns the members of the modules
  /// that it adds.
  func install(in state: LuaState, extend: () throws -> [String: [String]] = { [:] }) throws {
    self.state = state
    try defineValueTypes(state)
    try defineRecordTypes(state)
    try defineOnModule(state)
    try defineFlowFunctions(state)
    try defineWaitFunctions(state)
    try defineCRMModule(state)
    try defineServiceModules(state)
    #if DEBUG
      try defineFaultModule(state)
    #endif
    try defineTextModule(state)
    try defineSettings(state)
    try makeModulesStrict(state, services: services, others: try extend())
    state.setClock { [unowned self] in
      guard host != nil, case .instant(let now)? = quietly(.now) else { return 0 }
      return Double(now.milliseconds) / 1000
    }
    state.setPrint { [unowned self] bytes in
      var text = String(decoding: bytes, as: UTF8.self)
      if text.hasSuffix("\n") { text.removeLast() }
      if host != nil { _ = quietly(.log(text)) }
    }
  }

  /// `seller` and `settings`, as `workspace.lua` has them.
  private func defineSettings(_ state: LuaState) throws {
    let seller = declaration.seller
    let identity: [(String, Value)] = [
      ("name", .text(seller.name)), ("address", .address(seller.address)), ("siret", .text(seller.siret)),
      ("vat_number", .text(seller.vatNumber)), ("training_declaration", .text(seller.trainingDeclaration)),
    ]
    for field in seller.others { try state.define(constant: field.name, in: "seller", lua(field.value)) }
    for (name, value) in identity { try state.define(constant: name, in: "seller", lua(value)) }
    guard case .object(let settings) = declaration.settings else { return }
    for field in settings { try state.define(constant: field.name, in: "settings", lua(field.value)) }
  }
}
