/// A service as scripts see it: its name and its operations, with words enough for the reference page.
public struct ServiceDeclaration: Hashable, Sendable {
  /// The module in scripts: "accounting".
  public var name: String
  /// One sentence.
  public var doc: String
  /// In the order of the reference page.
  public var operations: [OperationDeclaration]

  /// A service with operations of different names.
  public init(name: String, doc: String = "", operations: [OperationDeclaration]) {
    self.name = name
    self.doc = doc
    self.operations = operations
  }

  /// The operation of this name; nil when there is none.
  public func operation(_ name: String) -> OperationDeclaration? {
    operations.first { $0.name == name }
  }
}

/// One function of a service.
public struct OperationDeclaration: Hashable, Sendable {
  /// What a call does to the world, and so how a run journals it.
  public enum Kind: String, Hashable, Sendable {
    /// Looks, changes nothing.
    case read
    /// Changes something outside the records: a journalled step that ends the segment.
    case effect
    /// Depends on its arguments alone; called at once, never journalled.
    case pure
  }

  /// The function in scripts: "create_quote".
  public var name: String
  /// How a run journals it.
  public var kind: Kind
  /// In order; optional ones last.
  public var parameters: [ParameterDeclaration]
  /// What it returns, in words.
  public var returns: String
  /// One sentence.
  public var doc: String
  /// The method's name when it is also one of its first parameter's records: `folder:child(name)` for
  /// `drive.child(folder, name)`.
  public var method: String?

  /// An operation; with `method` its first parameter has to be a record.
  public init(
    name: String, kind: Kind, parameters: [ParameterDeclaration], returns: String, doc: String, method: String? = nil
  ) {
    self.name = name
    self.kind = kind
    self.parameters = parameters
    self.returns = returns
    self.doc = doc
    self.method = method
  }

  /// The kind of record whose method this is; nil when it is none's.
  public var methodOf: RecordKind? {
    method == nil ? nil : parameters.first.flatMap { RecordKind(rawValue: $0.type) }
  }
}

/// One parameter of an operation.
public struct ParameterDeclaration: Hashable, Sendable {
  /// The name of a value in the resolved arguments, and in messages.
  public var name: String
  /// In words or as a LuaCATS type: "deal", "text", "table".
  public var type: String
  /// Whether nil may stand there, or nothing.
  public var isOptional: Bool
  /// The last parameter of an operation that takes any number of such values; nil counts as one that is not there.
  public var isRepeated: Bool

  /// A parameter; a repeated one has to be the last.
  public init(name: String, type: String, isOptional: Bool = false, isRepeated: Bool = false) {
    self.name = name
    self.type = type
    self.isOptional = isOptional
    self.isRepeated = isRepeated
  }
}
