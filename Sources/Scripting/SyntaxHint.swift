/// What is behind Lua's words for a mistake that people make who come from other languages, or from a word processor.
enum SyntaxHint {
  /// - Parameters:
  ///   - message: the compiler's, such as `scripts/a.lua:2: 'then' expected near '='`.
  ///   - source: the line that it names; empty if there is none.
  /// - Returns: what to do, or nil where Lua's own words are all that can be said.
  static func hint(for message: String, source: String) -> String? {
    if message.hasSuffix("expected near '='") { return "to compare, write ==" }
    if message.hasSuffix("near '!'") { return "\"not equal\" is written ~=" }
    if message.contains("near '<\\") {
      if source.contains(where: { "“”„«»‘’".contains($0) }) { return "texts stand in straight quotes, \"…\" or '…'" }
      return "names have letters without accents, digits and _ only; accents are for texts"
    }
    if message.hasSuffix("near ')'"), message.contains("unexpected symbol") {
      return "an \"end\" may be missing above: each function, if, for and while has its own; \"else if\" is written elseif"
    }
    if message.hasSuffix("near <eof>") { return "an \"end\" is missing" }
    return nil
  }
}
