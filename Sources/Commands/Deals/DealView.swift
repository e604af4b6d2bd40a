import CRM

/// A deal as a person reads it, from what `deals show --json` gives.
struct DealView {
  var json: JSON
  var schema: RecordSchema

  func print() throws {
    for line in lines { try Terminal.print(line) }
  }

  var lines: [String] {
    var lines = [Terminal.emphasized(visible("title"), .bold, on: .data)]
    let archived = json["archived"]?.boolValue == true ? ", archived" : ""
    lines.append("  \(visible("stage")), \(visible("status"))\(archived)")
    var rows: [(String, String)] = [("id", json["id"]?.integerValue.map(String.init) ?? "")]
    for member in json.objectValue ?? [] {
      guard let field = schema.field(.deal, member.name), !["title", "stage", "status", "archived"].contains(field.key),
        field.isWritable || field.key == "participants"
      else { continue }
      rows.append((field.label, RecordView.text(member.value)))
    }
    let width = rows.map { DisplayWidth.of($0.0) }.max() ?? 0
    for (label, text) in rows {
      lines.append("  " + label + String(repeating: " ", count: width - DisplayWidth.of(label) + 2) + text)
    }
    lines += section("Products", "lines") { line in
      let discount = Self.word(line["discount"]).map { ", discount \($0)" } ?? ""
      let price = Self.word(line["price"]).map { " at \($0)" } ?? ""
      return ["\(Self.word(line["quantity"]) ?? "") × \(Self.word(line["product"]) ?? "")\(price)\(discount)"]
    }
    lines += section("Notes", "notes") { note in
      let text = note["text"]?.stringValue ?? ""
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Terminal.visible(String($0)) }
      if note["pinned"]?.boolValue == true, !lines.isEmpty { lines[0] += "  (pinned)" }
      // A note may have many lines, blank ones too: the dash shows where each begins.
      return lines.enumerated().map { ($0 == 0 ? "- " : "  ") + $1 }
    }
    lines += section("Quotes", "quotes") { quote in
      let currency = Self.word(quote["currency"]) ?? ""
      var lines = [
        "\(Self.word(quote["number"]) ?? "") (\(Self.word(quote["status"]) ?? "")) for \(Self.word(quote["customer_name"]) ?? "")"
      ]
      for rate in quote["totals"]?.arrayValue ?? [] {
        lines.append(
          "  VAT \(Self.word(rate["rate"]) ?? "") %: \(Self.word(rate["base"]) ?? "") + \(Self.word(rate["tax"]) ?? "") \(currency)")
      }
      lines.append("  total \(Self.word(quote["total"]) ?? "") \(currency) with tax")
      return lines
    }
    lines += section("Documents", "documents") { document in
      let place = "drive/\(Self.word(document["path"]) ?? "") (\(Self.word(document["url"]) ?? ""))"
      return ["\(Self.word(document["title"]) ?? ""): \(place)"]
    }
    lines += section("Signatures", "signatures") { request in
      let since = Self.word(request["closed_at"]).map { " since \($0)" } ?? ""
      let reason = Self.word(request["reason"]).map { ", \($0)" } ?? ""
      let signed = Self.word(request["signed_document"]).map { ": \($0)" } ?? ""
      return [
        "\(Self.word(request["id"]) ?? "") \(Self.word(request["title"]) ?? "") "
          + "by \(Self.word(request["signer"]) ?? ""): \(Self.word(request["state"]) ?? "")\(since)\(reason)\(signed)"
      ]
    }
    lines += section("E-mails", "emails") { email in
      let to = email["to"]?.arrayValue?.compactMap { Self.word($0) }.joined(separator: ", ") ?? ""
      return ["to \(to): \(Self.word(email["subject"]) ?? "") (outbox/\(Self.word(email["path"]) ?? ""))"]
    }
    lines += section("Cards", "cards") { card in
      ["\(Self.word(card["title"]) ?? "") in \(Self.word(card["list"]) ?? ""): \(Self.word(card["url"]) ?? "")"]
    }
    lines += section("Messages", "messages") { message in
      ["to \(Self.word(message["to"]) ?? ""): \(Self.word(message["text"]) ?? "")"]
    }
    lines += section("Runs", "runs") { run in
      let error = Self.word(run["error"]).map { ": \($0)" } ?? ""
      return ["\(Self.word(run["id"]) ?? "") \(Self.word(run["automation"]) ?? "") \(Self.word(run["status"]) ?? "")\(error)"]
    }
    return lines
  }

  private func visible(_ name: String) -> String { Self.word(json[name]) ?? "" }

  private func section(_ title: String, _ name: String, _ words: (JSON) -> [String]) -> [String] {
    let elements = json[name]?.arrayValue ?? []
    if elements.isEmpty { return [] }
    return [title] + elements.flatMap(words).map { line in
      line.allSatisfy(\.isWhitespace) ? "" : "  \(line)"
    }
  }

  private static func word(_ json: JSON?) -> String? {
    switch json {
    case .string(let text): Terminal.visible(text)
    case .integer(let number): String(number)
    default: nil
    }
  }
}
