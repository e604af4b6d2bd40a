import CRM

/// A folder of the drive.
public struct FolderRow: Sendable, Hashable {
  public var id: Int64
  /// The idempotency key under which it was made.
  public var key: String
  public var parentID: Int64?
  /// Whose folder it is; nil for all folders but a client's own.
  public var personID: Int64?
  /// Its name on disk.
  public var name: String
  /// Relative to the drive, the parts divided by `/`.
  public var path: String
  public var createdAt: Instant

  public init(
    id: Int64 = 0, key: String, parentID: Int64? = nil, personID: Int64? = nil, name: String, path: String,
    createdAt: Instant
  ) {
    self.id = id
    self.key = key
    self.parentID = parentID
    self.personID = personID
    self.name = name
    self.path = path
    self.createdAt = createdAt
  }
}

/// A file of the drive that the program made. Size and hash are those of the moment when it was written: a person may
/// have corrected it since.
public struct DocumentRow: Sendable, Hashable {
  public var id: Int64
  /// The idempotency key under which it was made.
  public var key: String
  public var dealID: Int64?
  /// Nil while it lies in no folder that people look into.
  public var folderID: Int64?
  public var title: String
  /// The template that it was made from.
  public var template: String?
  /// The file's name.
  public var name: String
  /// Relative to the drive, the parts divided by `/`.
  public var path: String
  /// `text/html`, `application/pdf`.
  public var contentType: String
  /// In bytes.
  public var size: Int64
  /// 64 hexadecimal digits.
  public var sha256: String
  public var createdAt: Instant

  public init(
    id: Int64 = 0, key: String, dealID: Int64?, folderID: Int64?, title: String, template: String? = nil, name: String,
    path: String, contentType: String, size: Int64, sha256: String, createdAt: Instant
  ) {
    self.id = id
    self.key = key
    self.dealID = dealID
    self.folderID = folderID
    self.title = title
    self.template = template
    self.name = name
    self.path = path
    self.contentType = contentType
    self.size = size
    self.sha256 = sha256
    self.createdAt = createdAt
  }
}

/// A request for a signature.
public struct SignatureRequestRow: Sendable, Hashable {
  public var id: Int64
  /// The idempotency key under which it was sent.
  public var key: String
  public var dealID: Int64
  /// What is to be signed.
  public var documentID: Int64
  public var title: String
  public var state: SignatureState
  public var signerID: Int64
  /// Name and address as they were when it was sent.
  public var signerName: String
  public var signerEmail: String
  /// Why it was declined, or taken back.
  public var reason: String?
  /// There if and only if it is signed.
  public var signedDocumentID: Int64?
  public var sentAt: Instant
  public var viewedAt: Instant?
  /// When it stopped being open.
  public var closedAt: Instant?

  public init(
    id: Int64 = 0, key: String, dealID: Int64, documentID: Int64, title: String, state: SignatureState = .sent,
    signerID: Int64, signerName: String, signerEmail: String, reason: String? = nil, signedDocumentID: Int64? = nil,
    sentAt: Instant, viewedAt: Instant? = nil, closedAt: Instant? = nil
  ) {
    self.id = id
    self.key = key
    self.dealID = dealID
    self.documentID = documentID
    self.title = title
    self.state = state
    self.signerID = signerID
    self.signerName = signerName
    self.signerEmail = signerEmail
    self.reason = reason
    self.signedDocumentID = signedDocumentID
    self.sentAt = sentAt
    self.viewedAt = viewedAt
    self.closedAt = closedAt
  }

  public var ref: RecordRef { RecordRef(.signatureRequest, id) }
}

/// A message of the outbox.
public struct EmailRow: Sendable, Hashable {
  public var id: Int64
  /// The idempotency key under which it was written.
  public var key: String
  public var dealID: Int64?
  /// Addresses, those in copy and blind copy too.
  public var recipients: [String]
  public var subject: String
  public var text: String
  /// Of the `.eml` file, relative to the drive.
  public var path: String
  public var createdAt: Instant

  public init(
    id: Int64 = 0, key: String, dealID: Int64?, recipients: [String], subject: String, text: String, path: String,
    createdAt: Instant
  ) {
    self.id = id
    self.key = key
    self.dealID = dealID
    self.recipients = recipients
    self.subject = subject
    self.text = text
    self.path = path
    self.createdAt = createdAt
  }
}
