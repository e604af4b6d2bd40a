import Foundation

/// Where the project's own files are, for tests that use them as they are.
public enum SourceTree {
  /// The folder of Package.swift.
  public static let root: String = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
}
