import Foundation
import Services
import TestSupport

/// The Python environment that `make setup` makes, and stand-ins for it that misbehave.
enum PrintRoom {
  /// The top of the source tree, from this file's own place.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  static let location = PrintShop.Location(root: root)

  /// One for all tests that do not harm it: starting costs most of a second.
  static let shared = PrintShop(location)

  /// A press whose script is `script`; `hello`, `answer` and `receive` are there for it.
  static func fake(
    _ script: String, in folder: TemporaryFolder, limits: PrintShop.Limits = .init()
  ) throws -> PrintShop {
    try folder.write("documents.py", helpers + script)
    return PrintShop(
      PrintShop.Location(python: location.python, script: folder.path("documents.py")), limits: limits)
  }

  private static let helpers = """
    import json, os, struct, sys, time
    def answer(header, *parts):
        raw = json.dumps({**header, "parts": [len(p) for p in parts]}).encode()
        data = b"CPDF" + struct.pack(">I", len(raw)) + raw + b"".join(parts)
        while data: data = data[os.write(1, data):]
    def exactly(n):
        data = b""
        while len(data) < n:
            more = os.read(0, n - len(data))
            if not more: sys.exit(0)
            data += more
        return data
    def receive():
        header = json.loads(exactly(struct.unpack(">I", exactly(8)[4:])[0]))
        return header, [exactly(n) for n in header["parts"]]
    def starts():
        # How often this script was started: each start leaves a byte.
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "starts")
        with open(path, "ab") as file: file.write(b".")
        return os.path.getsize(path)

    """
}

/// What `pdftotext` or another program of poppler-utils says of a PDF.
func poppler(_ program: String, _ arguments: [String] = [], _ pdf: [UInt8]) throws -> String {
  let folder = try TemporaryFolder()
  try Data(pdf).write(to: URL(fileURLWithPath: folder.path("a.pdf")))
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments + [folder.path("a.pdf")] + (program == "pdftotext" ? ["-"] : [])
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return text
}

/// The message of the failure that `body` throws; empty when it throws none.
func refusal(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch let failure as ServiceFailure {
    return failure.isTransient ? "transient: \(failure.message)" : failure.message
  } catch {
    return "another error: \(error)"
  }
}

/// The processes that this one has started and that still exist, zombies too.
func childProcesses() -> [(pid: Int32, command: String)] {
  let own = String(ProcessInfo.processInfo.processIdentifier)
  let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
  return names.compactMap { name in
    guard let pid = Int32(name), let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
      let close = stat.lastIndex(of: ")"),
      stat[close...].split(separator: " ").dropFirst(2).first.map(String.init) == own
    else { return nil }
    let raw = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") ?? Data()
    return (pid, String(decoding: raw.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self))
  }
}
