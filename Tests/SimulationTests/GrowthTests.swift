import Simulation
import Testing

/// What has ended long ago costs nothing: an engine that begins reads as much as it needs, whatever there has been.
@Suite("Ten times the runs cost an engine the same")
struct GrowthTests {
  @Test("the first run is executed after as many pages read, with 5,000 runs queued and parked as with 500, and 20,000 over as with 2,000")
  func counters() throws {
    let small = try Growth.measure(FaultDisk(name: "small", seed: 1), ended: 2_000, open: 250)
    let large = try Growth.measure(FaultDisk(name: "large", seed: 1), ended: 20_000, open: 2_500)
    print("growth: \(small) → \(large)")
    // The depth of the tables' trees grows by a page or two.
    #expect(large.readsToFirst <= small.readsToFirst + 20)
    #expect(large.readsEach <= small.readsEach + 8)
    #expect(large.writesEach <= small.writesEach + 4)
  }
  @Test("the log is copied into the database before it is long, however much is executed")
  func log() throws {
    let cost = try Growth.measure(FaultDisk(name: "log", seed: 1), ended: 10, open: 700, executed: 650)
    print("growth: \(cost)")
    #expect(cost.writesEach * 650 > 6_000, "more than what a log may hold is written")
    #expect(cost.logSize < 20 << 20)
  }
}
