/// One line of JSON, written piece by piece: for what is written all the time, where a tree would be made only to be
/// written out. Commas are set where they belong; brackets are the caller's matter.
public struct JSONText {
  private var writer = JSONWriter()
  private var needsComma = false

  public init() {}

  /// What was written so far.
  public var text: String { String(decoding: writer.bytes, as: UTF8.self) }
  /// The same as UTF-8.
  public var bytes: [UInt8] { writer.bytes }

  public mutating func beginArray() { begin(UInt8(ascii: "[")) }
  public mutating func endArray() { end(UInt8(ascii: "]")) }
  public mutating func beginObject() { begin(UInt8(ascii: "{")) }
  public mutating func endObject() { end(UInt8(ascii: "}")) }

  /// The name of the next member of an object.
  public mutating func name(_ name: String) {
    separate()
    writer.write(name)
    writer.write(byte: UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func null() { element("null") }
  public mutating func bool(_ flag: Bool) { element(flag ? "true" : "false") }

  public mutating func string(_ text: String) {
    separate()
    writer.write(text)
  }

  public mutating func integer(_ number: Int64) {
    separate()
    writer.write(number)
  }

  /// A whole document.
  public mutating func json(_ json: JSON) {
    separate()
    writer.write(json)
  }

  /// A value in the journal's shape, byte by byte as `Value.json` has it.
  public mutating func value(_ value: Value) {
    switch value {
    case .null: null()
    case .boolean(let flag): bool(flag)
    case .integer(let number): integer(number)
    case .text(let text): string(text)
    case .list(let values):
      beginArray()
      for value in values { self.value(value) }
      endArray()
    case .object(let fields):
      separate()
      writer.write(raw: "{\"$object\":")
      needsComma = false
      beginArray()
      for field in fields {
        beginArray()
        string(field.name)
        self.value(field.value)
        endArray()
      }
      endArray()
      writer.write(byte: UInt8(ascii: "}"))
    case .number(let number): tagged("$number", number.description)
    case .decimal(let number): tagged("$decimal", number.description)
    case .money(let money): tagged("$money", money.description)
    case .day(let day): tagged("$day", day.description)
    case .record(let ref): tagged("$record", ref.description)
    case .instant(let instant):
      if let text = instant.isoText { tagged("$instant", text) } else { json(value.json) }
    case .span, .address: json(value.json)
    }
  }

  private mutating func tagged(_ tag: String, _ text: String) {
    beginObject()
    name(tag)
    string(text)
    endObject()
  }

  private mutating func begin(_ bracket: UInt8) {
    separate()
    writer.write(byte: bracket)
    needsComma = false
  }

  private mutating func end(_ bracket: UInt8) {
    writer.write(byte: bracket)
    needsComma = true
  }

  private mutating func element(_ text: String) {
    separate()
    writer.write(raw: text)
  }

  private mutating func separate() {
    if needsComma { writer.write(byte: UInt8(ascii: ",")) }
    needsComma = true
  }
}
