import Foundation
import TestSupport

/// A stand-in for the Python that prints, for tests in which a process is started hundreds of times and nobody looks at
/// the paper: it answers each request at once with bytes that follow from the request alone.
enum FakePress {
  /// What the environment says to have it.
  static func environment(_ folder: TemporaryFolder) throws -> [String: String] {
    try folder.write("press", script)
    let path = folder.path("press")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return ["COULISSE_PYTHON": path]
  }

  private static let script = """
    #!/usr/bin/env -S python3 -S -E
    import json, struct, sys
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    def answer(header, parts):
        raw = json.dumps(dict(header, parts=[len(part) for part in parts])).encode()
        sink.write(b"CPDF" + struct.pack(">I", len(raw)) + raw + b"".join(parts))
        sink.flush()
    answer({"ok": True}, [])
    while True:
        start = source.read(8)
        if len(start) < 8: break
        header = json.loads(source.read(struct.unpack(">I", start[4:])[0]))
        parts = [source.read(size) for size in header.get("parts", [])]
        text = ("%PDF-1.7 " + header["op"] + str([len(part) for part in parts])).encode()
        answer({"ok": True, "pages": 1}, [text])
    """
}
