import CRM
import Engine
import Scripting
import Services

/// What `check` finds in templates: syntax, and names that nothing gives a value.
enum TemplateFindings {
  static func all(in version: WorkspaceVersion) -> [Finding] {
    let check = TemplateCheck(version.declaration, version.schema, given: names(in: version.sources))
    var findings: [Finding] = []
    let shelf = TemplateShelf(version.declaration.templates)
    for name in shelf.names {
      do throws(ServiceFailure) {
        findings += check.faults(in: try shelf.template(named: name)).map { found in
          Finding(
            weight: found.isCertain ? .error : .warning, file: found.fault.file, line: found.fault.line,
            message: found.fault.message)
        }
      } catch {
        // "FILE:LINE: what is wrong", where the file may be a part of the template.
        let places = error.message.split(separator: ":", maxSplits: 2)
        findings.append(
          Finding(
            weight: .error, file: String(places.first ?? ""), line: places.dropFirst().first.flatMap { Int($0) },
            message: error.message))
      }
    }
    // What is wrong with a part is wrong once, however many templates have it.
    var told: Set<String> = []
    return findings.filter { told.insert("\($0.file):\($0.line ?? 0):\($0.message)").inserted }
  }

  /// Every word by which a script could give a template a value: keys of tables, fields that are assigned, texts.
  private static func names(in sources: ScriptSources) -> Set<String> {
    var names: Set<String> = []
    for file in sources.files where file.path.hasPrefix("scripts/") {
      let tokens = LuaScanner.tokens(of: file.text)
      for (place, element) in tokens.enumerated() {
        switch element.token {
        case .string(let text): names.insert(text)
        case .name(let name) where place + 1 < tokens.count && tokens[place + 1].token == .sign("="): names.insert(name)
        default: break
        }
      }
    }
    return names
  }
}
