module ChannelDistillation.Tests.Lab.Slurm.ScriptTests

open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Tests

let private settings =
    { SlurmCodec.empty with
        Partition = Some "gpu"
        Time = Some "04:00:00"
        Memory = Some "16G"
        Cpus = Some 8
        Gpus = Some "a100:1"
        Constraint = Some "a100|h100"
        Throttle = Some 4
        SaveSeconds = Some 300
        Requeues = Some 3
        Options = Some [ "--exclusive"; "--comment=\"two words\"" ]
        Setup = Some [ "module load dotnet/10" ]
        Wrapper = Some "apptainer exec --nv image.sif" }

let private program: Script.Program =
    { Dotnet = "/opt/dotnet/dotnet"
      File = "/home/me/my lab/channel-distillation.dll"
      Root = "/home/me/my lab"
      Out = "/scratch/50%/runs"
      Options = [ "--device"; "auto"; "--yes" ]
      Command = "dotnet fsi build.fsx sweep --launcher slurm" }

let private submission: Submission =
    { Experiment = "a study"
      Id = "20260102-030405-abcd"
      Folder = "/scratch/50%/runs/a study/slurm/20260102-030405-abcd" }

let private expected (kind: string) = Path.Combine(Repository.root, "tests", "Lab", "Slurm", "Expected", $"{kind}.sh")

[<Tests>]
let tests =
    testList
        "slurm / without a cluster"
        [ for kind in [ Train; Tables ] do
              test $"The script of {kind} equals the reviewed one" {
                  Expected.check (expected (string kind)) (Script.render program settings submission kind 12)
              }

          test "A line break in the command or in a folder's name does not end a comment of the script" {
              let bare script = Script.render script settings submission Train 12
              let isComment (line: string) = line.StartsWith "#" && not (line.StartsWith "#SBATCH")
              let commands (text: string) = text.Split('\n') |> Array.filter (isComment >> not)
              let evil = { program with Command = "dotnet fsi build.fsx sweep 'a\nrm -rf ~\r\nb\u0085c\vd'" }
              Expect.equal (commands (bare evil)) (commands (bare program)) "the lines that run are the same"
          }

          test "A folder whose name has a line break is refused, because Slurm reads options line by line" {
              let broken = { submission with Folder = "/scratch/a\n#SBATCH --wrap=x/slurm/1" }

              Expect.throwsC (fun () -> Script.render program settings broken Train 12 |> ignore) (fun error ->
                  match error with
                  | ChannelDistillation.Lab.Runs.UsageError message ->
                      Expect.stringStarts message "This sbatch option would contain a line break or another control character: --output=" "message"
                  | other -> raise other)
          }

          test "A job's name contains its submission and kind" {
              use folder = new TemporaryFolder()
              let experiment = folder.File "a.b c"
              let submission = Submission.at experiment "20260102-030405-abcd"
              let name = Submission.jobName submission Train
              let read experiment = Submission.tryParse experiment "/elsewhere/train.sh"
              Expect.equal name "a.b c.20260102-030405-abcd.train" "name"
              Expect.isNone (read experiment name) "of a folder elsewhere with the same name"

              Expect.equal
                  (Submission.tryParse experiment (Submission.scriptFile submission Train) name)
                  (Some(submission, Train))
                  "of a folder that was deleted"

              Directory.CreateDirectory submission.Folder |> ignore
              Expect.equal (read experiment name) (Some(submission, Train)) "read back"
              Expect.isNone (read (folder.File "b c") name) "of another experiment"
              Expect.isNone (read experiment "a.b c.train") "a job of a person"
          }

          test "The output of squeue shows the queued runs among other jobs" {
              use folder = new TemporaryFolder()
              let experiment = folder.File "x"
              let submission = Submission.at experiment "20260102-030405-abcd"
              Directory.CreateDirectory submission.Folder |> ignore
              Submission.writeCohorts submission [ [ "a-00000001"; "b-00000002" ]; [ "c-00000003" ]; [ "d-00000004" ] ]

              let entries =
                  Queue.parse
                      experiment
                      "12|2|RUNNING|None|/a|b/train.sh|x.20260102-030405-abcd.train\n12|1|PENDING|JobArrayTaskLimit|/a|b/train.sh|x.20260102-030405-abcd.train\n13|N/A|PENDING|Dependency|/a|b/tables.sh|x.20260102-030405-abcd.tables\n9|N/A|RUNNING|None|/bin/bash|x.y\n"

              Expect.equal
                  (entries |> List.map (fun entry -> entry.Job, entry.Kind, entry.Element, entry.IsRunning))
                  [ "12", Train, Some 2, true; "12", Train, Some 1, false; "13", Tables, None, false ]
                  "entries"

              Expect.equal (set (Queue.runs entries)) (set [ "a-00000001"; "b-00000002"; "c-00000003" ]) "runs"
          }

          test "The settings of an experiment override those of the site" {
              use folder = new TemporaryFolder()
              let workspace = Workspace folder.Path
              let experiment = { ExperimentCodec.blank with Slurm = Some { SlurmCodec.empty with Time = Some "60" } }
              Expect.equal (SiteSettings.settings workspace experiment) (Ok experiment.Slurm.Value) "without a site's file"
              File.WriteAllText(SiteSettings.fileOf workspace, "partition: gpu\ntime: 04:00:00\nsetup: [module load dotnet]\n")

              Expect.equal
                  (SiteSettings.settings workspace experiment)
                  (Ok { SlurmCodec.empty with Partition = Some "gpu"; Time = Some "60"; Setup = Some [ "module load dotnet" ] })
                  "both"
          }

          test "Problems in a site's file are shown like those in an experiment" {
              use folder = new TemporaryFolder()
              let workspace = Workspace folder.Path
              File.WriteAllText(SiteSettings.fileOf workspace, "partion: gpu\ntime: soon\n")

              let text =
                  match SiteSettings.settings workspace ExperimentCodec.blank with
                  | Error problems -> (Render.text false problems).Replace(folder.Path + "/", "")
                  | Ok _ -> ""

              Expect.stringStarts text "2 problems in " "both"
              Expect.stringContains text "`slurm` has no key `partion`.\nHint: did you mean `partition`?" "key"
              Expect.stringContains text "2 | time: soon\n  |       ^^^^\n`soon` is not a valid value of `time`." "value"
          }

          test "Without Slurm, the message states where to run the command" {
              Expect.throwsC (fun () -> Commands.run "sbatch-that-is-not-here" [] |> ignore) (fun error ->
                  Expect.isTrue (error :? MissingException) "exit code 3"

                  Expect.equal
                      error.Message
                      "Slurm's sbatch-that-is-not-here is not installed here. Use --launcher slurm on a machine that can submit jobs, such as the cluster's login node."
                      "message")
          } ]
