import CRM
import Store

/// Papers made from the workspace's templates. A connector implements the typed functions; how the data of a deal gets
/// into a template is the same for all of them.
public protocol Documents: Service {
  /// The workspace's templates.
  var templates: TemplateShelf { get }
  /// Makes a document from a template, to be looked at and corrected by a person.
  func generate(_ draft: DocumentDraft, _ context: OperationContext) throws(ServiceFailure) -> DocumentRow
  /// The document as a PDF, in its present state (ALT-125); a PDF that nobody has replaced is answered itself.
  func pdf(_ document: Int64, _ context: OperationContext) throws(ServiceFailure) -> DocumentRow
  /// The documents as one PDF, in this order, in their present state (ALT-125).
  func merge(_ documents: [Int64], _ context: OperationContext) throws(ServiceFailure) -> DocumentRow
  /// What these would answer, as rows of the rehearsal's transaction.
  func preview(_ call: OperationCall, _ transaction: any StoreTransaction) throws(ServiceFailure) -> RecordRef
}

/// A document to be made: a template and everything that it says.
public struct DocumentDraft: Hashable, Sendable {
  /// The template's name, without `.html`.
  public var template: String
  public var dealID: Int64
  public var folderID: Int64
  /// What the template sees, as plain values.
  public var data: Value

  public init(template: String, dealID: Int64, folderID: Int64, data: Value) {
    self.template = template
    self.dealID = dealID
    self.folderID = folderID
    self.data = data
  }

  var value: Value {
    .object([
      ValueField("template", .text(template)), ValueField("deal", .integer(dealID)),
      ValueField("folder", .integer(folderID)), ValueField("data", data),
    ])
  }

  init(_ fields: Fields) throws(ServiceFailure) {
    template = try fields.text("template", limit: 200)
    dealID = try fields.integer("deal")
    folderID = try fields.integer("folder")
    data = fields["data"]
  }
}

/// How every document service describes itself.
public enum DocumentsOperations {
  static let generate = OperationDeclaration(
    name: "generate", kind: .effect,
    parameters: [
      ParameterDeclaration(name: "template", type: "text"), ParameterDeclaration(name: "deal", type: "deal"),
      ParameterDeclaration(name: "folder", type: "folder"),
      ParameterDeclaration(name: "values", type: "table", isOptional: true),
    ], returns: "document",
    doc: "Makes a document from templates/NAME.html with the data of the deal, and of `values` beside it. It is kept "
      + "as HTML that a person can correct. A placeholder that is unknown or empty is an error that names it and its "
      + "line.")
  static let pdf = OperationDeclaration(
    name: "pdf", kind: .effect, parameters: [ParameterDeclaration(name: "document", type: "document")],
    returns: "document", doc: "The document as a PDF, as it is now: with the corrections that were made by hand.",
    method: "pdf")
  static let merge = OperationDeclaration(
    name: "merge", kind: .effect,
    parameters: [
      ParameterDeclaration(name: "document", type: "document|text", isOptional: true, isRepeated: true)
    ], returns: "document",
    doc: "One PDF of all these documents, in this order, as they are now; each is a document or its address, "
      + "and nil is left out.")

  public static let declaration = ServiceDeclaration(
    name: "documents", doc: "Papers made from the workspace's templates.", operations: [generate, pdf, merge])
}

extension Documents {
  public var declaration: ServiceDeclaration { DocumentsOperations.declaration }

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    switch operation {
    case "generate":
      let arguments = try Arguments("documents", DocumentsOperations.generate, arguments)
      let name = try arguments.text(0, "a template's name", limit: 200)
      let template = try templates.template(named: name)
      let deal = try arguments.record(.deal, 1)
      let folder = try arguments.existing(.folder, 2, in: world)
      var values: [ValueField] = []
      switch arguments[3] {
      case .null: break
      case .object(let fields): values = fields
      case .list(let list) where list.isEmpty: break
      default: throw arguments.fault("a table like { participant = person }", 3)
      }
      let data = try TemplateData(world).tree(deal: deal, for: template, values: values)
      // Now, so that what is missing is told at the call, and before anything is written.
      _ = try template.render(data)
      let draft = DocumentDraft(template: name, dealID: deal.id, folderID: folder, data: data)
      return ResolvedOperation(arguments: draft.value)
    case "pdf":
      let arguments = try Arguments("documents", DocumentsOperations.pdf, arguments)
      let id = try document(arguments[0], arguments, 0, world)
      return ResolvedOperation(arguments: .object([ValueField("document", .integer(id))]))
    case "merge":
      let given = arguments
      var declared = DocumentsOperations.merge
      if let parameter = declared.parameters.first, given.count > 1 {
        declared.parameters = Array(repeating: parameter, count: given.count)
      }
      let arguments = try Arguments("documents", declared, given)
      var ids: [Int64] = []
      for place in given.indices where !given[place].isNull {
        ids.append(try document(given[place], arguments, place, world))
      }
      guard !ids.isEmpty else {
        throw ServiceFailure(.permanent, "\(arguments.name): there is nothing to merge; all its arguments are nil")
      }
      return ResolvedOperation(
        arguments: .object([ValueField("documents", .list(ids.map { .integer($0) }))]))
    default: throw unknownOperation(operation)
    }
  }

  /// A document, or its address as it stands in a field of the deal (ALT-126).
  private func document(
    _ value: Value, _ arguments: Arguments, _ place: Int, _ world: ServiceWorld
  ) throws(ServiceFailure) -> Int64 {
    let ref: RecordRef
    switch value {
    case .record(let given) where given.kind == .document: ref = given
    case .text(let text):
      guard let found = WorkspaceAddress.record(text), found.kind == .document else {
        throw ServiceFailure(
          .permanent,
          "\(arguments.name): \(quoted(text)) is not the address of a document of this workspace, "
            + "which looks like coulisse://documents/12")
      }
      ref = found
    default: throw arguments.fault("a document or its address", place)
    }
    return try arguments.existing(ref, in: world)
  }

  public func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    let context = OperationContext(call, transaction)
    let fields = try Fields(call.name, call.arguments)
    let row: DocumentRow
    switch call.operation {
    case "generate": row = try generate(try DocumentDraft(fields), context)
    case "pdf": row = try pdf(try fields.integer("document"), context)
    case "merge":
      var ids: [Int64] = []
      for case .integer(let id) in try fields.list("documents") { ids.append(id) }
      row = try merge(ids, context)
    default: throw unknownOperation(call.operation)
    }
    return .record(RecordRef(.document, row.id))
  }

  public func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    .record(try preview(call, try OperationContext(call, transaction).requireTransaction()))
  }
}
