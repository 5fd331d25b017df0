module ChannelDistillation.Tests.Lab.Slurm.RequeueTests

open System.IO
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Slurm

/// A fake program that is out of time at once.
let private outOfTime = [ "#!/bin/bash"; "trap 'exit 130' USR1"; "kill -s USR1 $PPID"; "while :; do sleep 0.05; done" ]

/// Runs one turn of an element as Slurm would, and returns its output.
let private turn (root: TemporaryFolder) (fakes: FakeSlurm) (submission: Submission) (variables: (string * string) list) =
    let element = [ "SLURM_ARRAY_JOB_ID", "7"; "SLURM_ARRAY_TASK_ID", "2" ]

    Project.command root (fakes.Path :: variables @ element) "bash" [ Submission.scriptFile submission Train ] |> snd

[<Tests>]
let tests =
    testList
        "slurm / turns of an element"
        [ test "Only requeues at the time limit count, not Slurm's restarts after node failures, and DOTNET of the shell is ignored" {
              use root = new TemporaryFolder()
              use fakes = new FakeSlurm()
              let submission = Submission.at (root.File "a study") "20260102-030405-abcd"
              Directory.CreateDirectory(Submission.logs submission) |> ignore
              let stand = root.File "program"
              File.WriteAllLines(stand, outOfTime)

              let program: Script.Program =
                  { Dotnet = "bash"; File = stand; Root = root.Path; Out = root.Path; Options = []; Command = "" }

              File.WriteAllText(
                  Submission.scriptFile submission Train,
                  Script.render program { SlurmCodec.empty with Requeues = Some 2 } submission Train 3
              )

              let foreign = [ "SLURM_RESTART_COUNT", "50"; "DOTNET", "/nowhere" ]
              let printed = [ for _ in 1..3 -> turn root fakes submission foreign ]

              Expect.equal
                  printed
                  [ ""; ""; "Out of time and not requeued. Submit the sweep again to resume from the saved state.\n" ]
                  "what each turn says"

              Expect.equal (fakes.Calls "scontrol") [ "scontrol requeue 7_2"; "scontrol requeue 7_2" ] "queued again"

              let turns = Path.Combine(Submission.logs submission, "turns-7_2")
              File.Delete turns
              fakes.RefuseRequeue()
              Expect.equal (turn root fakes submission foreign) (List.last printed) "Slurm refuses"
              Expect.isEmpty (File.ReadAllLines turns) "a turn that is not queued is not counted"
          } ]
