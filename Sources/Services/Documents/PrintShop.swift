import CRM
import Store
import Synchronization

/// Makes PDFs: of HTML, and one of several. The work is done by a Python process (WeasyPrint, pikepdf) that is started
/// at the first request and stays warm; see `Sources/Services/Python/documents.py`.
///
/// Documents are made without network and without files: whatever they refer to must be in them as `data:` URIs. The
/// same HTML gives the same bytes, on the same fonts.
///
/// Its functions block until the PDF is there. They may be called from several threads; requests queue. A request that
/// the process dies of is repeated once in a new process; one that takes too long is ended with its process.
public final class PrintShop: Sendable {
  /// What a request may use.
  public struct Limits: Sendable {
    /// How long a request may take, in seconds.
    public var seconds: Double
    /// The address space of the Python process, in megabytes. It takes 300 by itself.
    public var memoryMegabytes: Int
    /// Bytes of a request: the HTML, or the PDFs to merge.
    public var requestBytes: Int
    /// Bytes of the resulting PDF.
    public var answerBytes: Int

    public init(
      seconds: Double = 60, memoryMegabytes: Int = 1024, requestBytes: Int = 64 << 20, answerBytes: Int = 64 << 20
    ) {
      self.seconds = seconds
      self.memoryMegabytes = memoryMegabytes
      self.requestBytes = requestBytes
      self.answerBytes = answerBytes
    }
  }

  /// What a request gives.
  public typealias PDF = (bytes: [UInt8], pages: Int)

  /// HTML beyond this takes WeasyPrint longer than anybody waits.
  static let htmlLimit = 8 << 20
  /// Importing WeasyPrint takes 0.7 s, on a busy machine a multiple of it.
  private static let startSeconds: Double = 60

  private let location: Location
  private let limits: Limits
  /// The lock is held for a whole request: that is the queue.
  private let press = Mutex<PressProcess?>(nil)

  public init(_ location: Location, limits: Limits = Limits()) {
    self.location = location
    self.limits = limits
  }

  /// Starts the Python process ahead of the first request.
  /// - Throws: a permanent failure if Python or WeasyPrint is missing, which says how to install it.
  public func warm() throws(ServiceFailure) {
    try press.withLock { press throws(ServiceFailure) in
      do throws(PressFault) {
        _ = try running(&press)
      } catch {
        throw failure(error, "the PDF service", deaths: 1)
      }
    }
  }

  /// Ends the Python process, after the request that is in work. The next request starts another one.
  public func stop() {
    press.withLock { press in
      press?.end()
      press = nil
    }
  }

  /// The PDF of `html`.
  /// - Parameter name: what messages call the document, such as the template's path.
  /// - Throws: a permanent failure, which names the document and what in it is wrong.
  public func pdf(html: String, name: String) throws(ServiceFailure) -> PDF {
    let bytes = Array(html.utf8)
    let limit = min(Self.htmlLimit, limits.requestBytes)
    guard bytes.count <= limit else {
      throw ServiceFailure(
        .permanent,
        "\(name): the HTML has \(megabytes(bytes.count)) MB; at most \(megabytes(limit)) MB are allowed. Are its "
          + "images larger than they are printed?")
    }
    return try ask(operation: "render", [], [bytes], about: name)
  }

  /// The pages of all `parts`, in this order, in one PDF.
  /// - Throws: a permanent failure, which names the part that is empty, damaged or encrypted.
  public func merge(_ parts: [(name: String, bytes: [UInt8])]) throws(ServiceFailure) -> PDF {
    guard !parts.isEmpty else { throw ServiceFailure(.permanent, "there is no PDF to merge") }
    let about = "the PDF of \(parts.map { quoted($0.name) }.joined(separator: ", "))"
    let size = parts.reduce(0) { $0 + $1.bytes.count }
    guard size <= limits.requestBytes else {
      throw ServiceFailure(
        .permanent,
        "\(about): together they have \(megabytes(size)) MB; at most \(megabytes(limits.requestBytes)) MB can be "
          + "merged")
    }
    return try ask(operation: "merge", parts.map(\.name), parts.map(\.bytes), about: about)
  }

  // MARK: A request

  private func ask(
    operation: String, _ names: [String], _ parts: [[UInt8]], about: String
  ) throws(ServiceFailure) -> PDF {
    // The process ends itself a little later than we would, should we be gone by then.
    let request = PressFrame(
      header: .object([
        JSONMember("op", .string(operation)), JSONMember("names", .array(names.map { .string($0) })),
        JSONMember("seconds", .integer(Int64(exactly: limits.seconds.rounded(.up) + 5) ?? 3600)),
      ]), parts: parts)
    return try press.withLock { press throws(ServiceFailure) in
      var deaths = 0
      while true {
        do throws(PressFault) {
          FaultPoint.reach(.pressAsked)
          let answer = try running(&press).exchange(request, seconds: limits.seconds)
          FaultPoint.reach(.pressAnswered)
          return try result(answer, &press, about: about)
        } catch {
          // A wrong request leaves the process as it was.
          if case .refused = error { throw failure(error, about, deaths: 0) }
          press?.end()
          press = nil
          deaths += 1
          if case .died = error, deaths < 2 { continue }
          throw failure(error, about, deaths: deaths)
        }
      }
    }
  }

  /// The process, started if there is none that can take a request.
  private func running(_ press: inout PressProcess?) throws(PressFault) -> PressProcess {
    if let press, press.isQuiet { return press }
    press?.end()
    press = nil
    let new = try PressProcess(location, limits: limits)
    let hello: PressFrame
    do throws(PressFault) {
      hello = try new.exchange(nil, seconds: Self.startSeconds)
    } catch .died(let how) {
      throw .unusable("\(location.python) \(location.script) ended at its start (\(how))")
    } catch .overdue {
      throw .unusable("\(location.python) \(location.script) was not ready after \(Int(Self.startSeconds)) seconds")
    }
    guard hello.header["ok"]?.boolValue == true else {
      throw .unusable(hello.header["error"]?.stringValue ?? "documents.py is not ready")
    }
    press = new
    return new
  }

  private func result(
    _ answer: PressFrame, _ press: inout PressProcess?, about: String
  ) throws(PressFault) -> PDF {
    let header = answer.header
    if header["spent"]?.boolValue == true {
      press?.end()
      press = nil
    }
    if header["ok"]?.boolValue == true, let bytes = answer.parts.first, let pages = header["pages"]?.integerValue {
      return (bytes, Int(clamping: pages))
    }
    switch header["kind"]?.stringValue {
    // A process that has served many documents may have had too little left for this one: a new one shall try.
    case "memory": throw .died("it needs more than the \(limits.memoryMegabytes) MB it may use")
    case "input": throw .refused(header["error"]?.stringValue ?? "it was refused")
    default: throw .died("its answer is not one of documents.py")
    }
  }

  private func failure(_ fault: PressFault, _ about: String, deaths: Int) -> ServiceFailure {
    switch fault {
    case .refused(let reason):
      ServiceFailure(.permanent, "\(about): \(reason)")
    case .unusable(let reason):
      ServiceFailure(
        .permanent,
        "\(about): PDFs can't be made here: \(reason). `make setup` (`make install` for an installed program) installs "
          + "Python's part; COULISSE_PYTHON names another Python that has WeasyPrint and pikepdf")
    case .died(let how):
      ServiceFailure(
        .permanent,
        "\(about): the Python process ended \(deaths == 1 ? "" : "twice ")while it worked on this (\(how)); look for "
          + "very large images, and for elements or tables nested without end")
    case .overdue:
      ServiceFailure(
        .permanent,
        "\(about): the PDF was not done after \(inWords(limits.seconds)) and was given up; look for HTML that never "
          + "ends: deeply nested tables or flex boxes, thousands of pages")
    }
  }
}

/// "60 seconds", "0.5 seconds".
private func inWords(_ seconds: Double) -> String {
  Int(exactly: seconds).map { "\($0) seconds" } ?? "\(seconds) seconds"
}

/// Megabytes with one decimal.
private func megabytes(_ bytes: Int) -> String { "\(bytes / 1_000_000).\(bytes / 100_000 % 10)" }
