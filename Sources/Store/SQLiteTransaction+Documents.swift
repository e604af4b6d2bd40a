import CRM

/// Folders, documents, requests for signatures and outgoing mail.
extension SQLiteTransaction {
  // MARK: Folders

  private func folder(_ condition: String, _ arguments: StatementArguments) throws -> FolderRow? {
    try row(
      "SELECT id, effect_key, parent_id, person_id, name, path, created_at FROM folder WHERE \(condition)", arguments
    ).map { row in
      try FolderRow(
        id: row.at(0), key: row.at(1), parentID: row.at(2), personID: row.at(3), name: row.at(4), path: row.at(5),
        createdAt: Instant(milliseconds: row.at(6)))
    }
  }

  func folder(key: String) throws -> FolderRow? { try folder("effect_key = ?", [key]) }
  func folder(ofPerson id: Int64) throws -> FolderRow? { try folder("person_id = ?", [id]) }
  func folder(path: String) throws -> FolderRow? { try folder("path = ?", [path]) }
  func folder(_ id: Int64) throws -> FolderRow? { try folder("id = ?", [id]) }

  func insert(_ folder: FolderRow) throws -> FolderRow {
    var folder = folder
    try execute(
      "INSERT INTO folder (effect_key, parent_id, person_id, name, path, created_at) VALUES (?, ?, ?, ?, ?, ?)",
      [
        folder.key, folder.parentID, folder.personID, try whole(folder.name, "name"), try whole(folder.path, "path"),
        folder.createdAt.milliseconds,
      ])
    folder.id = statements.lastInsertedRowID
    return folder
  }

  // MARK: Documents

  private func documents(_ clause: String, _ arguments: StatementArguments) throws -> [DocumentRow] {
    try rows(
      """
      SELECT id, effect_key, deal_id, folder_id, title, template, name, path, content_type, size, sha256, created_at
      FROM document \(clause)
      """, arguments
    ).map { row in
      try DocumentRow(
        id: row.at(0), key: row.at(1), dealID: row.at(2), folderID: row.at(3), title: row.at(4), template: row.at(5),
        name: row.at(6), path: row.at(7), contentType: row.at(8), size: row.at(9), sha256: row.at(10),
        createdAt: Instant(milliseconds: row.at(11)))
    }
  }

  func document(key: String) throws -> DocumentRow? { try documents("WHERE effect_key = ?", [key]).first }
  func document(path: String) throws -> DocumentRow? { try documents("WHERE path = ?", [path]).first }
  func document(_ id: Int64) throws -> DocumentRow? { try documents("WHERE id = ?", [id]).first }

  func documents(of deal: Int64?) throws -> [DocumentRow] {
    guard let deal else { return try documents("ORDER BY id", []) }
    return try documents("WHERE deal_id = ? ORDER BY id", [deal])
  }

  func insert(_ document: DocumentRow) throws -> DocumentRow {
    var document = document
    try execute(
      """
      INSERT INTO document (effect_key, deal_id, folder_id, title, template, name, path, content_type, size, sha256,
        created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        document.key, document.dealID, document.folderID, try whole(document.title, "title"), document.template,
        try whole(document.name, "name"), try whole(document.path, "path"), document.contentType, document.size,
        document.sha256, document.createdAt.milliseconds,
      ])
    document.id = statements.lastInsertedRowID
    return document
  }

  // MARK: Requests for signatures

  private func requests(_ clause: String, _ arguments: StatementArguments) throws -> [SignatureRequestRow] {
    try rows(
      """
      SELECT id, effect_key, deal_id, document_id, title, state, signer_id, signer_name, signer_email, reason,
        signed_document_id, sent_at, viewed_at, closed_at FROM signature_request \(clause)
      """, arguments
    ).map { row in
      let word: String = try row.at(5)
      guard let state = SignatureState(rawValue: word) else {
        throw StoreError(.corrupted, "a signature request has the unknown state \(word)")
      }
      return try SignatureRequestRow(
        id: row.at(0), key: row.at(1), dealID: row.at(2), documentID: row.at(3), title: row.at(4), state: state,
        signerID: row.at(6), signerName: row.at(7), signerEmail: row.at(8), reason: row.at(9),
        signedDocumentID: row.at(10), sentAt: Instant(milliseconds: row.at(11)),
        viewedAt: (row.at(12) as Int64?).map { Instant(milliseconds: $0) },
        closedAt: (row.at(13) as Int64?).map { Instant(milliseconds: $0) })
    }
  }

  func signatureRequest(key: String) throws -> SignatureRequestRow? {
    try requests("WHERE effect_key = ?", [key]).first
  }

  func signatureRequest(_ id: Int64) throws -> SignatureRequestRow? { try requests("WHERE id = ?", [id]).first }

  func openSignatureRequest(of deal: Int64) throws -> SignatureRequestRow? {
    try requests("WHERE deal_id = ? AND closed_at IS NULL", [deal]).first
  }

  func signatureRequests(of deal: Int64?) throws -> [SignatureRequestRow] {
    guard let deal else { return try requests("ORDER BY id", []) }
    return try requests("WHERE deal_id = ? ORDER BY id", [deal])
  }

  func insert(_ request: SignatureRequestRow) throws -> SignatureRequestRow {
    var request = request
    try execute(
      """
      INSERT INTO signature_request (effect_key, deal_id, document_id, title, state, signer_id, signer_name,
        signer_email, reason, signed_document_id, sent_at, viewed_at, closed_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        request.key, request.dealID, request.documentID, try whole(request.title, "title"), request.state.rawValue,
        request.signerID, try whole(request.signerName, "signer"), try whole(request.signerEmail, "e-mail"),
        request.reason, request.signedDocumentID, request.sentAt.milliseconds, request.viewedAt?.milliseconds,
        request.closedAt?.milliseconds,
      ])
    request.id = statements.lastInsertedRowID
    return request
  }

  func update(_ request: SignatureRequestRow) throws {
    try execute(
      """
      UPDATE signature_request SET state = ?, reason = ?, signed_document_id = ?, viewed_at = ?, closed_at = ?
      WHERE id = ?
      """,
      [
        request.state.rawValue, try request.reason.map { try whole($0, "reason") }, request.signedDocumentID,
        request.viewedAt?.milliseconds, request.closedAt?.milliseconds, request.id,
      ])
    if statements.changes == 0 { throw StoreError(.notFound, "there is no signature request \(request.id)") }
    cache[request.ref] = nil
  }

  // MARK: Mail

  private func emails(_ clause: String, _ arguments: StatementArguments) throws -> [EmailRow] {
    try rows(
      "SELECT id, effect_key, deal_id, recipients, subject, text, path, created_at FROM email \(clause)", arguments
    ).map { row in
      try EmailRow(
        id: row.at(0), key: row.at(1), dealID: row.at(2), recipients: decodeTexts(row.at(3)), subject: row.at(4),
        text: row.at(5), path: row.at(6), createdAt: Instant(milliseconds: row.at(7)))
    }
  }

  func email(key: String) throws -> EmailRow? { try emails("WHERE effect_key = ?", [key]).first }

  func emails(of deal: Int64?) throws -> [EmailRow] {
    guard let deal else { return try emails("ORDER BY id", []) }
    return try emails("WHERE deal_id = ? ORDER BY id", [deal])
  }

  func insert(_ email: EmailRow) throws -> EmailRow {
    var email = email
    try execute(
      """
      INSERT INTO email (effect_key, deal_id, recipients, subject, text, path, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """,
      [
        email.key, email.dealID, encodeTexts(email.recipients), try whole(email.subject, "subject"),
        try whole(email.text, "text"), try whole(email.path, "path"), email.createdAt.milliseconds,
      ])
    email.id = statements.lastInsertedRowID
    return email
  }
}
