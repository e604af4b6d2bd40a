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

  public init(
    name: String, kind: Kind, parameters: [ParameterDeclaration], returns: String, doc: String
  ) {
    self.name = name
    self.kind = kind
    self.parameters = parameters
    self.returns = returns
    self.doc = doc
  }
}

/// One parameter of an operation.
public struct ParameterDeclaration: Hashable, Sendable {
  public var name: String
  /// In words or as a LuaCATS type: "deal", "text", "table".
  public var type: String
  public var isOptional: Bool

  public init(name: String, type: String, isOptional: Bool = false) {
    self.name = name
    self.type = type
    self.isOptional = isOptional
  }
}
