import CRM
import Store

/// Documents out for signature and back. A connector implements the typed functions; the state of a request is a record
/// of the workspace whoever serves it, and its changes are events.
public protocol Signature: Service {
  /// Sends a document out to be signed. A deal has one open request (ALT-129): the one that is open is answered if it is
  /// of the same document and signer, and else taken back first.
  func send(_ draft: SignatureDraft, _ context: OperationContext) throws(ServiceFailure) -> SignatureRequestRow
  /// What `send` would answer, as a row of the rehearsal's transaction.
  func previewRequest(
    _ draft: SignatureDraft, _ context: OperationContext
  ) throws(ServiceFailure) -> SignatureRequestRow
}

/// A document to be signed.
public struct SignatureDraft: Hashable, Sendable {
  public var dealID: Int64
  public var documentID: Int64
  public var title: String
  public var signerID: Int64
  public var signerName: String
  public var signerEmail: String

  public init(
    dealID: Int64, documentID: Int64, title: String, signerID: Int64, signerName: String, signerEmail: String
  ) {
    self.dealID = dealID
    self.documentID = documentID
    self.title = title
    self.signerID = signerID
    self.signerName = signerName
    self.signerEmail = signerEmail
  }

  static let titleLimit = 500

  var value: Value {
    .object([
      ValueField("deal", .integer(dealID)), ValueField("document", .integer(documentID)),
      ValueField("title", .text(title)), ValueField("signer", .integer(signerID)),
      ValueField("signer_name", .text(signerName)), ValueField("signer_email", .text(signerEmail)),
    ])
  }

  init(_ fields: Fields) throws(ServiceFailure) {
    dealID = try fields.integer("deal")
    documentID = try fields.integer("document")
    title = try fields.text("title", limit: Self.titleLimit)
    signerID = try fields.integer("signer")
    signerName = try fields.text("signer_name", limit: 1000)
    signerEmail = try fields.text("signer_email", limit: 1000)
  }
}

/// How every signature service describes itself.
public enum SignatureOperations {
  static let send = OperationDeclaration(
    name: "send", kind: .effect,
    parameters: [ParameterDeclaration(name: "request", type: "{ document, signer, title?, deal? }")],
    returns: "signature_request",
    doc: "Sends a PDF to a person to be signed; `wait` on what it returns. A deal has one open request: an earlier one "
      + "is answered if it asks for the same, else taken back.")

  public static let declaration = ServiceDeclaration(
    name: "signature", doc: "Documents out for signature and back.", operations: [send])
}

extension Signature {
  public var declaration: ServiceDeclaration { SignatureOperations.declaration }

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    guard operation == "send" else { throw unknownOperation(operation) }
    let arguments = try Arguments("signature", SignatureOperations.send, arguments)
    let fields = try arguments.table(0, allowed: ["document", "signer", "title", "deal"])
    guard case .record(let document) = fields["document"], document.kind == .document,
      let paper = try stored({ try world.transaction.document(document.id) })
    else { throw fields.fault("a document", "document") }
    guard paper.contentType == "application/pdf" else {
      throw ServiceFailure(
        .permanent,
        "\(arguments.name): \(quoted(paper.name)) is no PDF; make one of it with documents.pdf or documents.merge")
    }
    guard case .record(let signer) = fields["signer"], signer.kind == .person,
      let person = try stored({ try world.transaction.record(signer) })
    else { throw fields.fault("a person", "signer") }
    let name = try stored { try world.transaction.value(signer, "name") }?.plainText ?? ""
    let email = person[field: "email"].plainText
    guard !isBlank(name) else {
      throw ServiceFailure(.permanent, "\(arguments.name): the signer, person \(signer.id), has no name")
    }
    // ALT-128: without an address nobody would be asked.
    guard !isBlank(email) else {
      throw ServiceFailure(.permanent, "\(arguments.name): \(quoted(name)) has no « E-mail » to which the papers could go")
    }
    let given = try fields.optionalRecord(.deal, "deal", in: world)?.id
    guard let deal = given ?? paper.dealID ?? dealID else {
      throw ServiceFailure(.permanent, "\(arguments.name): the document belongs to no deal; name one with deal = …")
    }
    let title = try fields.optionalText("title", limit: SignatureDraft.titleLimit) ?? paper.title
    return ResolvedOperation(
      arguments: SignatureDraft(
        dealID: deal, documentID: paper.id, title: title, signerID: signer.id, signerName: name, signerEmail: email
      ).value)
  }

  public func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    guard call.operation == "send" else { throw unknownOperation(call.operation) }
    let draft = try SignatureDraft(try Fields(call.name, call.arguments))
    return .record(try send(draft, OperationContext(call, transaction)).ref)
  }

  public func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    guard call.operation == "send" else { throw unknownOperation(call.operation) }
    let draft = try SignatureDraft(try Fields(call.name, call.arguments))
    return .record(try previewRequest(draft, OperationContext(call, transaction)).ref)
  }
}
