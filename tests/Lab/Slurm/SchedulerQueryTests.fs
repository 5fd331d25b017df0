module ChannelDistillation.Tests.Lab.Slurm.SchedulerQueryTests

open System
open System.Collections.Generic
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Lab.Slurm

/// A clock that moves only when set.
type Clock() =
    inherit TimeProvider()
    member val Seconds = 0L with get, set
    override this.GetTimestamp() = this.Seconds
    override _.TimestampFrequency = 1L

let private down = "Slurm's squeue failed: slurm_load_jobs error: Unable to contact slurm controller"

/// The result of a query every fifteen seconds if the first ones fail and the user stops at some second, with the
/// messages and the number of queries.
let private asking (failures: int) (leaves: int64 option) =
    let clock = Clock()
    let messages = List<string>()
    let mutable questions = 0

    let wait () =
        clock.Seconds <- clock.Seconds + 15L
        leaves |> Option.forall (fun second -> clock.Seconds < second)

    let question () =
        questions <- questions + 1
        if questions <= failures then raise (MissingException down) else questions

    let asked = SchedulerQuery.ask clock wait messages.Add question
    asked, List.ofSeq messages, questions

let private silence = "the scheduler does not answer; retrying"

[<Tests>]
let tests =
    testList
        "slurm / a scheduler that does not answer"
        [ test "A scheduler that answers causes no message" { Expect.equal (asking 0 None) (SchedulerQuery.Answer 1, [], 1) "at once" }

          test "The query is repeated, with one message when answers stop and one when they resume" {
              Expect.equal (asking 5 None) (SchedulerQuery.Answer 6, [ silence; "the scheduler answers again" ], 6) "the sixth"
          }

          test "The query fails after half an hour with the last error" {
              Expect.equal (asking Int32.MaxValue None) (SchedulerQuery.NoAnswer down, [ silence ], 1 + 30 * 4) "every fifteen seconds"
              Expect.equal (asking 120 None) (SchedulerQuery.Answer 121, [ silence; "the scheduler answers again" ], 121) "not a moment earlier"
          }

          test "The user can stop waiting for an answer" { Expect.equal (asking 5 (Some 30L)) (SchedulerQuery.Stopped, [ silence ], 2) "left" }

          test "Other errors are not retried" {
              Expect.throwsT<InvalidOperationException>
                  (fun () ->
                      SchedulerQuery.ask (Clock()) (fun () -> failtest "waits") ignore (fun () -> raise (InvalidOperationException "ours"))
                      |> ignore)
                  "through"
          }

          test "Environment variables that set options of Slurm's commands are removed, others are kept" {
              for name in [ "SBATCH"; "SQUEUE"; "SCANCEL"; "SLURM" ] do
                  Environment.SetEnvironmentVariable(name + "_OF_THIS_TEST", "set")

              let reached =
                  [ for line in (Commands.run "env" []).Split '\n' do
                        if line.Contains "_OF_THIS_TEST=" then
                            line ]

              Expect.equal reached [ "SLURM_OF_THIS_TEST=set" ] "of four"
              Expect.isFalse (Commands.isOption "SLURM_CONF") "where the cluster is"
          } ]
