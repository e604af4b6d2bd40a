import CRM
import Scripting
import Services
import Store

/// One version of a workspace: declaration, sources, and the automations that they declare. Immutable; a run keeps
/// the version that was there when it was queued.
public final class WorkspaceVersion {
  /// With the templates.
  public let declaration: WorkspaceDeclaration
  /// Built-in fields and those of the declaration.
  public let schema: RecordSchema
  /// All that the version consists of, under one hash.
  public let sources: ScriptSources
  /// Its clocks and its working days.
  public let calendar: WorkspaceCalendar
  /// With the settings of the declaration.
  public let services: ServiceRegistry
  /// The scripts, ready to be executed.
  public let program: ScriptProgram
  /// In order: by file, then by place in the file.
  public let automations: [AutomationDeclaration]
  /// Those that the clock starts.
  public let scheduled: [AutomationDeclaration]
  /// Files that do not load.
  public let problems: [ScriptProblem]

  /// - Throws: `EngineFault.workspace` when `workspace.lua` can't be read; a script that does not load is a problem,
  ///   not an error.
  public init(
    sources: ScriptSources, services makeServices: (WorkspaceDeclaration) -> ServiceRegistry
  ) throws(EngineFault) {
    guard let file = sources.files.first(where: { $0.path == "workspace.lua" }) else {
      throw EngineFault(.workspace, "There is no workspace.lua here. Make a workspace with: coulisse init DIR")
    }
    do {
      var declaration = try WorkspaceReader.read(text: file.text, name: file.path)
      declaration.templates = sources.templates
      self.declaration = declaration
      schema = try declaration.schema()
    } catch {
      throw EngineFault(.workspace, "\(error)")
    }
    self.sources = sources
    calendar = WorkspaceCalendar(declaration)
    services = makeServices(declaration)
    program = ScriptProgram(
      sources: sources, schema: schema, declaration: declaration, services: services.declarations)
    (automations, problems) = program.automations()
    scheduled = automations.filter { $0.trigger.schedule != nil }
  }

  /// The files as they are kept with the runs that need them.
  package var encodedFiles: String {
    JSON.object(sources.files.map { JSONMember($0.path, .string($0.text)) }).text(pretty: false)
  }

  static func decodeFiles(_ text: String) throws -> ScriptSources {
    ScriptSources(
      files: try (JSON(parsing: text).objectValue ?? []).map { ScriptFile(path: $0.name, text: $0.value.stringValue ?? "") })
  }

  /// A reaction by name.
  /// - Throws: `EngineFault`: it is a guard, its file does not load, or there is none; then the known ones are listed.
  func automation(named name: String) throws(EngineFault) -> AutomationDeclaration {
    if let found = automations.first(where: { $0.name == name && !$0.trigger.isGuard }) { return found }
    if automations.contains(where: { $0.name == name }) {
      throw EngineFault(
        .refused, "\(name) is a guard; it runs before a move. Try it with: coulisse deals move DEAL STAGE --dry-run")
    }
    if let problem = problems.first(where: { $0.file.hasSuffix("/\(name).lua") }) {
      throw EngineFault(.brokenScript, "\(problem.file) does not load: \(problem.message)")
    }
    let known = automations.filter { !$0.trigger.isGuard }.map(\.name).joined(separator: ", ")
    throw EngineFault(.notFound, "there is no automation \"\(name)\"; there are \(known)")
  }

  /// Broken files that may hold a guard or reaction for a trigger. What a broken file would have declared is read
  /// from its text: a call `on.NAME("stage"` counts as long as it can be seen, and a file in which none can be seen
  /// may concern every move.
  func problems(concerning names: [(function: String, label: String?)]) -> [ScriptProblem] {
    problems.filter { problem in
      guard let text = sources.files.first(where: { $0.path == problem.file })?.text else { return true }
      let calls = TriggerScan.calls(in: text)
      if calls.isEmpty { return true }
      return calls.contains { call in
        names.contains { name in
          name.function == call.function && (name.label == nil || call.label == nil
            || Label.folded(name.label ?? "") == Label.folded(call.label ?? ""))
        }
      }
    }
  }
}

/// Finds `on.enter("Stage"` and its like in the text of a script that does not load.
enum TriggerScan {
  private static let functions: Set = [
    "before_enter", "before_won", "enter", "leave", "won", "lost", "event", "demand", "schedule",
  ]

  static func calls(in text: String) -> [(function: String, label: String?)] {
    var calls: [(function: String, label: String?)] = []
    for line in text.split(whereSeparator: \.isNewline) {
      var rest = line[...]
      while let dot = rest.range(of: "on.") {
        let startsWord = dot.lowerBound == rest.startIndex || !isWordPart(rest[rest.index(before: dot.lowerBound)])
        rest = rest[dot.upperBound...]
        let name = rest.prefix { $0.isLetter || $0 == "_" }
        guard startsWord, functions.contains(String(name)) else { continue }
        let after = rest.dropFirst(name.count).drop { $0 == " " || $0 == "(" || $0 == "[" }
        var label: String?
        if let quote = after.first, quote == "\"" || quote == "'" {
          label = String(after.dropFirst().prefix { $0 != quote })
          if label?.contains("\u{FFFD}") == true { label = nil }  // Not legible: it may be any stage.
        }
        calls.append((String(name), label))
      }
    }
    return calls
  }

  private static func isWordPart(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_" || character == "."
  }
}

extension Substring {
  /// The first occurrence of an ASCII word, without Foundation.
  fileprivate func range(of word: String) -> Range<Substring.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(word) { return start..<index(start, offsetBy: word.count) }
      start = index(after: start)
    }
    return nil
  }
}

/// The versions in use: the present one, and those that unfinished runs keep. Known by the hash of their sources, not by
/// the id under which the database keeps them: an id that was given out in a part of a transaction that was rolled back
/// may be another's later.
final class Programs {
  private(set) var present: WorkspaceVersion
  private let makeServices: (WorkspaceDeclaration) -> ServiceRegistry
  private var pinned: [WorkspaceVersion] = []
  /// More versions than this are read again from the database when they are needed.
  private static let pinnedLimit = 8

  init(present: WorkspaceVersion, services: @escaping (WorkspaceDeclaration) -> ServiceRegistry) {
    self.present = present
    makeServices = services
  }

  func replace(present version: WorkspaceVersion) { present = version }

  func presentBundle(_ tx: any StoreTransaction, now: Instant) throws -> Int64 {
    try tx.bundle(hash: present.sources.hash, files: present.encodedFiles, at: now)
  }

  func version(bundle id: Int64, _ tx: any StoreTransaction) throws -> WorkspaceVersion {
    let hash = try tx.bundleHash(id)
    if hash == present.sources.hash { return present }
    if let found = pinned.first(where: { $0.sources.hash == hash }) { return found }
    guard let files = try tx.bundleFiles(id)?.files else {
      throw EngineFault(.notFound, "the sources that this run was queued with (number \(id)) are not in the database")
    }
    let version = try WorkspaceVersion(sources: try WorkspaceVersion.decodeFiles(files), services: makeServices)
    pinned.append(version)
    if pinned.count > Self.pinnedLimit { pinned.removeFirst() }
    return version
  }
}
