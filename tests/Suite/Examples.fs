/// Tests for the tests of the suite itself: what they can do to the process that they run in.
module ChannelDistillation.Tests.Suite.Examples

open System.Runtime.InteropServices
open System.Threading
open Expecto

[<DllImport("libc")>]
extern void private abort()

let tests =
    testList
        "examples"
        [ test "passes" { () }
          test "aborts" { abort () }
          test "fails" { failtest "as it should" }
          test "exits" { exit 3 }
          test "is skipped" { skiptest "there is a reason" }
          test "never ends" { Thread.Sleep Timeout.Infinite } ]
