module ChannelDistillation.Tests.Lab.Slurm.SettlingTests

open System
open System.Collections.Generic
open Expecto
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Tests.Lab.Slurm.SchedulerQueryTests

/// The result if jobs are ending for the given seconds and are queried every two seconds, with the messages.
let private waiting (seconds: int64) =
    let clock = Clock()
    let messages = List<string>()

    let look () = clock.Seconds, (if clock.Seconds < seconds then [ "101"; "102" ] else [])

    let found = Settling.wait clock (fun () -> clock.Seconds <- clock.Seconds + 2L) messages.Add look
    found, List.ofSeq messages

[<Tests>]
let tests =
    testList
        "slurm / jobs that are ending"
        [ test "Without ending jobs there is no message" { Expect.equal (waiting 0L) (0L, []) "at once" }

          test "Jobs that are ending are waited for, with one message" {
              Expect.equal (waiting 33L) (34L, [ "Some jobs of this experiment are ending; waiting for them ..." ]) "the first look after it"
          }

          test "Jobs that do not end are reported, with the fix" {
              let messages =
                  try
                      string (waiting Int64.MaxValue)
                  with UsageError message ->
                      message

              Expect.equal
                  messages
                  "Jobs of this experiment have been ending for 3 minutes: 101, 102. Repeat the command when squeue no longer lists them."
                  "given up"
          } ]
