import CRM
import Testing

@testable import Scripting

@Suite("workspace.lua")
struct WorkspaceReaderTests {
  static let altitude = """
    local days = 60
    return {
      seller = {
        name = "Altitude", siret = "73282932000074", training_declaration = "11 75 00000 75",
        address = { street = "1 rue Haute", postal_code = "75001", city = "Paris", country = "FR" },
      },
      currency = "EUR", time_zone = "Europe/Paris",
      pipelines = { { name = "Ventes", stages = { "Qualifié", "Confirmé" } } },
      fields = {
        deal = {
          { key = "promo", label = "Promo", type = "text", filled_by = "person" },
          { key = "kind", label = "Genre", type = "choice", options = { "individuelle", "collective" } },
          { key = "payer", label = "Payeur", type = "organization" },
        },
        product = { { key = "goals", label = "Objectifs pédagogiques", type = "long_text", aliases = { "Objectifs pédagogique" } } },
      },
      system_users = { floriane = "floriane@altitude.example" },
      limits = { run_time = "1500 ms", memory = 32, host_calls = 500, path_depth = 8, same_automation_on_path = 2, runs_from_origin = 100, retries = 3 },
      settings = { brief = { lines = { "À remplacer", "aussi" } }, wait_days = days, card = { only_training = false } },
      services = { accounting = { quote_prefix = "D" } },
    }
    """

  @Test("A complete file is read")
  func complete() throws {
    let read = try WorkspaceReader.read(text: Self.altitude, name: "workspace.lua")
    #expect(read.seller.name == "Altitude")
    #expect(read.seller.siret == "73282932000074")
    #expect(read.seller.address.city == "Paris")
    #expect(read.pipelines == [PipelineDefinition(name: "Ventes", stages: ["Qualifié", "Confirmé"])])
    #expect(read.customFields[.deal]?.map(\.type) == [.text, .choice(["individuelle", "collective"]), .record(.organization)])
    #expect(read.customFields[.deal]?.first?.filler == .person)
    #expect(read.customFields[.product]?.first?.aliases == ["Objectifs pédagogique"])
    #expect(read.systemUsers == [SystemUser(account: "floriane", userKey: "floriane@altitude.example")])
    #expect(read.limits.runTime == TimeSpan(milliseconds: 1500))
    #expect(read.limits.memoryMegabytes == 32)
    #expect(read.limits.hostCalls == 500)
    #expect(read.limits.pathDepth == 8)
    #expect(read.limits.sameAutomationOnPath == 2)
    #expect(read.limits.runsFromOrigin == 100)
    #expect(read.limits.calls.retries == 3)
    #expect(read.settings["wait_days"] == .integer(60))
    #expect(read.settings["brief"]?["lines"] == .list([.text("À remplacer"), .text("aussi")]))
    #expect(read.services["accounting"]?["quote_prefix"] == .text("D"))
    #expect(try read.schema().field(.deal, "promo") != nil)
  }

  @Test(
    "What is wrong is said with its place and what would be right",
    arguments: [
      ("return {", 1, "expected"), ("error('no')", 1, "no"), ("return 3", nil, "the file has to return a table"),
      ("return {\n  pipeline = {} }", 2, "workspace.lua has no key 'pipeline'; did you mean 'pipelines'? The keys are seller, currency"),
      ("return { seller = { nmae = 'x' },\n pipelines = {} }", 1, "seller.nmae: seller has no key 'nmae'; did you mean 'name'?"),
      ("return {}", nil, "pipelines: declare at least one"),
      ("return {\n currency = 'euro' }", 2, "currency: expected a currency code of three letters like EUR, found \"euro\""),
      ("return {\n\n time_zone = 'Paris' }", 3, "time_zone: there is no time zone \"Paris\""),
      ("return { seller = {\n siret = '123' } }", 2, "seller.siret: "),
      ("return { P,\n limits = { run_time = 'x' } }", 2, "limits.run_time: expected a duration like"),
      ("return { P,\n limits = { memory = '64' } }", 2, "limits.memory: expected a whole number, found a string"),
      ("return { P,\n limits = { retries = -1 } }", 2, "limits.calls.retries: expected a whole number from 0 to 1000, found -1"),
      ("return { P,\n limits = {\n runtime = 1 } }", 3, "limits.runtime: limits has no key 'runtime'; did you mean 'run_time'?"),
      ("return { P,\n fields = { deal = { { key = 'x', label = 'X', type = 'txt' } } } }", 2, "fields.deal[1].type: there is no field type \"txt\"; did you mean \"text\"?"),
      ("return { P,\n fields = { dael = {} } }", 2, "fields can be added to deal, organization, person and product"),
      ("return { P,\n fields = { deal = { { label = 'X' } } } }", 2, "fields.deal[1].key: it is missing"),
      ("return { P,\n fields = { deal = { { key = 'x', filled_by = 'robot' } } } }", 2, "filled_by: \"person\", \"automation\" or \"any\" expected, found \"robot\""),
      ("return { P,\n fields = { deal = { x = { key = 'x' } } } }", 2, "fields.deal: expected a list like { …, … }, found the name 'x'"),
      ("return { P,\n fields = { deal = { { key = 'title', label = 'T' } } } }", nil, "title"),
      ("return { pipelines = { { name = 'V', stages = { 'A', 'a' } } } }", nil, "two stages of one name"),
      ("return { P,\n settings = { f = print } }", 2, "settings.f: expected a value, found a function"),
      ("return { P,\n settings = { 1, x = 2 } }", 2, "settings: a list or a table with names expected, found both"),
      ("return { seller = { name = io.open('x') } }", 1, "attempt to index a nil value (global 'io')"),
    ] as [(String, Int?, String)])
  func wrong(_ text: String, _ line: Int?, _ message: String) throws {
    let text = text.replacing("P,", with: "pipelines = { { name = 'V', stages = { 'A' } } },")
    let problem = try #require(throws: ScriptProblem.self) { try WorkspaceReader.read(text: text, name: "workspace.lua") }
    #expect(problem.message.contains(message), "\(problem)")
    #expect(problem.message.hasPrefix("workspace.lua:"), "\(problem)")
    #expect(problem.line == line, "\(problem)")
  }
}
