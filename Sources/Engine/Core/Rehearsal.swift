import CRM
import Services

/// A script asks a service of another machine, and the write lock is not held for that: the rehearsal is broken off,
/// the service asked, and all begun anew with the answer.
struct DryRunNeedsRead: Error {
  var call: OperationCall
  var hash: String
}

/// What services of other machines have answered to the reads of a rehearsal, in the order in which they were asked.
final class RehearsedReads {
  private var known: [(name: String, hash: String, answer: Result<Value, ServiceFailure>)] = []
  private var place = 0

  /// The same questions are asked again from the first one on.
  func restart() { place = 0 }

  /// - Throws: `DryRunNeedsRead` when this has not been asked yet, or the records have changed so that another
  ///   question comes here than before.
  func answer(to call: OperationCall, hash: String) throws(DryRunNeedsRead) -> Result<Value, ServiceFailure> {
    if place < known.count, known[place].name == call.name, known[place].hash == hash {
      defer { place += 1 }
      return known[place].answer
    }
    known.removeSubrange(place...)
    throw DryRunNeedsRead(call: call, hash: hash)
  }

  func note(_ asked: DryRunNeedsRead, _ answer: Result<Value, ServiceFailure>) {
    known.append((asked.call.name, asked.hash, answer))
  }
}
