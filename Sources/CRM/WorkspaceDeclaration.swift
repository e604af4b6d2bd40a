/// What `workspace.lua` declares, as values.
public struct WorkspaceDeclaration: Hashable, Sendable {
  /// Whose workspace it is.
  public var seller: Seller
  /// Of all amounts: a workspace has one.
  public var currency: Currency
  /// IANA identifier, such as "Europe/Paris".
  public var timeZone: String
  /// In their order; at least one.
  public var pipelines: [PipelineDefinition]
  /// The workspace's own fields, beside the built-in ones.
  public var customFields: [RecordKind: [FieldDefinition]]
  /// The free `settings` table that scripts read as `settings.x`; an object.
  public var settings: Value
  /// What a run may spend, and where loops stop.
  public var limits: WorkspaceLimits
  /// What of ended runs is kept.
  public var retention = Retention()
  /// How a service is called that has a policy of its own, by the service's name.
  public var callPolicies: [String: CallPolicy] = [:]
  /// Who acts when a command is given by a system account.
  public var systemUsers: [SystemUser]
  /// Each service's own configuration, by the service's name.
  public var services: [String: Value]
  /// The texts of `templates/*.html`, by the file's name without its ending; what they include as `parts/NAME`.
  public var templates: [String: String]
  /// Which days are worked.
  public var workingDays = WorkingDays()

  /// A declaration; `check` says what is wrong with it.
  public init(
    seller: Seller = Seller(), currency: Currency = .eur, timeZone: String = "Europe/Paris",
    pipelines: [PipelineDefinition] = [], customFields: [RecordKind: [FieldDefinition]] = [:],
    settings: Value = .object([]), limits: WorkspaceLimits = WorkspaceLimits(),
    systemUsers: [SystemUser] = [],
    services: [String: Value] = [:], templates: [String: String] = [:]
  ) {
    self.seller = seller
    self.currency = currency
    self.timeZone = timeZone
    self.pipelines = pipelines
    self.customFields = customFields
    self.settings = settings
    self.limits = limits
    self.systemUsers = systemUsers
    self.services = services
    self.templates = templates
  }

  /// The fields of this workspace: the built-in ones and its own. Throws what is wrong with its own.
  public func schema() throws(ValueFault) -> RecordSchema {
    try RecordSchema(custom: customFields, currency: currency)
  }

  /// Throws the first thing that is wrong with the declaration: fields, pipelines, limits.
  public func check() throws(ValueFault) {
    _ = try schema()
    var names: Set<String> = []
    for pipeline in pipelines {
      try pipeline.check()
      guard names.insert(Label.folded(pipeline.name)).inserted else {
        throw ValueFault(
          "two pipelines are named \(quoted(pipeline.name)); pipelines need different names")
      }
    }
    guard case .object = settings else {
      throw ValueFault("settings: expected a table of named values, found \(settings.summary)")
    }
    try limits.check()
    try retention.check()
    for (name, policy) in callPolicies.sorted(by: { $0.key < $1.key }) { try policy.check("services.\(name).calls") }
  }

  /// How a service is called.
  public func calls(of service: String) -> CallPolicy { callPolicies[service] ?? limits.calls }
}

/// A pipeline and its stages, in order (ALT-02).
public struct PipelineDefinition: Hashable, Sendable {
  /// The importer's own name; optional.
  public var key: String?
  /// The name that people see; two pipelines have different ones.
  public var name: String
  /// In their order; at least one.
  public var stages: [StageDefinition]

  /// A pipeline of these stages.
  public init(key: String? = nil, name: String, stages: [StageDefinition]) {
    self.key = key
    self.name = name
    self.stages = stages
  }

  /// A pipeline of stages without keys.
  public init(key: String? = nil, name: String, stages: [String]) {
    self.init(key: key, name: name, stages: stages.map { StageDefinition(name: $0) })
  }

  /// The stage of this name, looked up as labels are (ALT-04). Throws an error that lists the known stages.
  public func stage(named name: String) throws(ValueFault) -> StageDefinition {
    let folded = Label.folded(name)
    if let stage = stages.first(where: { Label.folded($0.name) == folded }) { return stage }
    let known = stages.map { "\"\($0.name)\"" }.joined(separator: ", ")
    throw ValueFault(
      "there is no stage \(quoted(name)) in \(quoted(self.name)); its stages are \(known)")
  }

  func check() throws(ValueFault) {
    guard !Label.folded(name).isEmpty else { throw ValueFault("a pipeline has no name") }
    guard !stages.isEmpty else {
      throw ValueFault("the pipeline \(quoted(name)) has no stages; declare at least one")
    }
    var names: [String: String] = [:]
    for stage in stages {
      let folded = Label.folded(stage.name)
      guard !folded.isEmpty else {
        throw ValueFault("a stage of the pipeline \(quoted(name)) has no name")
      }
      if let other = names.updateValue(stage.name, forKey: folded) {
        throw ValueFault(
          "the pipeline \(quoted(name)) has two stages of one name, \(quoted(other)) and \(quoted(stage.name)); "
            + "accents, case and apostrophes don't tell stages apart")
      }
    }
  }
}

/// A stage of a pipeline.
public struct StageDefinition: Hashable, Sendable {
  /// The importer's own name; optional.
  public var key: String?
  /// The name that people see. Accents, case and apostrophes tell no stages apart (ALT-04).
  public var name: String

  /// A stage; its place is its place in the pipeline.
  public init(key: String? = nil, name: String) {
    self.key = key
    self.name = name
  }
}

/// Whose workspace it is: the identity on quotes and documents.
public struct Seller: Hashable, Sendable {
  /// The name as it stands on papers.
  public var name: String
  /// The registered office.
  public var address: Address
  /// 14 digits, or empty.
  public var siret: String
  /// A European VAT number, or empty.
  public var vatNumber: String
  /// The declaration of activity of a training body, as text.
  public var trainingDeclaration: String
  /// What else stands on the seller's papers (`legal_form`, `phone`, …), for templates.
  public var others: [ValueField] = []

  /// A seller's identity; numbers are kept as they are given.
  public init(
    name: String = "", address: Address = Address(), siret: String = "", vatNumber: String = "",
    trainingDeclaration: String = ""
  ) {
    self.name = name
    self.address = address
    self.siret = siret
    self.vatNumber = vatNumber
    self.trainingDeclaration = trainingDeclaration
  }
}

/// A system account and the key of the user who acts when it gives a command.
public struct SystemUser: Hashable, Sendable {
  /// The name of the account in the operating system.
  public var account: String
  /// The key of a user; who that is, the data say.
  public var userKey: String

  /// An account and the user who acts for it.
  public init(account: String, userKey: String) {
    self.account = account
    self.userKey = userKey
  }
}
