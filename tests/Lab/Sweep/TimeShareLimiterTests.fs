/// Work limited to a share of the time, with a test clock.
module ChannelDistillation.Tests.Lab.Sweep.TimeShareLimiterTests

open System
open Expecto
open ChannelDistillation.Lab.Sweep

/// A clock that the test advances.
type private Clock() =
    inherit TimeProvider()
    let mutable now = 0L
    override _.GetTimestamp() = now
    override _.TimestampFrequency = TimeSpan.TicksPerSecond
    member _.Passed = TimeSpan.FromTicks now
    member _.Wait(time: TimeSpan) = now <- now + time.Ticks

[<Tests>]
let tests =
    testList
        "interval"
        [ test "Work is due at first, and again after a pause in proportion to its duration" {
              let clock = Clock()
              let interval = TimeShareLimiter(0.01, clock)
              Expect.isTrue interval.IsOver "at the start"
              interval.Measure(fun () -> clock.Wait(TimeSpan.FromSeconds 2.0))
              Expect.isFalse interval.IsOver "right after it"
              clock.Wait(TimeSpan.FromSeconds 197.9)
              Expect.isFalse interval.IsOver "before 198 s"
              clock.Wait(TimeSpan.FromSeconds 0.1)
              Expect.isTrue interval.IsOver "2 s of 200 s are 1 %"
          }

          test "Failed work counts too" {
              let clock = Clock()
              let interval = TimeShareLimiter(0.5, clock)

              let fails () =
                  clock.Wait(TimeSpan.FromSeconds 1.0)
                  failwith "full"

              Expect.throws (fun () -> interval.Measure fails) "the error passes"
              Expect.isFalse interval.IsOver "not tried again at once"
              clock.Wait(TimeSpan.FromSeconds 1.0)
              Expect.isTrue interval.IsOver "later it is"
          }

          testProperty "Work takes at most its share of the time whenever it is due"
          <| fun (steps: (byte * byte) list) ->
              let clock = Clock()
              let interval = TimeShareLimiter(0.01, clock)
              let mutable worked = TimeSpan.Zero

              for idle, cost in steps do
                  clock.Wait(TimeSpan.FromSeconds(float idle))

                  if interval.IsOver then
                      Expect.isLessThanOrEqual worked (clock.Passed * 0.01) "so far"
                      let cost = TimeSpan.FromSeconds(float cost)
                      interval.Measure(fun () -> clock.Wait cost)
                      worked <- worked + cost ]
