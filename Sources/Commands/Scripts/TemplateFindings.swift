import CRM
import Engine
import Scripting
import Services

/// What `check` finds in templates: syntax, and names that nothing gives a value.
enum TemplateFindings {
  static func all(in version: WorkspaceVersion) -> [Finding] {
    let check = TemplateCheck(version.declaration, version.schema, given: names(in: version.sources))
    var findings: [Finding] = []
    for (name, text) in version.declaration.templates.sorted(by: { $0.key < $1.key }) {
      let path = "templates/\(name).html"
      do throws(ServiceFailure) {
        let template = try DocumentTemplate(name: path, text: text)
        findings += check.faults(in: template).map { found in
          Finding(
            weight: found.isCertain ? .error : .warning, file: path, line: found.fault.line,
            message: found.fault.message)
        }
      } catch {
        let line = error.message.dropFirst(path.count + 1).prefix { $0 != ":" }
        findings.append(Finding(weight: .error, file: path, line: Int(line), message: error.message))
      }
    }
    return findings
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
