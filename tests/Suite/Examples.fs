/// Tests for the tests of the suite itself: what a test can do to its process.
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
