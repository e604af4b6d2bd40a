import CLuaShim

/// What is given to scripts, before the first of them runs.
extension LuaState {
  /// Makes a userdata type known.
  public func define(type definition: LuaTypeDefinition) throws(LuaError) -> LuaTypeID {
    let number = Int32(types.count)
    guard definition.fields.count <= 1000 else {
      throw .misuse("the type \(definition.name) has \(definition.fields.count) fields; at most 1000 are possible")
    }
    types.append(definition)
    var methods = LuaTable()
    for (name, body) in definition.methods {
      methods[name] = .integer(Int64(add(body, name: "\(definition.name):\(name)")))
    }
    var metamethods = LuaTable()
    for (name, body) in definition.metamethods.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      metamethods["__" + name.rawValue] = .integer(Int64(add(body, name: "\(definition.name).__\(name.rawValue)")))
    }
    let fields = definition.fields.map { LuaValue.string($0) }
    try pack([
      .string(definition.name), .boolean(definition.cachesFields), .table(LuaTable(sequence: fields)),
      .table(methods), .table(metamethods), .boolean(definition.set != nil),
    ])
    try check(clk_define_type(run, number))
    return LuaTypeID(number: number)
  }

  /// Gives scripts a global value.
  public func define(global name: String, _ value: LuaValue) throws(LuaError) {
    try pack([.string(name), value])
    try check(clk_define_global(run))
  }

  /// Gives scripts a function: global, or in a module table that they can read only.
  public func define(function name: String, in module: String? = nil, _ body: @escaping LuaHostFunction)
    throws(LuaError)
  {
    let number = add(body, name: module.map { "\($0).\(name)" } ?? name)
    try pack([.string(name), module.map { .string($0) } ?? .nil])
    try check(clk_define_function(run, number))
  }

  /// Gives a module table a value that is no function. The table is read-only for scripts.
  public func define(constant name: String, in module: String, _ value: LuaValue) throws(LuaError) {
    try pack([.string(name), .string(module), value])
    try check(clk_define_function(run, -1))
  }

  /// Where `require` gets its modules. Each is loaded once a state; `nil` means there is no such module.
  public func setLoader(_ loader: @escaping (String) throws -> LuaSource?) { self.loader = loader }

  /// The clock behind `os.time`, `os.date` and `os.clock`: seconds since 1970.
  public func setClock(_ now: @escaping () -> Double) { clock = now }

  /// Where `print` writes, a call at a time.
  public func setPrint(_ sink: @escaping ([UInt8]) -> Void) { printSink = sink }

  /// Seeds `math.random`, at the start of a run.
  public func setRandomSeed(_ a: Int64, _ b: Int64) {
    // The library's own randomseed always takes two integers; should the system be out of memory,
    // the generator stays as it was.
    _ = clk_seed(run, a, b)
  }

  private func add(_ body: @escaping LuaHostFunction, name: String) -> Int32 {
    functions.append(body)
    functionNames.append(name)
    return Int32(functions.count - 1)
  }

  func functionName(_ index: Int32) -> String {
    functionNames.indices.contains(Int(index)) ? functionNames[Int(index)] : "?"
  }

  func typeName(_ id: LuaTypeID) -> String {
    types.indices.contains(Int(id.number)) ? types[Int(id.number)].name : "userdata"
  }

  func pack(_ values: [LuaValue]) throws(LuaError) {
    do {
      try encode(values)
    } catch {
      throw .misuse(error.message)
    }
  }
}
