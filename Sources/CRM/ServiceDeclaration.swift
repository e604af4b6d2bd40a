/// A service as scripts see it: its name and its operations, with words enough for the reference page.
public struct ServiceDeclaration: Hashable, Sendable {
  public var name: String
  public var doc: String
  public var operations: [OperationDeclaration]

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
  public enum Kind: String, Hashable, Sendable {
    /// Looks, changes nothing.
    case read
    /// Changes something outside the records: a journalled step that ends the segment.
    case effect
    /// Depends on its arguments alone; called at once, never journalled.
    case pure
  }

  public var name: String
  public var kind: Kind
  public var parameters: [ParameterDeclaration]
  /// What it returns, in words.
  public var returns: String
  /// One sentence.
  public var doc: String
  /// The method's name when it is also one of its first parameter's records: `folder:child(name)` for
  /// `drive.child(folder, name)`.
  public var method: String?

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
  public var name: String
  /// In words or as a LuaCATS type: "deal", "text", "table".
  public var type: String
  public var isOptional: Bool
  /// The last parameter of an operation that takes any number of such values; nil counts as one that is not there.
  public var isRepeated: Bool

  public init(name: String, type: String, isOptional: Bool = false, isRepeated: Bool = false) {
    self.name = name
    self.type = type
    self.isOptional = isOptional
    self.isRepeated = isRepeated
  }
}
