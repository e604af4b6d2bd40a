import CRM

/// A message between the program and the Python process: a header in JSON and binary parts. On the wire: "CPDF", the
/// header's length as four bytes (most significant first), the header, which lists the parts' lengths, the parts.
struct PressFrame {
  var header: JSON
  var parts: [[UInt8]] = []

  static let magic: [UInt8] = Array("CPDF".utf8)
  /// How long a header may be.
  static let headerLimit = 1 << 20

  /// The frame's bytes.
  func encoded() -> [UInt8] {
    var members = header.objectValue ?? []
    members.append(JSONMember("parts", .array(parts.map { .integer(Int64($0.count)) })))
    let header = JSON.object(members).bytes()
    var bytes = Self.magic
    bytes.reserveCapacity(8 + header.count + parts.reduce(0) { $0 + $1.count })
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: header.count >> shift)) }
    bytes += header
    for part in parts { bytes += part }
    return bytes
  }
}

/// Collects the bytes of one frame. They come from another process, so nothing about them is taken for granted.
struct PressFrameReader {
  /// What came is no frame, or one over the limit.
  struct Garbled: Error {
    var reason: String
  }

  private let partsLimit: Int
  private var buffer: [UInt8] = []
  private var header: JSON?
  private var lengths: [Int] = []
  /// How many bytes the buffer has when what is waited for now is complete.
  private var goal = 8
  private var partsStart = 0

  /// - Parameter partsLimit: how many bytes the parts may have together.
  init(partsLimit: Int) {
    self.partsLimit = partsLimit
  }

  /// How many bytes may be read now without going beyond what the frame says of itself.
  var wanted: Int { goal - buffer.count }

  /// Takes the next bytes, at most `wanted`. Answers with the frame when it is complete.
  mutating func take(_ bytes: ArraySlice<UInt8>) throws(Garbled) -> PressFrame? {
    buffer += bytes
    while buffer.count >= goal {
      if partsStart == 0 {
        guard buffer.starts(with: PressFrame.magic) else {
          throw Garbled(reason: "it wrote \(quoted(String(decoding: buffer, as: UTF8.self)))")
        }
        let length = buffer[4..<8].reduce(0) { $0 << 8 | Int($1) }
        guard length <= PressFrame.headerLimit else { throw Garbled(reason: "a header of \(length) bytes") }
        partsStart = 8 + length
        goal = partsStart
      } else if let header {
        return PressFrame(header: header, parts: cutParts())
      } else {
        try readHeader()
      }
    }
    return nil
  }

  private mutating func readHeader() throws(Garbled) {
    let parsed: JSON
    do {
      parsed = try JSON(parsing: Array(buffer[8..<partsStart]))
    } catch {
      throw Garbled(reason: "its header is no JSON: \(error)")
    }
    var sum = 0
    for length in parsed["parts"]?.arrayValue ?? [] {
      guard let length = length.integerValue, length >= 0, length <= Int64(partsLimit - sum) else {
        throw Garbled(reason: "an answer of more than \(partsLimit) bytes")
      }
      lengths.append(Int(length))
      sum += Int(length)
    }
    header = parsed
    goal = partsStart + sum
    buffer.reserveCapacity(goal)
  }

  private func cutParts() -> [[UInt8]] {
    var start = partsStart
    return lengths.map { length in
      defer { start += length }
      return Array(buffer[start..<start + length])
    }
  }
}
