import Commands

@main
struct Coulisse {
  static func main() { CoulisseCommand.start() }
}
