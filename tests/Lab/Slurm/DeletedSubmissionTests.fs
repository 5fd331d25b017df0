module ChannelDistillation.Tests.Lab.Slurm.DeletedSubmissionTests

open System.IO
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Slurm

let private onCluster = [ "sweep"; "lost.yaml"; "--launcher"; "slurm"; "--threads"; "1" ]

/// A project with an experiment of two cohorts.
let private withProject (act: TemporaryFolder -> FakeSlurm -> (string list -> int * string) -> unit) =
    use root = new TemporaryFolder()
    use fakes = new FakeSlurm()
    Project.make root
    File.WriteAllText(root.File "lost.yaml", Project.experiment "lost" "none" [ "one: [ce]" ] 1 "[0, 1]" [])

    act root fakes (fun arguments ->
        let code, printed = Project.runWith root [ fakes.Path ] arguments
        code, printed.Replace(root.Path + "/", ""))

let private submissions (root: TemporaryFolder) =
    let folder = root.File "runs/lost/slurm"
    if Directory.Exists folder then Directory.GetDirectories folder else [||]

let private withoutId (printed: string) = Regex.Replace(printed, @"\.\d{8}-\d{6}-[0-9a-f]{4}\.", ".ID.")

let private advice =
    " The runs of the queued jobs 101 102 are therefore unknown, and some could be submitted twice. "
    + "Cancel the jobs with `scancel 101 102` or wait until they have ended, then repeat the command.\n"

[<Tests>]
let tests =
    testList
        "slurm / deleted files, and jobs that Slurm refuses"
        [ for what, damage, problem in
              [ "whose folder is gone", (fun folder -> Directory.Delete(folder, true)), "cohorts.txt does not exist."
                "without its list of cohorts", (fun folder -> File.Delete(Path.Combine(folder, "cohorts.txt"))), "cohorts.txt does not exist."
                "with a list that was cut off",
                (fun folder ->
                    let file = Path.Combine(folder, "cohorts.txt")
                    File.WriteAllLines(file, File.ReadAllLines file |> Array.truncate 1)),
                "cohorts.txt has no line 2; its last line is 1."
                "with something else in its list",
                (fun folder -> File.WriteAllText(Path.Combine(folder, "cohorts.txt"), "notes of mine\n")),
                "cohorts.txt is damaged: line 1 does not name runs." ] do
              test $"No run is submitted twice beside a submission {what}" {
                  withProject (fun root fakes run ->
                      let code, printed = run onCluster
                      Expect.equal code 0 printed
                      let folder = (submissions root)[0]
                      let train = Path.Combine(folder, "train.sh")
                      let tables = Path.Combine(folder, "tables.sh")
                      fakes.Queue [ 101, "1", "PENDING", train; 101, "2", "PENDING", train; 102, "N/A", "PENDING", tables ]
                      damage folder
                      let name = nonNull (Path.GetFileName folder)
                      Expect.equal (run onCluster) (3, $"runs/lost/slurm/{name}/{problem}{advice}") "message"
                      Expect.hasLength (fakes.Calls "sbatch") 2 "submitted once"
                      let code, printed = run [ "sweep"; "lost.yaml"; "--cancel" ]
                      Expect.equal code 0 printed
                      Expect.equal (fakes.Calls "scancel") [ "scancel 101 102" ] "but cancelled"
                      fakes.Queue []
                      let code, printed = run onCluster
                      Expect.equal code 0 printed
                      Expect.stringStarts printed "Submitted 2 cohorts as job array 103; then job 104 writes the tables.\n" "and submitted again")
              }

          test "Queued runs without a job for the tables get one when the command is repeated" {
              withProject (fun root fakes run ->
                  let code, printed = run onCluster
                  Expect.equal code 0 printed
                  let folder = (submissions root)[0]
                  let train = Path.Combine(folder, "train.sh")
                  fakes.Queue [ 101, "1", "PENDING", train; 101, "2", "RUNNING", train ]
                  let code, printed = run onCluster
                  Expect.equal code 0 printed

                  Expect.stringContains printed "The queued runs had no job for the tables: submitted job 103, which writes them.\n" "message"

                  Expect.stringContains (List.last (fakes.Calls "sbatch")) "afterany:101" "after the runs"
                  fakes.Queue [ 101, "1", "PENDING", train; 103, "N/A", "PENDING", Path.Combine(folder, "tables.sh") ]

                  fakes.Queue
                      [ 101, "1", "PENDING", train
                        101, "2", "PENDING", train
                        103, "N/A", "PENDING", Path.Combine(folder, "tables.sh") ]

                  run onCluster |> ignore
                  Expect.hasLength (fakes.Calls "sbatch") 3 "once")
          }

          test "A plan shows the arrays that the sweep submits, also where the cluster's limit divides them" {
              withProject (fun _ fakes run ->
                  fakes.Size 2
                  let _, planned = run [ "plan"; "lost.yaml"; "--launcher"; "slurm"; "--threads"; "1" ]

                  Expect.stringContains
                      planned
                      "Slurm: sweep submits 2 arrays of 1 + 1 elements for 2 runs, then a job that writes the tables."
                      "plan"

                  let _, printed = run onCluster
                  Expect.stringContains printed "Submitted 1 cohort as job array 101." "first"
                  Expect.stringContains printed "Submitted 1 cohort as job array 102; then job 103 writes the tables." "second")
          }

          test "An element without its line in cohorts.txt reports it, with the fix" {
              withProject (fun root _ run ->
                  Directory.CreateDirectory(root.File "submission") |> ignore
                  File.Copy(root.File "lost.yaml", root.File "submission/experiment.yaml")

                  Expect.equal
                      (run [ "sweep"; "submission/experiment.yaml"; "--part"; "1" ])
                      (3,
                       "submission/cohorts.txt does not exist. The runs of array element 1 are therefore unknown. "
                       + "Repeat the command that submitted it to resubmit what is missing.\n")
                      "message")
          }

          test "If a later job is refused, the earlier ones are cancelled and their folder is removed" {
              withProject (fun root fakes run ->
                  fakes.Refuse "tables.sh"
                  Expect.equal (run onCluster) (3, "Slurm's sbatch failed: sbatch: error: not today\n") "message"
                  Expect.equal (fakes.Calls "scancel" |> List.map withoutId) [ "scancel 101"; "scancel --name=lost.ID.tables" ] "cancelled"
                  Expect.isEmpty (submissions root) "no folder is left")
          }

          test "If sbatch is interrupted, a job that Slurm may have accepted is cancelled too" {
              withProject (fun root fakes run ->
                  fakes.Cut "tables.sh"
                  Expect.equal (run onCluster) (3, "Slurm's sbatch failed: exit code 130, without a message.\n") "message"
                  Expect.equal (fakes.Calls "scancel" |> List.map withoutId) [ "scancel 101"; "scancel --name=lost.ID.tables" ] "cancelled"
                  Expect.isEmpty (submissions root) "no folder is left")
          }

          test "The runs of jobs that are ending are submitted after they have ended" {
              withProject (fun root fakes run ->
                  let code, printed = run onCluster
                  Expect.equal code 0 printed
                  let train = Path.Combine((submissions root)[0], "train.sh")
                  fakes.Queue [ 101, "1", "COMPLETING", train; 101, "2", "COMPLETING", train ]

                  let ending =
                      task {
                          do! Task.Delay 4000
                          fakes.Queue []
                      }

                  let code, printed = run onCluster
                  ending.Wait()
                  Expect.equal code 0 printed

                  Expect.stringStarts
                      printed
                      ("Some jobs of this experiment are ending; waiting for them ...\n"
                       + "Submitted 2 cohorts as job array 103; then job 104 writes the tables.\n")
                      "message")
          }

          test "No job is cancelled while another process submits" {
              withProject (fun root fakes run ->
                  let mutable other = null
                  use _ = RunLeases().TryTake(root.File "runs/lost/slurm", &other)
                  let code, printed = run [ "sweep"; "lost.yaml"; "--cancel" ]
                  Expect.equal code 2 printed
                  Expect.stringEnds printed " is submitting this experiment. Repeat the command in a moment.\n" "message"
                  Expect.isEmpty (fakes.Calls "scancel") "untouched")
          }

          test "If jobs cannot be cancelled, the first error is reported with the commands to cancel them" {
              withProject (fun root fakes run ->
                  fakes.Refuse "tables.sh"
                  fakes.KeepJobs()

                  let code, printed = run onCluster

                  Expect.equal
                      (code, withoutId printed)
                      (3,
                       "Slurm's sbatch failed: sbatch: error: not today\n"
                       + "The jobs submitted before this error could not be cancelled: Slurm's scancel failed: scancel: error: no answer\n"
                       + "Cancel them manually: scancel 101; scancel --name=lost.ID.tables\n")
                      "message"

                  Expect.hasLength (submissions root) 1 "the folder of the queued jobs stays")
          } ]
