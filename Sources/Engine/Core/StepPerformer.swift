import CRM
import Services
import Store

/// Carries out one attempt of a step: a local service in a transaction of its own, any other one without.
package enum StepPerformer {
  package static func perform(
    _ call: OperationCall, services: ServiceRegistry, store: Store
  ) -> Result<Value, ServiceFailure> {
    FaultPoint.reach(.stepAsked)
    defer { FaultPoint.reach(.stepAnswered) }
    guard let service = services[call.service] else {
      return .failure(ServiceFailure(.permanent, "there is no service \(call.service)"))
    }
    do {
      if service.isLocal(call.operation) { return .success(try store.write { tx in try service.perform(call, in: tx) }) }
      return .success(try service.perform(call, in: nil))
    } catch let failure as ServiceFailure {
      return .failure(failure)
    } catch let error as StoreError where error.kind == .locked || error.kind == .full {
      return .failure(ServiceFailure(.transient(retryAfter: nil), error.message))
    } catch {
      return .failure(ServiceFailure(.permanent, "\(error)"))
    }
  }
}
