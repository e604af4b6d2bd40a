import CRM
import Testing

@Suite("Workspace declaration")
struct WorkspaceTests {
  private func workspace(_ stages: String...) -> WorkspaceDeclaration {
    WorkspaceDeclaration(pipelines: [PipelineDefinition(name: "Ventes", stages: stages)])
  }

  @Test("the limits have the documented defaults")
  func defaults() {
    let limits = WorkspaceDeclaration().limits
    #expect(limits.pathDepth == 16 && limits.sameAutomationOnPath == 3)
    #expect(limits.runsFromOrigin == 10_000 && limits.calls.retries == 8 && limits.instructions == nil)
    #expect(
      limits.runTime == .seconds(5) && limits.memoryMegabytes == 64 && limits.hostCalls == 10_000)
    #expect(throws: Never.self) { try WorkspaceDeclaration().check() }
  }

  @Test("limits that mean nothing are refused by name")
  func limits() {
    func text(_ change: (inout WorkspaceLimits) -> Void) -> String {
      var workspace = WorkspaceDeclaration()
      change(&workspace.limits)
      return message { try workspace.check() }
    }
    #expect(text { $0.pathDepth = 0 }.contains("limits.path_depth"))
    #expect(text { $0.runTime = TimeSpan(milliseconds: 0) }.contains("limits.run_time"))
    #expect(text { $0.memoryMegabytes = -1 }.contains("limits.memory"))
    #expect(text { $0.instructions = 0 }.contains("limits.instructions"))
    #expect(text { $0.calls.retries = -1 }.contains("limits.calls.retries"))
  }

  @Test(
    "stages are found by name whatever accents and case, else the known ones are listed (ALT-02, ALT-04)"
  )
  func stages() throws {
    let pipeline = workspace("Créer documents", "Documents prêts").pipelines[0]
    #expect(try pipeline.stage(named: "DOCUMENTS PRETS").name == "Documents prêts")
    let text = message { try pipeline.stage(named: "Signé") }
    #expect(text.contains("\"Signé\"") && text.contains("\"Créer documents\", \"Documents prêts\""))
  }

  @Test("pipelines without stages and stages that can't be told apart are refused")
  func badPipelines() {
    #expect(message { try workspace().check() }.contains("no stages"))
    #expect(
      message { try workspace("Documents prêts", "documents prets").check() }.contains(
        "two stages of one name"))
    #expect(message { try workspace(" ").check() }.contains("no name"))
    var twice = workspace("A")
    twice.pipelines.append(PipelineDefinition(name: "VENTES", stages: ["B"]))
    #expect(message { try twice.check() }.contains("two pipelines"))
    var settings = workspace("A")
    settings.settings = .integer(1)
    #expect(message { try settings.check() }.contains("settings"))
  }

  @Test("custom fields are part of the check, and the schema takes the workspace's currency")
  func schema() throws {
    var workspace = workspace("A")
    workspace.currency = try Currency(code: "CHF")
    workspace.customFields[.deal] = [FieldDefinition(key: "fee", label: "Frais", type: .money)]
    let schema = try workspace.schema()
    let fee = try #require(schema.field(.deal, "fee"))
    #expect(
      try schema.check(.text("12.50"), for: fee, of: .deal) == .money(Money(parsing: "12.50 CHF")))
    workspace.customFields[.deal] = [FieldDefinition(key: "title", label: "Titre", type: .text)]
    #expect(message { try workspace.check() }.contains("already"))
  }

  @Test("services list their operations by name")
  func services() {
    let create = OperationDeclaration(
      name: "create_quote", kind: .effect,
      parameters: [ParameterDeclaration(name: "deal", type: "deal")], returns: "quote",
      doc: "Makes the quote.")
    let service = ServiceDeclaration(name: "accounting", operations: [create])
    #expect(service.operation("create_quote") == create && service.operation("other") == nil)
  }
}
