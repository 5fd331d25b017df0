module ChannelDistillation.Tests.Lab.Slurm.PartTests

open System.IO
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Slurm

let private file = "parts.yaml"

/// A project with an experiment in it: a teacher that the variant `alone` does not need.
let private withProject (act: TemporaryFolder -> Fakes -> unit) =
    use root = new TemporaryFolder()
    use fakes = new Fakes()
    Project.make root

    File.WriteAllText(
        root.File file,
        Project.experiment "parts" "{ model: resnet8, train: { epochs: 1 } }" [ "taught: [ce, kd]"; "alone: [ce]" ] 1 "[0]" []
    )

    act root fakes

let private onCluster = [ "sweep"; file; "--launcher"; "slurm"; "--threads"; "1" ]

let private submissions (root: TemporaryFolder) = Directory.GetDirectories(root.File "runs/parts/slurm")

[<Tests>]
let tests =
    testList
        "slurm / parts of a sweep"
        [ test "the jobs around the array of a sweep with --only are for its runs: no other teacher, and success" {
              withProject (fun root fakes ->
                  let code, said = Project.runWith root [ fakes.Path ] (onCluster @ [ "--only"; "alone" ])
                  Expect.equal code 0 said
                  let scripts = (submissions root)[0]

                  for script in [ "teachers"; "train"; "tables" ] do
                      let variables = [ "SLURM_ARRAY_TASK_ID", "1" ]
                      let code, said = Project.command root variables "bash" [ Path.Combine(scripts, script + ".sh") ]
                      Expect.equal code 0 $"{script}: {said}"

                  let teachers = root.File "pretrain"
                  Expect.isFalse (Directory.Exists teachers && not (Array.isEmpty (Directory.GetDirectories teachers))) "no teacher"
                  let code, said = Project.runWith root [ fakes.Path ] (onCluster @ [ "--only"; "alone"; "--wait" ])
                  Expect.equal code 0 said
                  Expect.stringContains said "1 of 2 runs completed, 1 unfinished" "the table")
          }

          test "with --only, --wait does not wait for other runs; tables come after all that is queued" {
              withProject (fun root fakes ->
                  let submit more = Project.runWith root [ fakes.Path ] (onCluster @ more)
                  submit [ "--only"; "alone" ] |> ignore
                  let scripts = (submissions root)[0]
                  fakes.Queue [ 101, "1", "RUNNING", Path.Combine(scripts, "train.sh") ]
                  let code, said = submit []
                  Expect.equal code 0 said
                  let after = fakes.Calls "sbatch" |> List.map (fun call -> call.Split(' ')[2])
                  Expect.equal after[3..] [ "--dependency=afterany:103"; "--dependency=afterany:101:104" ] "the second array and its tables"
                  let element = Path.Combine(scripts, "train.sh")
                  Project.command root [ "SLURM_ARRAY_TASK_ID", "1" ] "bash" [ element ] |> ignore
                  // The other run's element is queued for ever.
                  fakes.Queue [ 104, "1", "RUNNING", Path.Combine(submissions root |> Array.find ((<>) scripts), "train.sh") ]
                  let code, said = submit [ "--only"; "alone"; "--wait" ]
                  Expect.equal code 0 said
                  Expect.stringContains said "1 of 2 runs completed, 1 unfinished" "the table")
          }

          test "plan shows the command of the sweep, without words that only plan knows" {
              withProject (fun root fakes ->
                  let code, said =
                      Project.runWith root [ fakes.Path ] [ "plan"; file; "--launcher"; "slurm"; "--measure"; "--retry-failed"; "--threads"; "1" ]

                  Expect.equal code 0 said

                  Expect.stringContains
                      said
                      "# Trains one cohort in each element of the array: the runs of that line of cohorts.txt. Made by\n#   dotnet fsi build.fsx sweep parts.yaml --launcher slurm --retry-failed --threads 1\n"
                      "command"

                  Expect.stringContains said "--device auto --threads 1 --retry-failed --yes &\n" "part")
          } ]
