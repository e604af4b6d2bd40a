import CRM

/// A parameter of a function, or a field of a type, in the terms of the Lua language server.
struct APIParameter: Sendable {
  var name: String
  /// A LuaCATS type: "string", "deal|integer".
  var type: String
  var isOptional = false
}

/// A function or method that scripts can call.
struct APIFunction: Sendable {
  var name: String
  var parameters: [APIParameter] = []
  /// A LuaCATS type; nil when there is nothing to use.
  var returns: String?
  /// One or two sentences.
  var doc: String
}

/// Functions under one name, such as `crm`.
struct APIModule: Sendable {
  var name: String
  var doc: String
  var functions: [APIFunction]
}

/// A field of a type or of a table.
struct APIField: Sendable {
  var name: String
  var type: String
  var doc: String
}

/// A type of values that is no record.
struct APIType: Sendable {
  var name: String
  var doc: String
  var fields: [APIField] = []
  var methods: [APIFunction] = []
  /// In LuaCATS form: "add(money): money".
  var operators: [String] = []
}

/// What scripts can use, in words: reference page, editor definitions and the suggestions of misspelt names all come
/// from here. A test compares it with what a Lua state really has.
enum APITable {
  static let modules: [APIModule] = [on, crm, text]

  private static let label = APIParameter(name: "stage", type: "string")
  private static let reaction = APIParameter(name: "action", type: "fun(deal: deal, event: table)")
  private static let options = APIParameter(name: "options", type: "automation_options", isOptional: true)

  private static let on = APIModule(
    name: "on", doc: "Binds a function to what happens. Only at the top of a script in `scripts/`, not inside a function that runs later and not in a library.",
    functions: [
      APIFunction(
        name: "before_enter", parameters: [label, reaction, options],
        doc: "A guard: before a deal enters the stage. It reads and may `reject`; all guards run, and every reason is shown."),
      APIFunction(name: "enter", parameters: [label, reaction, options], doc: "After a deal has entered the stage, whoever moved it."),
      APIFunction(name: "leave", parameters: [label, reaction, options], doc: "After a deal has left the stage."),
      APIFunction(name: "before_won", parameters: [reaction, options], doc: "A guard: before a deal is won."),
      APIFunction(name: "won", parameters: [reaction, options], doc: "After a deal was won."),
      APIFunction(name: "lost", parameters: [reaction, options], doc: "After a deal was lost."),
      APIFunction(
        name: "event", parameters: [APIParameter(name: "name", type: "string"), reaction, options],
        doc: "After an event of this name: " + Trigger.events.map { "`\($0)`" }.joined(separator: ", ") + "."),
      APIFunction(
        name: "demand", parameters: [APIParameter(name: "name", type: "string"), reaction, options],
        doc: "Only when somebody asks for it by this name."),
      APIFunction(
        name: "schedule",
        parameters: [
          APIParameter(name: "rule", type: "schedule_rule"),
          APIParameter(name: "action", type: "fun(event: { at: time, missed: integer })"),
          APIParameter(name: "options", type: "schedule_options", isOptional: true),
        ],
        doc: "By the clock of the workspace's time zone, and for no deal: `on.schedule({ every = \"monday\", at = \"09:30\" }, …)`. `event.at` is the time that it was to run at, `event.missed` how many earlier ones it stands for."),
    ])

  private static let crm = APIModule(
    name: "crm", doc: "Finds records.",
    functions: ScriptContext.finders.flatMap { finder in
      [
        APIFunction(
          name: finder.one, parameters: [APIParameter(name: "id_or_key", type: "integer|string")],
          returns: finder.kind.rawValue,
          doc: "The \(finder.kind.words) with this id or key; an error when there is none."),
        APIFunction(
          name: finder.many, parameters: [APIParameter(name: "fields", type: "table", isOptional: true)],
          returns: "\(finder.kind.rawValue)[]",
          doc: "The \(finder.kind.words)s whose fields equal all those given, by id."),
      ]
    } + [
      APIFunction(
        name: "label",
        parameters: [APIParameter(name: "kind", type: "string"), APIParameter(name: "field", type: "string")],
        returns: "string",
        doc: "The label by which people know a field: `crm.label(\"deal\", \"start_date\")`. A text; it reads no record."),
      APIFunction(
        name: "add_product", parameters: [APIParameter(name: "fields", type: "table")], returns: "product",
        doc: "Makes a product. Not in a guard."),
    ])

  private static let anyText = APIParameter(name: "text", type: "string")

  private static let text = APIModule(
    name: "text", doc: "What Lua's own `string` library, which knows bytes only, can't do.",
    functions: [
      APIFunction(name: "trim", parameters: [anyText], returns: "string", doc: "Without white space at both ends."),
      APIFunction(
        name: "folded", parameters: [anyText], returns: "string",
        doc: "As labels are compared: accents, case, forms of apostrophes and dashes and runs of blanks don't count."),
      APIFunction(name: "words", parameters: [anyText], returns: "string[]", doc: "The runs of letters and digits, in order."),
      APIFunction(name: "lines", parameters: [anyText], returns: "string[]", doc: "The lines, without their line breaks."),
      APIFunction(
        name: "percent_encode", parameters: [anyText], returns: "string", doc: "For a part of an address, after RFC 3986."),
      APIFunction(
        name: "escape_markup", parameters: [anyText], returns: "string",
        doc: "With `&`, `<`, `>` and quotes written so that HTML and XML show them as they are."),
    ])

  static let functions: [APIFunction] = [
    APIFunction(
      name: "reject",
      parameters: [APIParameter(name: "format", type: "string"), APIParameter(name: "...", type: "any")],
      doc: "In a guard: notes a reason against the move and goes on. Formats as `string.format`; `%q` puts quotes around a value, and a value that is missing shows as nil."),
    APIFunction(
      name: "warn",
      parameters: [APIParameter(name: "format", type: "string"), APIParameter(name: "...", type: "any")],
      doc: "Shows a warning with the answer and with the run; formats as `reject` does."),
    APIFunction(
      name: "wait",
      parameters: [
        APIParameter(name: "target", type: "wait_target|signature_request"), APIParameter(name: "timeout", type: "string|working_days|date|time", isOptional: true),
      ], returns: "wait_answer",
      doc: "Parks the run until the target is reached or the time, such as `\"60 days\"`, is over. It survives restarts."),
    APIFunction(
      name: "wait_any", parameters: [APIParameter(name: "targets", type: "table")], returns: "wait_any_answer",
      doc: "Parks the run until the first of several: `wait_any { request, deal:becomes(\"won\"), \"3 days\" }`. They stand in a list or have names; `which` of the answer is the place or the name. Requests that were not the first stay open."),
    APIFunction(
      name: "sleep", parameters: [APIParameter(name: "duration", type: "string|working_days")],
      doc: "Parks the run for a time, such as `\"3 days\"`."),
    APIFunction(
      name: "sleep_until", parameters: [APIParameter(name: "moment", type: "string|date|time")],
      doc: "Parks the run until a day begins, or until a moment: `sleep_until \"2026-12-01 08:00\"`, in the workspace's time zone. What is past is over at once."),
    APIFunction(
      name: "working_days", parameters: [APIParameter(name: "count", type: "integer")], returns: "working_days",
      doc: "So many working days: Monday to Friday without the public holidays of France and the days off of `workspace.lua`. As a duration, or added to a date."),
    APIFunction(
      name: "money", parameters: [APIParameter(name: "amount", type: "string|integer|decimal|money")], returns: "money",
      doc: "An amount in the workspace's currency: `money(\"12.50\")`. Floats are refused."),
    APIFunction(
      name: "decimal", parameters: [APIParameter(name: "number", type: "string|integer|decimal")], returns: "decimal",
      doc: "An exact number of up to six decimals: `decimal(\"1.5\")`. Floats are refused."),
    APIFunction(
      name: "date", parameters: [APIParameter(name: "day", type: "string")], returns: "date",
      doc: "A date: `date(\"2026-11-03\")`."),
    APIFunction(name: "today", returns: "date", doc: "The present day in the workspace's time zone."),
    APIFunction(name: "now", returns: "time", doc: "The present moment; the same one whenever the run is replayed."),
  ]

  static let types: [APIType] = [
    APIType(
      name: "money", doc: "An exact amount with its currency. Amounts of two currencies never mix, and no float is ever one.",
      fields: [
        APIField(name: "amount", type: "string", doc: "Without the currency, \"1800.00\"."),
        APIField(name: "currency", type: "string", doc: "\"EUR\"."),
        APIField(name: "cents", type: "integer", doc: "In hundredths."),
      ],
      operators: [
        "add(money): money", "sub(money): money", "mul(decimal): money", "mul(integer): money", "div(decimal): money",
        "div(integer): money", "div(money): decimal", "unm: money", "concat(any): string",
      ]),
    APIType(
      name: "decimal",
      doc: "An exact number of up to six decimals. `==` tells it from Lua's own numbers: write `hours == decimal(7)`; `<` and `>` take both.",
      methods: [
        APIFunction(
          name: "round", parameters: [APIParameter(name: "places", type: "integer", isOptional: true)], returns: "decimal",
          doc: "Rounded half away from zero to so many decimals, 0 if none are said."),
        APIFunction(name: "integer", returns: "integer", doc: "As an integer of Lua's; an error when it has decimals."),
      ],
      operators: [
        "add(decimal|integer): decimal", "sub(decimal|integer): decimal", "mul(decimal|integer): decimal",
        "mul(money): money", "div(decimal|integer): decimal", "unm: decimal", "concat(any): string",
      ]),
    APIType(
      name: "date", doc: "A day.",
      fields: [
        APIField(name: "year", type: "integer", doc: ""), APIField(name: "month", type: "integer", doc: ""),
        APIField(name: "day", type: "integer", doc: ""), APIField(name: "weekday", type: "integer", doc: "1 is Monday."),
        APIField(name: "is_working_day", type: "boolean", doc: "Whether it is worked, see `working_days`."),
      ],
      methods: [
        APIFunction(
          name: "plus_days", parameters: [APIParameter(name: "days", type: "integer")], returns: "date",
          doc: "The day so many days later."),
        APIFunction(
          name: "format", parameters: [APIParameter(name: "pattern", type: "string")], returns: "string",
          doc: "With `%d`, `%m` and `%Y` replaced: `day:format(\"%d/%m/%Y\")`."),
      ],
      operators: ["add(integer): date", "sub(integer): date", "sub(date): integer", "add(working_days): date", "sub(working_days): date", "concat(any): string"]),
    APIType(
      name: "time", doc: "A moment.",
      fields: [
        APIField(name: "date", type: "date", doc: "Its day in the workspace's time zone."),
        APIField(name: "milliseconds", type: "integer", doc: "Since 1970, UTC."),
      ],
      methods: [
        APIFunction(
          name: "plus", parameters: [APIParameter(name: "duration", type: "string|working_days")], returns: "time",
          doc: "The moment so much later: `now():plus(\"2 hours\")`.")
      ],
      operators: ["concat(any): string"]),
    APIType(
      name: "address", doc: "A postal address: a plain table.",
      fields: [
        APIField(name: "street", type: "string", doc: "May hold several lines."),
        APIField(name: "postal_code", type: "string", doc: ""), APIField(name: "city", type: "string", doc: ""),
        APIField(name: "country", type: "string", doc: "Two letters, \"FR\"."),
      ]),
    APIType(name: "wait_target", doc: "What `deal:becomes(…)` and `deal:reaches(…)` give, for `wait`."),
    APIType(
      name: "wait_answer", doc: "What `wait` gives.",
      fields: [
        APIField(
          name: "state", type: "\"reached\"|\"expired\"|\"signed\"|\"declined\"|\"cancelled\"",
          doc: "How the wait ended: the last three for a signature request only."),
        APIField(name: "signed", type: "boolean?", doc: "Of a signature request."),
        APIField(name: "reason", type: "string?", doc: "Why the signer declined, or why it was cancelled."),
        APIField(name: "document", type: "document?", doc: "The signed document."),
        APIField(name: "at", type: "time?", doc: "When it was signed, declined or cancelled."),
      ]),
    APIType(
      name: "wait_any_answer", doc: "What `wait_any` gives: the answer of what came first, with `which` beside it.",
      fields: [
        APIField(name: "which", type: "integer|string", doc: "The place, from 1, or the name of what came first."),
        APIField(
          name: "state", type: "\"reached\"|\"expired\"|\"signed\"|\"declined\"|\"cancelled\"",
          doc: "As `wait` answers it; \"expired\" for a time that is over."),
        APIField(name: "signed", type: "boolean?", doc: "Of a signature request."),
        APIField(name: "reason", type: "string?", doc: "Why the signer declined, or why it was cancelled."),
        APIField(name: "document", type: "document?", doc: "The signed document."),
        APIField(name: "at", type: "time?", doc: "When it was signed, declined or cancelled."),
      ]),
    APIType(
      name: "working_days", doc: "A number of working days: a duration, or added to a date.",
      fields: [APIField(name: "count", type: "integer", doc: "")], operators: ["add(date): date", "concat(any): string"]),
    APIType(
      name: "schedule_rule", doc: "When `on.schedule` runs: a plain table.",
      fields: [
        APIField(
          name: "every", type: "\"day\"|\"working day\"|\"month\"|\"year\"|string|string[]",
          doc: "Or a day of the week, \"monday\", or a list of them."),
        APIField(
          name: "on", type: "integer|string|nil",
          doc: "Of a month: 1 to 28, \"last day\", \"first monday\", \"last working day\"; of a year: \"12-24\"."),
        APIField(name: "at", type: "string", doc: "The time of day, \"08:00\"."),
      ]),
    APIType(
      name: "schedule_options", doc: "The options of `on.schedule`.",
      fields: [
        APIField(name: "name", type: "string?", doc: "The automation's name; by default that of its file."),
        APIField(
          name: "missed", type: "\"once\"|\"each\"|nil",
          doc: "What happens with times that passed while no engine was at work: one run for all (the default), or one for each."),
      ]),
    APIType(
      name: "automation_options", doc: "The options of `on.…`.",
      fields: [
        APIField(name: "name", type: "string?", doc: "The automation's name; by default that of its file."),
        APIField(
          name: "while_waiting", type: "\"replace\"|\"ignore\"|nil",
          doc: "What a second entry does while the first run still waits: cancel that one (the default), or nothing."),
      ]),
  ]

  static let sellerFields: [APIField] = [
    APIField(name: "name", type: "string", doc: "The seller's name."),
    APIField(name: "address", type: "address", doc: "The seller's address."),
    APIField(name: "siret", type: "string", doc: ""), APIField(name: "vat_number", type: "string", doc: ""),
    APIField(name: "training_declaration", type: "string", doc: "The declaration of activity of a training body."),
  ]

  /// The methods of records of a kind, called with ':'.
  static func methods(of kind: RecordKind) -> [APIFunction] {
    switch kind {
    case .deal: dealMethods
    case .note:
      [
        APIFunction(name: "pin", doc: "Pins the note to the top of its deal."),
        APIFunction(name: "unpin", doc: "Takes the note from the top of its deal."),
      ]
    default: []
    }
  }

  private static let dealMethods: [APIFunction] = [
    APIFunction(
      name: "move_to",
      parameters: [label, APIParameter(name: "options", type: "{ from: string? }", isOptional: true)], returns: "boolean",
      doc: "Moves the deal to a stage, after its guards; a rejection is an error here. With `from`, only if the deal is still there. Answers whether it moved."),
    APIFunction(name: "win", returns: "boolean", doc: "Makes the deal won, after its guards. Answers whether that changed anything."),
    APIFunction(name: "lose", returns: "boolean", doc: "Makes the deal lost."),
    APIFunction(name: "reopen", returns: "boolean", doc: "Makes a won or lost deal open again."),
    APIFunction(
      name: "add_note",
      parameters: [
        APIParameter(name: "text", type: "string"),
        APIParameter(name: "options", type: "{ pinned: boolean? }", isOptional: true),
      ], returns: "note", doc: "Adds a note to the deal."),
    APIFunction(
      name: "append", parameters: [APIParameter(name: "field", type: "string"), APIParameter(name: "text", type: "string")],
      doc: "Adds a text to a field that holds a list of texts."),
    APIFunction(
      name: "becomes", parameters: [APIParameter(name: "status", type: "string")], returns: "wait_target",
      doc: "For `wait`: until the deal has this status."),
    APIFunction(
      name: "reaches", parameters: [label], returns: "wait_target", doc: "For `wait`: until the deal is in this stage."),
  ]
}
