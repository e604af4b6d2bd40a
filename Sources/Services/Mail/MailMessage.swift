import CRM

/// A mail with plain text and attachments, ready to be written as the bytes of an `.eml` file (RFC 5322). All of it was
/// checked when it was made: what is in a name or a subject can't begin another header. The same message always gives
/// the same bytes.
public struct MailMessage: Hashable, Sendable {
  /// A document that goes with it.
  public struct Attachment: Hashable, Sendable {
    /// The file's name: "Convention.pdf".
    public let name: String
    /// The kind of its content: "application/pdf".
    public let type: String
    public let bytes: [UInt8]

    /// - Throws: for a name that is no plain file name, and for a type that is none or can't travel in base64.
    public init(name: String, type: String, bytes: [UInt8]) throws(ValueFault) {
      try MailHeader.check(name, "an attachment's name", limit: 255)
      let ends = [name.unicodeScalars.first, name.unicodeScalars.last]
      let isBounded = ends.allSatisfy { $0.map { !$0.properties.isWhitespace } ?? false }
      guard isBounded, name != ".", name != "..", !name.utf8.contains(where: { "/\\".utf8.contains($0) }) else {
        throw ValueFault(
          "an attachment's name: expected one like \"Convention.pdf\", found \(Value.text(name).summary)")
      }
      let parts = type.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      let isType =
        parts.count == 2 && type.utf8.count <= 127
        && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { Mailbox.isAtomByte($0) || $0 == UInt8(ascii: ".") } }
        && !type.utf8.contains { "=?".utf8.contains($0) }
      let family = type.lowercased()
      guard isType, !family.hasPrefix("multipart/"), !family.hasPrefix("message/") else {
        throw ValueFault(
          "an attachment's type: expected one like \"application/pdf\", found \(Value.text(type).summary)")
      }
      self.name = name
      self.type = type
      self.bytes = bytes
    }
  }

  public let from: Mailbox
  public let to: [Mailbox]
  public let cc: [Mailbox]
  /// Kept in the file, where whoever sends it on finds it, and has to take it out.
  public let bcc: [Mailbox]
  public let subject: String
  /// Its line breaks are those of mails once it is written, whichever it has here, and its last line is ended.
  public let text: String
  public let attachments: [Attachment]
  /// With its angle brackets: "<…@altitude.example>".
  public let messageID: String
  public let date: Instant

  static let subjectLimit = 1000
  static let recipientLimit = 100

  /// - Parameter key: the idempotency key of the step that sends it: another attempt makes the same Message-ID, by
  ///   which mailboxes know a mail that they have.
  /// - Throws: for what can't be in a mail, with what to do about it.
  public init(
    from: Mailbox, to: [Mailbox], cc: [Mailbox] = [], bcc: [Mailbox] = [], subject: String, text: String,
    attachments: [Attachment] = [], key: String, date: Instant
  ) throws(ValueFault) {
    let count = to.count + cc.count + bcc.count
    guard count >= 1, count <= Self.recipientLimit else {
      throw ValueFault("a mail needs 1 to \(Self.recipientLimit) recipients, found \(count)")
    }
    try MailHeader.check(subject, "a mail's subject", limit: Self.subjectLimit)
    guard !text.utf8.contains(0) else {
      throw ValueFault("a mail's text can't hold the character NUL; take it out")
    }
    guard Self.written(date) != nil else {
      throw ValueFault("a mail's date: expected one from 1900 to 9999, found \(date)")
    }
    self.from = from
    self.to = to
    self.cc = cc
    self.bcc = bcc
    self.subject = subject
    self.text = text
    self.attachments = attachments
    self.date = date
    messageID = "<\(ContentHash.sha256(Array(key.utf8)).prefix(40))@\(from.domain)>"
  }

  /// The message as an `.eml` file: ASCII, lines ended by CRLF.
  public var bytes: [UInt8] {
    var head = MailHeader.line("Date", [Self.written(date) ?? ""])
    head += Self.mailboxes("From", [from])
    head += Self.mailboxes("To", to)
    head += Self.mailboxes("Cc", cc)
    head += Self.mailboxes("Bcc", bcc)
    head += MailHeader.line("Subject", MailHeader.text(subject, after: "Subject"))
    head += MailHeader.line("Message-ID", [messageID])
    head += MailHeader.line("MIME-Version", ["1.0"])
    let body = MailBody.text(text)
    let bodyHead =
      MailHeader.line("Content-Type", ["text/plain;", "charset=utf-8"])
      + MailHeader.line("Content-Transfer-Encoding", [body.encoding])
    if attachments.isEmpty { return Array((head + bodyHead + "\r\n").utf8) + body.bytes }

    // Neither way of writing bodies ever writes "=_".
    let boundary = "=_\(ContentHash.sha256(Array(messageID.utf8)).prefix(32))"
    head += MailHeader.line("Content-Type", ["multipart/mixed;", "boundary=\"\(boundary)\""])
    var bytes = Array("\(head)\r\n--\(boundary)\r\n\(bodyHead)\r\n".utf8) + body.bytes
    for attachment in attachments {
      let head =
        MailHeader.line("Content-Type", [attachment.type])
        + MailHeader.line("Content-Disposition", ["attachment;"] + MailHeader.fileName(attachment.name))
        + MailHeader.line("Content-Transfer-Encoding", ["base64"])
      bytes += Array("\r\n--\(boundary)\r\n\(head)\r\n".utf8) + MailBody.base64Lines(attachment.bytes)
    }
    return bytes + Array("\r\n--\(boundary)--\r\n".utf8)
  }

  private static func mailboxes(_ name: String, _ mailboxes: [Mailbox]) -> String {
    if mailboxes.isEmpty { return "" }
    var units: [String] = []
    for (place, mailbox) in mailboxes.enumerated() {
      units += MailHeader.units(mailbox, isLast: place == mailboxes.count - 1, after: name)
    }
    return MailHeader.line(name, units)
  }

  /// "Tue, 03 Nov 2026 09:15:00 +0000"; nil before 1900, where RFC 5322 has no dates, and after 9999.
  private static func written(_ date: Instant) -> String? {
    guard let day = date.day(), day.year >= 1900 else { return nil }
    let (year, month, number) = day.components
    let seconds = (date.milliseconds - Instant(startOf: day).milliseconds) / 1000
    func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded(Int($0)) }.joined(separator: ":")
    return "\(weekdays[day.weekday - 1]), \(padded(number)) \(months[month - 1]) \(year) \(clock) +0000"
  }

  private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
}
