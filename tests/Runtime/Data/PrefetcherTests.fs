module ChannelDistillation.Tests.Runtime.Data.PrefetcherTests

open System
open System.Diagnostics
open System.Threading
open Expecto
open TorchSharp
open ChannelDistillation.Data

[<Sealed>]
type private Nothing() =
    interface IDisposable with
        member _.Dispose() = ()

[<Tests>]
let tests =
    testList
        "prefetching"
        [ test "A reader that waits while the worker waits for the device does not wait for images" {
              let mutable prefetcher: Prefetcher<Nothing> = Unchecked.defaultof<_>
              let held = Stopwatch()
              use begun = new ManualResetEventSlim()

              let fill (_: int64) (_: Nothing) =
                  prefetcher.Hold(fun () ->
                      held.Start()
                      begun.Set()
                      Thread.Sleep 20
                      held.Stop())

              prefetcher <- new Prefetcher<Nothing>([| new Nothing() |], fill)
              use _ = prefetcher
              let clock = Stopwatch.StartNew()
              Expect.hasLength (prefetcher.Read(0L, 5)) 5 "numbers"
              // Counting the time in the device's queue as well would exceed the elapsed time.
              Expect.isLessThanOrEqual (prefetcher.Waited + held.Elapsed) clock.Elapsed "waited and held"
          }

          test "Loader threads leave two cores to the threads that issue the GPU's work, and none on the CPU" {
              let on device = [ for cores in [ 1; 2; 3; 16 ] -> LoaderThreads.Of(16, device, cores) ]
              Expect.equal (on DeviceType.CPU) [ 16; 16; 16; 16 ] "on the CPU"
              Expect.equal (on DeviceType.CUDA) [ 1; 1; 1; 14 ] "on a GPU"
              Expect.equal (LoaderThreads.Of(1, DeviceType.CUDA, 16)) 1 "images in memory"
          } ]
