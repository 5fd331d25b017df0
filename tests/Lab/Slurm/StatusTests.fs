module ChannelDistillation.Tests.Lab.Slurm.StatusTests

open System.IO
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Slurm

/// Four runs, of which the first three are in an array of two elements, with the queue entries.
let private withArray (act: Job list -> string list -> QueueEntry list -> unit) =
    use root = new TemporaryFolder()
    let file = root.File "x.yaml"
    File.WriteAllText(file, Project.experiment "x" "none" [ "one: [ce]" ] 2 "[0, 1, 2, 3]" [])

    let plan =
        match Experiments.load file [] true with
        | Ok(plan, _) -> plan
        | Error problems -> failtest (Render.text false problems)

    let jobs = Job.ofPlan (root.File "x") plan
    let names = jobs |> List.map Job.nameOf
    let submission = Submission.at (root.File "x") "20260102-030405-abcd"
    Directory.CreateDirectory submission.Folder |> ignore
    Submission.writeCohorts submission [ [ names[0]; names[1] ]; [ names[2] ] ]

    let entry kind element state = { Job = "7"; Submission = submission; Kind = kind; Element = element; State = state; Reason = "Priority" }

    act jobs names [ entry Train (Some 1) "RUNNING"; entry Train (Some 2) "PENDING"; entry Tables None "PENDING" ]

let private failed (job: Job) =
    let errors = EpochErrors(1, 50.0, 0.0)
    RunFolder(job.Folder).WriteResult(RunResult(RunStatus.Failed, errors, errors, "no luck"))

let private sentence retryFailed jobs entries = Status.read retryFailed jobs entries |> snd |> Status.sentence

[<Tests>]
let tests =
    testList
        "slurm / status"
        [ test "Retried runs have the status of their elements, other failed runs count as failed" {
              withArray (fun jobs _ entries ->
                  for index in [ 0; 2; 3 ] do
                      failed jobs[index]

                  let jobs = jobs |> List.map Job.refreshed

                  Expect.equal
                      (sentence true jobs entries)
                      "0 of 4 runs completed, 1 failed or diverged, 2 training, 1 waiting (Priority)"
                      "tried again"

                  Expect.equal (sentence false jobs entries) "0 of 4 runs completed, 3 failed or diverged, 1 training" "not asked for")
          }

          test "A run that failed before and has completed since counts as completed" {
              withArray (fun jobs _ _ ->
                  failed jobs[0]
                  let before = jobs |> List.map Job.refreshed
                  let errors = EpochErrors(2, 50.0, 0.0)
                  RunFolder(jobs[0].Folder).WriteResult(RunResult(RunStatus.Completed, errors, errors, null))
                  Expect.equal (sentence false before []) "1 of 4 runs completed, 3 neither trained nor queued" "as it is now")
          }

          test "For selected runs, only their elements count, and the jobs for teachers and tables of arrays without other runs" {
              withArray (fun _ names entries ->
                  let elements chosen =
                      Queue.workingFor (System.Collections.Generic.HashSet<string>(chosen: string list)) entries
                      |> List.map (fun entry -> entry.Kind, entry.Element)

                  Expect.equal (elements [ names[1] ]) [ Train, Some 1 ] "one of a cohort"
                  Expect.isEmpty (elements [ names[3] ]) "of none"
                  Expect.equal (elements names) [ Train, Some 1; Train, Some 2; Tables, None ] "all")
          } ]
