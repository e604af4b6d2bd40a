import CLuaShim

/// Values through the parcel, both ways.
extension LuaState {
  private var parcel: UnsafeMutablePointer<clk_parcel> { clk_parcel_of(run) }

  // MARK: to Lua

  func encode(_ values: [LuaValue]) throws(LuaHostError) {
    let parcel = self.parcel
    clk_parcel_clear(parcel)
    var left = LuaTable.elementLimit
    for value in values { try encode(value, parcel, 0, &left) }
  }

  func encode(_ value: LuaValue) throws(LuaHostError) {
    let parcel = self.parcel
    clk_parcel_clear(parcel)
    var left = LuaTable.elementLimit
    try encode(value, parcel, 0, &left)
  }

  private func encode(
    _ value: LuaValue, _ parcel: UnsafeMutablePointer<clk_parcel>, _ depth: Int, _ left: inout Int
  ) throws(LuaHostError) {
    left -= 1
    guard left >= 0 else {
      throw LuaHostError("a value for Lua holds more than \(LuaTable.elementLimit) values")
    }
    switch value {
    case .nil: clk_parcel_add(parcel, Int32(CLK_NODE_NIL), 0, 0, 0, 0)
    case .boolean(let b): clk_parcel_add(parcel, Int32(CLK_NODE_BOOLEAN), 0, b ? 1 : 0, 0, 0)
    case .integer(let i): clk_parcel_add(parcel, Int32(CLK_NODE_INTEGER), 0, i, 0, 0)
    case .number(let d): clk_parcel_add(parcel, Int32(CLK_NODE_NUMBER), 0, 0, 0, d)
    case .string(let s):
      s.bytes.withUnsafeBytes { clk_parcel_bytes(parcel, $0.baseAddress, $0.count) }
    case .function(let f):
      guard isValid(f) else { throw LuaHostError("a function of another state or of an earlier run") }
      clk_parcel_add(parcel, Int32(CLK_NODE_FUNCTION), f.reference, 0, 0, 0)
    case .object(let o):
      guard types.indices.contains(Int(o.type.number)) else {
        throw LuaHostError("an object of a type that this state does not know")
      }
      clk_parcel_add(parcel, Int32(CLK_NODE_OBJECT), o.type.number, o.first, o.second, 0)
    case .table(let t):
      guard depth < LuaTable.depthLimit else {
        throw LuaHostError("a value for Lua is nested more than \(LuaTable.depthLimit) tables deep")
      }
      clk_parcel_add(
        parcel, Int32(CLK_NODE_TABLE), 0, Int64(t.sequence.count), Int64(t.fields.count), 0)
      for element in t.sequence { try encode(element, parcel, depth + 1, &left) }
      for field in t.fields {
        switch field.key {
        case .boolean, .integer, .string: break
        case .number(let d) where !d.isNaN: break
        default: throw LuaHostError("a table for Lua has a \(field.key.typeName) as a key")
        }
        try encode(field.key, parcel, depth + 1, &left)
        try encode(field.value, parcel, depth + 1, &left)
      }
    }
  }

  // MARK: from Lua

  func decodeAll() -> [LuaValue] {
    let parcel = self.parcel.pointee
    guard let nodes = parcel.nodes else { return [] }
    let all = UnsafeBufferPointer(start: nodes, count: parcel.node_count)
    let bytes = UnsafeRawBufferPointer(start: parcel.bytes, count: parcel.byte_count)
    var next = 0
    var values: [LuaValue] = []
    while next < all.count { values.append(decode(all, bytes, &next)) }
    return values
  }

  private func decode(
    _ nodes: UnsafeBufferPointer<clk_node>, _ bytes: UnsafeRawBufferPointer, _ next: inout Int
  ) -> LuaValue {
    guard next < nodes.count else { return .nil }
    let node = nodes[next]
    next += 1
    switch Int(node.kind) {
    case CLK_NODE_BOOLEAN: return .boolean(node.first != 0)
    case CLK_NODE_INTEGER: return .integer(node.first)
    case CLK_NODE_NUMBER: return .number(node.number)
    case CLK_NODE_STRING:
      let start = Int(node.first)
      return .string(LuaString(bytes: Array(bytes[start..<start + Int(node.second)])))
    case CLK_NODE_FUNCTION:
      return .function(LuaFunction(reference: node.tag, state: identity, generation: generation))
    case CLK_NODE_OBJECT:
      return .object(LuaObject(type: LuaTypeID(number: node.tag), first: node.first, second: node.second))
    case CLK_NODE_TABLE:
      var table = LuaTable()
      table.sequence.reserveCapacity(Int(node.first))
      for _ in 0..<node.first { table.sequence.append(decode(nodes, bytes, &next)) }
      table.fields.reserveCapacity(Int(node.second))
      for _ in 0..<node.second {
        let key = decode(nodes, bytes, &next)
        table.fields.append(LuaField(key: key, value: decode(nodes, bytes, &next)))
      }
      table.fields.sort { LuaState.precedes($0.key, $1.key) }
      return .table(table)
    default: return .nil
    }
  }

  /// Numbers by value, then strings by their bytes, then booleans: an order that does not depend on the
  /// table's history.
  static func precedes(_ a: LuaValue, _ b: LuaValue) -> Bool {
    switch (a, b) {
    case (.integer(let x), .integer(let y)): x < y
    case (.integer(let x), .number(let y)): isLess(x, y)
    case (.number(let x), .integer(let y)): isLess(x, y)
    case (.number(let x), .number(let y)): x < y
    case (.string(let x), .string(let y)): x.bytes.lexicographicallyPrecedes(y.bytes)
    case (.boolean(let x), .boolean(let y)): !x && y
    default: rank(a) < rank(b)
    }
  }

  /// Exactly: most large integers have no equal among the floats.
  private static func isLess(_ x: Int64, _ y: Double) -> Bool {
    guard y < 0x1p63 else { return !y.isNaN }
    return y > -0x1p63 && x < Int64(y.rounded(.up))
  }

  private static func isLess(_ x: Double, _ y: Int64) -> Bool {
    guard x >= -0x1p63 else { return !x.isNaN }
    return x < 0x1p63 && Int64(x.rounded(.down)) < y
  }

  private static func rank(_ value: LuaValue) -> Int {
    switch value {
    case .integer, .number: 0
    case .string: 1
    default: 2
    }
  }

  // MARK: arguments, read where they lie on the Lua stack

  func read(_ thread: OpaquePointer, _ index: Int32) throws -> LuaValue {
    switch clk_arg_type(thread, index) {
    case Int32.min...LuaTypeCode.absent: return .nil
    case LuaTypeCode.boolean: return .boolean(clk_arg_boolean(thread, index))
    case LuaTypeCode.number:
      var integer: Int64 = 0
      if clk_arg_is_integer(thread, index), clk_arg_integer(thread, index, &integer) { return .integer(integer) }
      return .number(clk_arg_number(thread, index))
    case LuaTypeCode.string:
      var count = 0
      guard let start = clk_arg_bytes(thread, index, &count) else { return .nil }
      return .string(LuaString(bytes: Array(UnsafeRawBufferPointer(start: start, count: count))))
    case LuaTypeCode.object:
      if let object = object(thread, index) { return .object(object) }
      fallthrough
    default:
      let done = clk_arg_deep(thread, index)
      let values = decodeAll()
      if done { return values.first ?? .nil }
      throw LuaHostError(values.first?.text ?? "the value can't be passed to the host")
    }
  }

  func text(_ thread: OpaquePointer, _ index: Int32) -> String? {
    var count = 0
    if let start = clk_arg_bytes(thread, index, &count) {
      return String(validating: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }
    return numberText(thread, index)
  }

  func bytes(_ thread: OpaquePointer, _ index: Int32) -> [UInt8]? {
    var count = 0
    if let start = clk_arg_bytes(thread, index, &count) {
      return Array(UnsafeRawBufferPointer(start: start, count: count))
    }
    return numberText(thread, index).map { Array($0.utf8) }
  }

  /// As in Lua, an integer will do for a string.
  private func numberText(_ thread: OpaquePointer, _ index: Int32) -> String? {
    var integer: Int64 = 0
    guard clk_arg_is_integer(thread, index), clk_arg_integer(thread, index, &integer) else { return nil }
    return String(integer)
  }

  @inline(__always)
  func object(_ thread: OpaquePointer, _ index: Int32) -> LuaObject? {
    var type: Int32 = 0
    var first: Int64 = 0
    var second: Int64 = 0
    guard clk_arg_object(thread, index, &type, &first, &second) else { return nil }
    return LuaObject(type: LuaTypeID(number: type), first: first, second: second)
  }

  func typeName(_ thread: OpaquePointer, _ index: Int32) -> String {
    switch clk_arg_type(thread, index) {
    case Int32.min ... -1: "no value"
    case LuaTypeCode.absent: "nil"
    case LuaTypeCode.boolean: "boolean"
    case LuaTypeCode.number: "number"
    case LuaTypeCode.string: "string"
    case LuaTypeCode.table: "table"
    case LuaTypeCode.function: "function"
    case LuaTypeCode.object: object(thread, index).map { typeName($0.type) } ?? "userdata"
    default: "thread"
    }
  }
}
