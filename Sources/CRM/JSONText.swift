/// One line of JSON, written piece by piece: for what is written all the time, where a tree would be made only to be
/// written out. Commas are set where they belong; brackets are the caller's matter.
public struct JSONText {
  private var writer = JSONWriter()
  private var needsComma = false

  /// Nothing is written yet.
  public init() {}

  /// What was written so far.
  public var text: String { String(decoding: writer.bytes, as: UTF8.self) }
  /// The same as UTF-8.
  public var bytes: [UInt8] { writer.bytes }

  /// Writes `[`.
  public mutating func beginArray() { begin(UInt8(ascii: "[")) }
  /// Writes `]`.
  public mutating func endArray() { end(UInt8(ascii: "]")) }
  /// Writes `{`.
  public mutating func beginObject() { begin(UInt8(ascii: "{")) }
  /// Writes `}`.
  public mutating func endObject() { end(UInt8(ascii: "}")) }

  /// The name of the next member of an object.
  public mutating func name(_ name: String) {
    separate()
    writer.write(name)
    writer.write(byte: UInt8(ascii: ":"))
    needsComma = false
  }

  /// Writes `null`.
  public mutating func null() { element("null") }
  /// Writes `true` or `false`.
  public mutating func bool(_ flag: Bool) { element(flag ? "true" : "false") }

  /// Writes a text, escaped as JSON wants it.
  public mutating func string(_ text: String) {
    separate()
    writer.write(text)
  }

  /// Writes a whole number.
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
    case .day(let day): tagged("$day", day.description)
    // Most values of a journal are of these kinds; their texts are those of `description`.
    case .decimal(let number):
      separate()
      writer.write(raw: "{\"$decimal\":\"")
      fixed(number.millionths, places: 6, least: 0)
      writer.write(raw: "\"}")
    case .money(let money):
      separate()
      writer.write(raw: "{\"$money\":\"")
      fixed(money.cents, places: 2, least: 2)
      writer.write(byte: UInt8(ascii: " "))
      writer.write(raw: money.currency.code)
      writer.write(raw: "\"}")
    case .record(let ref):
      separate()
      writer.write(raw: "{\"$record\":\"")
      writer.write(raw: ref.kind.rawValue)
      writer.write(byte: UInt8(ascii: ":"))
      writer.write(ref.id)
      if ref.kind.isLine {
        writer.write(byte: UInt8(ascii: "."))
        writer.write(Int64(ref.part))
      }
      writer.write(raw: "\"}")
    case .instant(let instant):
      if let text = instant.isoText { tagged("$instant", text) } else { json(value.json) }
    case .span, .address: json(value.json)
    }
  }

  /// A number with so many decimals, of which those at the end that are zero are left out beyond `least`.
  private mutating func fixed(_ number: Int64, places: Int, least: Int) {
    var unit: UInt64 = 1
    for _ in 0..<places { unit *= 10 }
    let whole = number.magnitude / unit
    var fraction = number.magnitude % unit
    if number < 0 { writer.write(byte: UInt8(ascii: "-")) }
    writer.write(Int64(whole))
    var left = places
    while left > 0, fraction != 0 || places - left < least {
      if left == places { writer.write(byte: UInt8(ascii: ".")) }
      unit /= 10
      writer.write(byte: UInt8(ascii: "0") + UInt8(fraction / unit))
      fraction %= unit
      left -= 1
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
