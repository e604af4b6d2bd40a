import CRM
import Engine
import Foundation
import Services
import Store

#if canImport(Glibc)
  import Glibc
#endif

/// What papers need: Python for PDFs, folders that can be written, and signers who answer.
extension Examination {
  /// After this long nobody has forgotten to sign: nobody has been reminded.
  private static let patience = TimeSpan.days(30)

  mutating func lookAtPapers(_ folder: WorkspaceFolder) {
    let printShop = PrintShop(Installation.printing)
    defer { printShop.stop() }
    do {
      try printShop.warm()
      facts.append(("pdf", "can be made"))
    } catch {
      facts.append(("pdf", "can't be made"))
      // Who has no templates makes no documents, and need not have Python.
      if !folder.templatePaths().isEmpty {
        complaints.append((
          error.message,
          "make setup (make install for an installed program), or name a "
            + "Python that has WeasyPrint and pikepdf in COULISSE_PYTHON"
        ))
      }
    }
    for place in [folder.drive, folder.outbox] {
      let name = place.lastPathComponent
      let fault = Self.fault(writing: place)
      facts.append((name, fault == nil ? "can be written" : "can't be written"))
      if let fault {
        complaints.append(("\(place.path): \(fault)", "give the user that runs coulisse the right to write there"))
      }
    }
  }

  /// Why nothing can be put there; nil when something can. What isn't there yet is made when it is needed.
  private static func fault(writing place: URL) -> String? {
    var facts = stat()
    if lstat(place.path, &facts) != 0, errno == ENOENT { return fault(writing: place.deletingLastPathComponent()) }
    guard stat(place.path, &facts) == 0 else { return String(cString: strerror(errno)) }
    guard facts.st_mode & S_IFMT == S_IFDIR else { return "a file is where a folder is expected" }
    return access(place.path, R_OK | W_OK | X_OK) == 0 ? nil : String(cString: strerror(errno))
  }

  mutating func lookAtSignatures(_ open: [SignatureRequestRow]) {
    facts.append(("signatures", "\(open.count) open"))
    let limit = OpenWorkspace.now.milliseconds - Self.patience.milliseconds
    for request in open where request.sentAt.milliseconds < limit {
      let days = (OpenWorkspace.now.milliseconds - request.sentAt.milliseconds) / TimeSpan.days(1).milliseconds
      complaints.append((
        "signature request \(request.id) (\(request.title)) has been open for \(days) days; "
          + "\(request.signerName) has not answered",
        "remind \(request.signerEmail), or: coulisse signatures cancel \(request.id)"
      ))
    }
  }
}
