module ChannelDistillation.Tests.Cli.CommandLineTests

open System
open System.IO
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.CommandLine

let private experiment =
    "experiment: small
dataset: fashion-mnist-mini
teacher: { model: resnet14, train: { epochs: 1 } }
student: { model: resnet8 }
train:
  epochs: 2
  batch: 64
  optimizer: { sgd: { lr: 0.05 } }
  lr_schedule: constant
losses:
  ce: { weight: 1 }
  kd: { weight: 1 }
variants:
  student: [ce]
  kd: [ce, kd]
seeds: [0, 1]
"

/// The experiment with one text replaced, run with a verb.
let private mistaken (verb: string) (right: string) (wrong: string) =
    use folder = new TemporaryFolder()
    Expect.stringContains experiment right "the text to replace"
    File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment.Replace(right, wrong))
    run folder.Path [ verb; "small.yaml"; "--out"; "runs" ]

[<Tests>]
let tests =
    testList
        "command line"
        [ test "a misspelt loss is refused with its place and a suggestion" {
              mistaken "sweep" "  kd: [ce, kd]" "  kd: [ce, kdd]"
              |> refused 2 [ "small.yaml:15:12"; "`kdd`"; "`kd`"; "No run was started." ]
          }

          test "a negative weight is refused with its place" {
              mistaken "sweep" "ce: { weight: 1 }" "ce: { weight: -1 }" |> refused 2 [ "small.yaml:11:17" ]
          }

          test "a wrong type is refused with its place" { mistaken "plan" "epochs: 2" "epochs: many" |> refused 2 [ "small.yaml:6:11"; "many" ] }

          test "a missing experiment is refused" {
              inNowhere [ "sweep"; "nothere.yaml" ] |> refused 2 [ "nothere.yaml"; "This file does not exist." ]
          }

          test "a missing checkpoint is something outside: exit 3, and the path" {
              mistaken "sweep" "{ model: resnet14, train: { epochs: 1 } }" "{ model: resnet14, checkpoint: nothere.safetensors }"
              |> refused 3 [ "The teacher's checkpoint"; "nothere.safetensors is not there." ]
          }

          test "A command leaves nothing in the temporary directory" {
              use folder = new TemporaryFolder()
              let code, text = throughScriptIn folder.Path [ "data"; "list" ]
              Expect.equal code 0 text
              Expect.isEmpty (System.IO.Directory.GetFileSystemEntries folder.Path) "left"
          }

          test "A damaged plan.json is named, and the sweep's command is what mends it" {
              use folder = new TemporaryFolder()
              File.WriteAllText(folder.File "plan.json", """{"epochs": [1], "seeds": [1.5]}""")

              for verb in [ "table"; "report" ] do
                  let code, text = run folder.Path [ verb; folder.Path ]
                  Expect.equal code 3 text

                  Expect.equal
                      (text.Replace(folder.Path + "/", "").Trim())
                      "plan.json is damaged: `seeds` has 1.5 where a whole number belongs. Repeat the sweep: it writes the file again, and trains only what is missing."
                      verb
          }

          test "plan shows the runs and trains nothing" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)
              let code, text = run folder.Path [ "plan"; "small.yaml"; "--out"; "runs" ]
              Expect.equal code 0 text

              for part in [ "small: 4 runs in 2 cohorts"; "student-seed0"; "kd-seed1"; "new" ] do
                  Expect.stringContains text part "plan"

              Expect.isFalse (Directory.Exists(Path.Combine(folder.Path, "runs"))) "no folder"
          }

          test "plan of runs that there are none of is refused, and the runs are named" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)

              Expect.equal
                  (run folder.Path [ "plan"; "small.yaml"; "--only"; "zzz" ])
                  (2, "No run matches --only zzz. The runs are: student-seed0, student-seed1, kd-seed0, kd-seed1\n")
                  "exit code and whole text"
          }

          test "warnings stand apart from the plan" {
              let code, text = mistaken "plan" "lr_schedule: constant" "lr_schedule: { step: { at: [9], factor: 0.1 } }"
              Expect.equal code 0 text
              Expect.stringContains text "but training ends after 2 epochs.\n\n" "a blank line"
          }

          test "table of an experiment that was never swept marks every cell as missing" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)
              let code, text = run folder.Path [ "table"; "small.yaml"; "--out"; "runs"; "--format"; "csv" ]
              Expect.equal code 0 text

              Expect.stringContains
                  text
                  "small,teacher,0,missing,,,,,,,,,,,,,,,174970,26362496,\nsmall,student,0,missing,,,,,,,,,,,,,,,77754,12206720,\nsmall,kd,0,missing,,,,,,,,,,,,,,,77754,12206720,\n"
                  "csv"
          }

          test "a baseline or an axis that is not there is refused, with those that are" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)

              for option, name, expected in
                  [ "--baseline", "kdd", "There is no variant `kdd` in these results. I know: student, kd.\nHint: maybe you want `kd`?\n"
                    "--pivot", "losses.kd.weight", "There is no axis `losses.kd.weight` in these results. There is none.\n" ] do
                  for verb in [ "table"; "report" ] do
                      Expect.equal (run folder.Path [ verb; "small.yaml"; "--out"; "runs"; option; name ]) (2, expected) $"{verb} {option}"
          }

          test "a pivot and a baseline together are refused" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)

              for verb in [ "table"; "report" ] do
                  Expect.equal
                      (run folder.Path [ verb; "small.yaml"; "--out"; "runs"; "--baseline"; "kd"; "--pivot"; "train.batch" ])
                      (2, "--pivot shows errors alone: --baseline has no place in its cells. Use one of the two.\n")
                      verb
          }

          test "an axis may be named as the tables name it" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment + "grid:\n  product: { train.batch: [32, 64] }\n")
              let code, text = run folder.Path [ "table"; "small.yaml"; "--out"; "runs"; "--pivot"; "batch" ]
              Expect.equal code 0 text
              Expect.stringContains text "| batch 32 | batch 64 |" "columns"
          }

          test "`help` reaches the program behind the script, which `dotnet fsi` keeps `--help` from" {
              let code, text = throughScript [ "help"; "data"; "list" ]
              Expect.equal code 0 text
              Expect.stringStarts text "USAGE: dotnet fsi build.fsx data list [--json]\n" "usage"
              Expect.isFalse (text.Contains "--help") text
          }

          test "more than two results are no comparison" {
              Expect.equal (inNowhere [ "table"; "a"; "b"; "c" ]) (2, "`table` shows one result or compares two; these are 3.\n") "refused"
          }

          for arguments, expected in
              [ [ "swep" ],
                "I do not know the verb `swep`.\nHint: maybe you want `sweep`?\nVerbs: sweep, plan, table, report, data, teacher, evaluate, schema. `dotnet fsi build.fsx` shows what each does.\n"
                [ "sweep"; "--onyl"; "cd*" ],
                "`sweep` has no option `--onyl`.\nHint: maybe you want `--only`?\n`dotnet fsi build.fsx help sweep` lists its options.\n"
                [ "sweep"; "--lanes"; "many" ],
                "Parameter '--lanes' must be followed by <n>, but was 'many'.\n`dotnet fsi build.fsx help sweep` lists its options.\n"
                [ "sweep"; "--lanes"; "0" ], "--lanes must be 1 or more; it is 0.\n"
                [ "sweep"; "--tf32"; "maybe" ], "--tf32 is on or off, not maybe.\n"
                [ "sweep"; "--device"; "gpu" ], "I do not know the device `gpu`. --device is auto, cpu, cuda, cuda:N or a list: cuda:0,1.\n"
                for list, problem in
                    [ "cpu,", "there is nothing between two commas, or at an end."
                      "cuda:0,,1", "there is nothing between two commas, or at an end."
                      "cpu,cuda:0", "it mixes the processor with GPUs."
                      "cuda,cuda:1", "`cuda` has no place in a list."
                      "auto,auto", "`auto` has no place in a list."
                      "cuda:0,gpu", "`gpu` is no device."
                      "0,1", "`0` is no device." ] do
                    [ "sweep"; "--device"; list ],
                    $"--device {list}: {problem} A list is of workers on the processor, cpu,cpu, or of GPUs, cuda:0,1.\n"
                [ "evaluate"; "a.safetensors"; "--device"; "cpu,cpu" ],
                "Only `sweep` trains on several devices; this is `cpu,cpu`. --device is auto, cpu, cuda or cuda:N.\n"
                [ "sweep"; "--device"; "cpu,cpu"; "--launcher"; "slurm" ],
                "With --launcher slurm each job trains on one device: --device cuda, and `gpus: 1` in the section `slurm` of the experiment.\n"
                [ "sweep"; "--cancel"; "--only"; "cd*" ],
                "--cancel takes everything of the experiment from the queue, and does not go with --only. `scancel NUMBER` cancels a single job.\n"
                [ "sweep"; "--cancel"; "--retry-failed" ],
                "--cancel does not go with --retry-failed: cancel first, then repeat the sweep with --retry-failed.\n"
                [ "sweep"; "--cancel"; "--launcher"; "local" ], "--cancel is for jobs of a cluster; a sweep on this machine is ended with Ctrl+C.\n"
                [ "sweep"; "--cancel"; "--launcher"; "slurm"; "--wait" ], "--cancel does not go with --wait: after it there is nothing to follow.\n"
                for option in [ [ "--launcher"; "slurm" ]; [ "--launcher"; "local" ]; [ "--cancel" ] ] do
                    [ "sweep"; "--part"; "tables" ] @ option,
                    "--part is for a process that a sweep has started; it does not go with --launcher or --cancel.\n"
                [ "sweep"; "--workers-per-device"; "0" ], "--workers-per-device must be 1 or more; it is 0.\n"
                [ "sweep"; "--workers-per-device"; "2" ], "--workers-per-device needs a device that is named: --device cpu, cuda or cuda:N.\n"
                [ "sweep"; "--no-worker"; "--workers-per-device"; "2"; "--device"; "cpu" ],
                "--no-worker trains in this process; --workers-per-device starts others.\n"
                [ "sweep"; "--no-worker"; "--device"; "cpu,cpu" ], "--no-worker trains in this process, on one device; --device names several.\n"
                [ "plan"; "--retry-failed" ], "--retry-failed of `plan` goes with --launcher slurm, and changes what would be submitted.\n"
                [ "sweep"; "--layout"; "contigous" ],
                "I do not know the layout `contigous`. --layout is auto, channels-last or contiguous.\nHint: maybe you want `contiguous`?\n"
                [ "sweep"; "--launcher"; "pbs" ], "I do not know the launcher `pbs`. --launcher is local or slurm.\n"
                [ "plan"; "--set"; "train.epochs" ], "--set needs PATH=VALUE, for instance --set train.epochs=2; this is `train.epochs`.\n"
                [ "data"; "fetch" ], "Missing argument '<name>'.\n`dotnet fsi build.fsx help data fetch` lists its options.\n"
                [ "data"; "list"; "--jsn" ],
                "`data` has no option `--jsn`.\nHint: maybe you want `--json`?\n`dotnet fsi build.fsx help data` lists its options.\n"
                [ "teacher"; "fetch"; "resnet43-imagenet" ],
                "I do not know the teacher `resnet43-imagenet`.\nHint: maybe you want `resnet34-imagenet`?\n"
                + "Known: resnet34-imagenet, resnet50-imagenet, resnet152-imagenet, resnet152-cifar100, "
                + "crd-wrn40-2, crd-resnet56, crd-resnet110, crd-resnet32x4, crd-vgg13, crd-resnet50.\n"
                [ "data"; "ftch" ],
                "`data` does not know what to do with `ftch`.\nHint: maybe you want `fetch`?\n`dotnet fsi build.fsx help data` lists its options.\n" ] do
              test (String.Join(' ', arguments)) { Expect.equal (inNowhere arguments) (2, expected) "exit code and whole text" } ]
