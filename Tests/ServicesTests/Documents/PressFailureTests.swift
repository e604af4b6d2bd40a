import Foundation
import Services
import TestSupport
import Testing

@Suite("The Python process fails and the program goes on", .serialized)
struct PressFailureTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }


  /// The real script under a path of its own, so that this test's process can be told from the others'.
  private func ownShop(limits: PrintShop.Limits = .init()) throws -> PrintShop {
    try folder.write("documents.py", String(contentsOfFile: PrintRoom.location.script, encoding: .utf8))
    return PrintShop(
      PrintShop.Location(python: PrintRoom.location.python, script: folder.path("documents.py")), limits: limits)
  }

  private func pids() -> [Int32] { childProcesses().filter { $0.command.contains(folder.url.path) }.map(\.pid) }

  @Test("killed between two requests it is started again, and stopped it is gone, with no zombie")
  func killedBetween() throws {
    let shop = try ownShop()
    #expect(pids().isEmpty)
    try shop.warm()
    for _ in 0..<3 {
      let running = pids()
      #expect(running.count == 1)
      for pid in running { kill(pid, SIGKILL) }
      #expect(try shop.pdf(html: "<p>x", name: "a").pages == 1)
    }
    shop.stop()
    #expect(pids().isEmpty)
    #expect(try shop.pdf(html: "<p>x", name: "a").pages == 1)
    shop.stop()
    shop.stop()
    #expect(childProcesses().allSatisfy { !$0.command.contains(folder.url.path) })
  }

  @Test("killed in the middle of a request, the request is repeated once")
  func killedOnce() throws {
    let shop = try PrintRoom.fake(
      """
      answer({"ok": True})
      first = starts() == 1
      while True:
          header, parts = receive()
          if first: os.kill(os.getpid(), 9)
          answer({"ok": True, "pages": 7}, parts[0])
      """, in: folder)
    let result = try shop.pdf(html: "again", name: "a")
    #expect(result.pages == 7)
    #expect(result.bytes == Array("again".utf8))
    #expect(try starts() == 2)
    shop.stop()
  }

  private func starts() throws -> Int { try Data(contentsOf: URL(fileURLWithPath: folder.path("starts"))).count }

  @Test(
    "dying each time it is a failure that names the document and the cause of death",
    arguments: [
      ("os.kill(os.getpid(), 11)", "killed by signal 11"),
      ("print('Traceback: no more', file=sys.stderr); os._exit(3)", "exit code 3; it said \"Traceback: no more\""),
      ("os.write(1, b'garbage of a library')", "not one of documents.py"),
      ("os.write(1, b'CPDF' + bytes([255] * 4))", "a header of"),
      ("os.write(1, b'CPDF' + bytes([0, 0, 0, 2]) + b'[]' + b'more')", "not one of documents.py"),
      ("os.write(1, b'CPDF' + bytes([0, 0, 0, 2]) + bytes([0xC3, 0x28]))", "no JSON"),
      ("answer({'ok': False, 'kind': 'memory'})", "more than the 1024 MB"),
      ("answer({'ok': True, 'pages': 1})", "not one of documents.py"),
      ("answer({'ok': True, 'pages': 'x'}, b'x')", "not one of documents.py"),
      ("answer({'ok': True, 'pages': 1}, b'x' * 2000)", "more than 1000 bytes"),
      ("os.close(0); os.close(1); time.sleep(60)", "it closed its output"),
    ])
  func dyingAlways(deed: String, cause: String) throws {
    var limits = PrintShop.Limits()
    limits.answerBytes = 1000
    let shop = try PrintRoom.fake("answer({'ok': True})\nstarts()\nreceive()\n\(deed)\n", in: folder, limits: limits)
    let message = refusal { _ = try shop.pdf(html: "x", name: "templates/programme.html") }
    #expect(message.hasPrefix("templates/programme.html: the Python process ended twice"))
    #expect(message.contains(cause))
    #expect(try starts() == 2)
    #expect(pids().isEmpty)
  }

  @Test("noise on its stderr is no obstacle, however much it is")
  func noise() throws {
    let shop = try PrintRoom.fake(
      """
      answer({"ok": True})
      while True:
          header, parts = receive()
          for _ in range(300): os.write(2, b"warning " * 1000)
          answer({"ok": True, "pages": 1}, parts[0])
      """, in: folder)
    for _ in 0..<2 { #expect(try shop.pdf(html: "x", name: "a").pages == 1) }
    shop.stop()
  }

  @Test("a process that does not read its input, or answers byte by byte, is waited for and no longer")
  func slow() throws {
    var limits = PrintShop.Limits()
    limits.seconds = 0.5
    let deaf = try PrintRoom.fake("answer({'ok': True})\ntime.sleep(60)\n", in: folder, limits: limits)
    let html = String(repeating: "x", count: 4_000_000)
    #expect(refusal { _ = try deaf.pdf(html: html, name: "a") }.contains("not done after 0.5 seconds"))
    #expect(pids().isEmpty)
    let shop = try PrintRoom.fake(
      "answer({'ok': True})\nwhile True:\n  receive()\n  write = os.write\n"
        + "  os.write = lambda f, d: write(f, d[:1])\n  answer({'ok': True, 'pages': 1}, b'abc')\n  os.write = write\n",
      in: folder)
    #expect(try shop.pdf(html: "x", name: "a").bytes == Array("abc".utf8))
    shop.stop()
  }

  @Test("HTML that never ends is given up, and its process is gone")
  func endless() throws {
    var limits = PrintShop.Limits()
    limits.seconds = 2
    let shop = try ownShop(limits: limits)
    let html = String(repeating: "<div style='display: flex'>", count: 14) + "x"
    let message = refusal { _ = try shop.pdf(html: html, name: "boxes.html") }
    #expect(message.contains("boxes.html: the PDF was not done after 2 seconds"))
    #expect(pids().isEmpty)
    #expect(try shop.pdf(html: "<p>x", name: "a").pages == 1)
    shop.stop()
  }

  @Test("a document that needs more memory than it may is a failure, and the next one is made")
  func memory() throws {
    var limits = PrintShop.Limits()
    limits.memoryMegabytes = 350
    let shop = try ownShop(limits: limits)
    let html = "<p>" + String(repeating: "x", count: 3_000_000)
    let message = refusal { _ = try shop.pdf(html: html, name: "big.html") }
    #expect(message.contains("big.html: the Python process ended twice"))
    #expect(try shop.pdf(html: "<p>x", name: "a").pages == 1)
    shop.stop()
  }

  @Test("without Python, or without its packages, the failure says how to install them")
  func missing() throws {
    let nowhere = PrintShop(.init(python: "/nowhere/python3", script: PrintRoom.location.script))
    let bare = PrintShop(.init(python: "/usr/bin/python3", script: PrintRoom.location.script))
    let noScript = PrintShop(.init(python: PrintRoom.location.python, script: "/nowhere/documents.py"))
    let noPython = PrintShop(.init(python: "/bin/true", script: PrintRoom.location.script))
    for shop in [nowhere, bare, noScript, noPython] {
      let message = refusal { _ = try shop.pdf(html: "x", name: "convention.html") }
      #expect(message.contains("convention.html") && message.contains("make setup"))
      #expect(refusal { try shop.warm() }.contains("make setup"))
    }
    #expect(refusal { try bare.warm() }.contains("pikepdf"))
    #expect(refusal { try nowhere.warm() }.contains("/nowhere/python3 can't be started: No such file"))
  }

  @Test("where the Python is: beside an installed program, in a source tree, or where COULISSE_PYTHON says")
  func location() throws {
    let tree = PrintShop.Location(root: folder.path("tree"), environment: [:])
    #expect(tree.python == folder.path("tree/.build/python/bin/python3"))
    #expect(tree.script == folder.path("tree/Sources/Services/Python/documents.py"))
    try folder.write("share/coulisse/python/documents.py", "")
    let installed = PrintShop.Location(root: folder.path("share/coulisse"), environment: ["COULISSE_PYTHON": ""])
    #expect(installed.python == folder.path("share/coulisse/python/bin/python3"))
    #expect(installed.script == folder.path("share/coulisse/python/documents.py"))
    let own = PrintShop.Location(root: folder.path("tree"), environment: ["COULISSE_PYTHON": "/opt/python"])
    #expect(own.python == "/opt/python")
    #expect(own.script == tree.script)
  }

  @Test("Python itself refuses files, network and processes, should a library ask for them")
  func doors() throws {
    let python = Process()
    python.executableURL = URL(fileURLWithPath: PrintRoom.location.python)
    python.arguments = [
      "-B", "-c",
      """
      import os, socket, subprocess, sys
      from urllib.request import urlopen
      sys.path.insert(0, os.path.dirname(sys.argv[1]))
      import documents
      press = documents.Press()
      documents.close_the_doors((press.weasyprint, press.pikepdf))
      for attempt in (
          lambda: open("/etc/passwd"), lambda: open("/tmp/x", "w"), lambda: socket.socket().connect(("127.0.0.1", 9)),
          lambda: urlopen("http://127.0.0.1/"), lambda: subprocess.run(["true"]), lambda: os.system("true"),
          lambda: open(os.path.dirname(os.__file__) + "/../../../../../../../../etc/passwd"),
          lambda: open("/tmp/weasyprint-x")):
          try:
              attempt()
              print("open")
          except PermissionError as error:
              print("shut")
      """, PrintRoom.location.script,
    ]
    let output = Pipe()
    python.standardOutput = output
    try python.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    python.waitUntilExit()
    #expect(text.split(separator: "\n") == Array(repeating: "shut", count: 8))
  }

  @Test("it inherits no descriptor, no blocked signal and no handler, and ignores Ctrl-C")
  func inheritance() throws {
    let shop = try ownShop()
    let leaked = open("/dev/null", O_RDONLY)
    defer { close(leaked) }
    try shop.warm()
    let pid = try #require(pids().first)
    let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")
      .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)") }
    #expect(!descriptors.contains("/dev/null"))
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8).split(separator: "\n")
    #expect(status.contains("SigBlk:\t0000000000000000"))
    kill(pid, SIGINT)
    #expect(try shop.pdf(html: "x", name: "a").pages == 1)
    #expect(pids() == [pid])
    shop.stop()
  }

  @Test("it ends when the program does, in the middle of a request too", .timeLimit(.minutes(1)))
  func orphan() throws {
    let folder = folder
    try folder.write("documents.py", String(contentsOfFile: PrintRoom.location.script, encoding: .utf8))
    // A parent that starts it, gives it endless work and is killed: a Swift program would do the same.
    try folder.write(
      "parent.py",
      """
      import json, os, socket, struct, subprocess, sys
      ours, theirs = socket.socketpair()
      child = subprocess.Popen([sys.executable, sys.argv[1]], stdin=theirs, stdout=theirs)
      theirs.close()
      ours.recv(1000)
      html = (b"<div style='display: flex'>" * 20) + b"x"
      raw = json.dumps({"op": "render", "seconds": 600, "parts": [len(html)]}).encode()
      ours.sendall(b"CPDF" + struct.pack(">I", len(raw)) + raw + html)
      print(child.pid, flush=True)
      os.kill(os.getpid(), 9)
      """)
    let parent = Process()
    parent.executableURL = URL(fileURLWithPath: PrintRoom.location.python)
    parent.arguments = [folder.path("parent.py"), folder.path("documents.py")]
    let output = Pipe()
    parent.standardOutput = output
    try parent.run()
    parent.waitUntilExit()
    let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let pid = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    // Waits for the end, however long a busy machine takes; a process that stays fails the test's own time limit.
    while (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8))?.contains("documents.py") == true {
      usleep(20_000)
    }
  }
}
