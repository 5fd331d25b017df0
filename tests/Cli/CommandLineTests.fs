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

/// Runs a verb on the experiment with one text replaced.
let private mistaken (verb: string) (right: string) (wrong: string) =
    use folder = new TemporaryFolder()
    Expect.stringContains experiment right "the text to replace"
    File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment.Replace(right, wrong))
    run folder.Path [ verb; "small.yaml"; "--out"; "runs" ]

[<Tests>]
let tests =
    testList
        "command line"
        [ test "A misspelt loss is refused with its place and a suggestion" {
              mistaken "sweep" "  kd: [ce, kd]" "  kd: [ce, kdd]"
              |> refused 2 [ "small.yaml:15:12"; "`kdd`"; "`kd`"; "No run was started." ]
          }

          test "A negative weight is refused with its place" {
              mistaken "sweep" "ce: { weight: 1 }" "ce: { weight: -1 }" |> refused 2 [ "small.yaml:11:17" ]
          }

          test "A wrong type is refused with its place" { mistaken "plan" "epochs: 2" "epochs: many" |> refused 2 [ "small.yaml:6:11"; "many" ] }

          test "A missing experiment is refused" {
              inNowhere [ "sweep"; "nothere.yaml" ] |> refused 2 [ "nothere.yaml"; "This file does not exist." ]
          }

          test "A missing checkpoint ends with exit code 3 and its path" {
              mistaken "sweep" "{ model: resnet14, train: { epochs: 1 } }" "{ model: resnet14, checkpoint: nothere.safetensors }"
              |> refused 3 [ "The teacher's checkpoint"; "nothere.safetensors does not exist." ]
          }

          test "A command leaves nothing in the temporary directory" {
              use folder = new TemporaryFolder()
              let code, text = throughScriptIn folder.Path [ "data"; "list" ]
              Expect.equal code 0 text
              Expect.isEmpty (System.IO.Directory.GetFileSystemEntries folder.Path) "left"
          }

          test "A damaged plan.json is named, and the message says that a sweep rewrites it" {
              use folder = new TemporaryFolder()
              File.WriteAllText(folder.File "plan.json", """{"epochs": [1], "seeds": [1.5]}""")

              for verb in [ "table"; "report" ] do
                  let code, text = run folder.Path [ verb; folder.Path ]
                  Expect.equal code 3 text

                  Expect.equal
                      (text.Replace(folder.Path + "/", "").Trim())
                      "plan.json is damaged: `seeds` is 1.5, but must be an integer. Repeat the sweep to rewrite it; only missing runs are trained."
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

          test "plan with a pattern that matches no run is refused, and the runs are named" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)

              Expect.equal
                  (run folder.Path [ "plan"; "small.yaml"; "--only"; "zzz" ])
                  (2, "No run matches --only zzz. Runs: student-seed0, student-seed1, kd-seed0, kd-seed1\n")
                  "exit code and whole text"
          }

          test "Warnings are separated from the plan by a blank line" {
              let code, text = mistaken "plan" "lr_schedule: constant" "lr_schedule: { step: { at: [9], factor: 0.1 } }"
              Expect.equal code 0 text
              Expect.stringContains text "but training ends after 2 epochs.\n\n" "a blank line"
          }

          test "The table of an experiment without a sweep marks every cell as missing" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)
              let code, text = run folder.Path [ "table"; "small.yaml"; "--out"; "runs"; "--format"; "csv" ]
              Expect.equal code 0 text

              Expect.stringContains
                  text
                  "small,teacher,0,missing,,,,,,,,,,,,,,,174970,26362496,\nsmall,student,0,missing,,,,,,,,,,,,,,,77754,12206720,\nsmall,kd,0,missing,,,,,,,,,,,,,,,77754,12206720,\n"
                  "csv"
          }

          test "An unknown baseline or axis is refused with the known ones" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)

              for option, name, expected in
                  [ "--baseline", "kdd", "These results have no variant `kdd`. Known: student, kd.\nHint: did you mean `kd`?\n"
                    "--baseline", "kd[temperature=3]", "These results have no row `kd[temperature=3]`. Known: kd.\n"
                    "--pivot", "losses.kd.weight", "These results have no axis `losses.kd.weight`. They have no axis at all.\n" ] do
                  for verb in [ "table"; "report" ] do
                      Expect.equal (run folder.Path [ verb; "small.yaml"; "--out"; "runs"; option; name ]) (2, expected) $"{verb} {option}"
          }

          test "A pivot together with a baseline is refused" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment)

              for verb in [ "table"; "report" ] do
                  Expect.equal
                      (run folder.Path [ verb; "small.yaml"; "--out"; "runs"; "--baseline"; "kd"; "--pivot"; "train.batch" ])
                      (2, "--pivot and --baseline cannot be combined: the cells of a pivot table show only errors.\n")
                      verb
          }

          test "An axis can be named as in the tables" {
              use folder = new TemporaryFolder()
              File.WriteAllText(Path.Combine(folder.Path, "small.yaml"), experiment + "grid:\n  product: { train.batch: [32, 64] }\n")
              let code, text = run folder.Path [ "table"; "small.yaml"; "--out"; "runs"; "--pivot"; "batch" ]
              Expect.equal code 0 text
              Expect.stringContains text "| batch 32 | batch 64 |" "columns"
          }

          test "`help` shows the options of a verb, because `dotnet fsi` handles `--help` itself" {
              let code, text = throughScript [ "help"; "data"; "list" ]
              Expect.equal code 0 text
              Expect.stringStarts text "USAGE: dotnet fsi build.fsx data list [--json]\n" "usage"
              Expect.isFalse (text.Contains "--help") text
          }

          test "More than two results are refused" {
              Expect.equal (inNowhere [ "table"; "a"; "b"; "c" ]) (2, "`table` accepts one or two results; got 3.\n") "refused"
          }

          for arguments, expected in
              [ [ "swep" ],
                "Unknown verb `swep`.\nHint: did you mean `sweep`?\nVerbs: sweep, plan, table, report, data, teacher, evaluate, export, schema. `dotnet fsi build.fsx` shows what each does.\n"
                [ "sweep"; "--onyl"; "cd*" ],
                "`sweep` has no option `--onyl`.\nHint: did you mean `--only`?\n`dotnet fsi build.fsx help sweep` lists its options.\n"
                [ "sweep"; "--lanes"; "many" ],
                "Parameter '--lanes' must be followed by <n>, but was 'many'.\n`dotnet fsi build.fsx help sweep` lists its options.\n"
                [ "sweep"; "--lanes"; "0" ], "--lanes must be at least 1; got 0.\n"
                [ "sweep"; "--threads"; "10000" ], "--threads must be at most 1024; got 10000. More threads than cores make training slower.\n"
                [ "sweep"; "--tf32"; "maybe" ], "--tf32 takes on or off; got maybe.\n"
                [ "sweep"; "--device"; "gpu" ], "Unknown device `gpu`. Use --device auto, cpu, cuda, cuda:N or a list such as cuda:0,1.\n"
                for list, problem in
                    [ "cpu,", "the list has an empty entry."
                      "cuda:0,,1", "the list has an empty entry."
                      "cpu,cuda:0", "CPU and GPUs cannot be mixed."
                      "cuda,cuda:1", "`cuda` is not allowed in a list."
                      "auto,auto", "`auto` is not allowed in a list."
                      "cuda:0,gpu", "`gpu` is not a device."
                      "0,1", "`0` is not a device." ] do
                    [ "sweep"; "--device"; list ], $"--device {list}: {problem} List CPU workers as cpu,cpu and GPUs as cuda:0,1.\n"
                [ "evaluate"; "a.safetensors"; "--device"; "cpu,cpu" ],
                "Only `sweep` accepts several devices; got `cpu,cpu`. Use --device auto, cpu, cuda or cuda:N.\n"
                [ "sweep"; "--device"; "cpu,cpu"; "--launcher"; "slurm" ],
                "With --launcher slurm each job trains on one device: use --device cuda, and `gpus: 1` in the section `slurm` of the experiment.\n"
                [ "sweep"; "--cancel"; "--only"; "cd*" ],
                "--cancel cancels all jobs of the experiment and cannot be combined with --only. `scancel NUMBER` cancels a single job.\n"
                [ "sweep"; "--cancel"; "--retry-failed" ],
                "--cancel cannot be combined with --retry-failed: cancel first, then repeat the sweep with --retry-failed.\n"
                [ "sweep"; "--cancel"; "--launcher"; "local" ], "--cancel is for cluster jobs; stop a sweep on this machine with Ctrl+C.\n"
                [ "sweep"; "--cancel"; "--launcher"; "slurm"; "--wait" ], "--cancel cannot be combined with --wait: it leaves no jobs to follow.\n"
                for option in [ [ "--launcher"; "slurm" ]; [ "--launcher"; "local" ]; [ "--cancel" ] ] do
                    [ "sweep"; "--part"; "tables" ] @ option,
                    "--part is for processes that a sweep starts; it cannot be combined with --launcher or --cancel.\n"
                [ "sweep"; "--workers-per-device"; "0" ], "--workers-per-device must be at least 1; got 0.\n"
                [ "sweep"; "--workers-per-device"; "2" ], "--workers-per-device needs an explicit device: --device cpu, cuda or cuda:N.\n"
                [ "sweep"; "--no-worker"; "--workers-per-device"; "2"; "--device"; "cpu" ],
                "--no-worker cannot be combined with --workers-per-device: it trains in this process.\n"
                [ "sweep"; "--no-worker"; "--device"; "cpu,cpu" ], "--no-worker trains in this process on one device, but --device names several.\n"
                [ "plan"; "--retry-failed" ], "`plan` accepts --retry-failed only with --launcher slurm.\n"
                [ "sweep"; "--layout"; "contigous" ],
                "Unknown layout `contigous`. Use --layout auto, channels-last or contiguous.\nHint: did you mean `contiguous`?\n"
                [ "sweep"; "--launcher"; "pbs" ], "Unknown launcher `pbs`. Use --launcher local or slurm.\n"
                [ "plan"; "--set"; "train.epochs" ], "--set needs PATH=VALUE, for example --set train.epochs=2; got `train.epochs`.\n"
                [ "data"; "fetch" ], "Missing argument '<name>'.\n`dotnet fsi build.fsx help data fetch` lists its options.\n"
                [ "data"; "list"; "--jsn" ],
                "`data` has no option `--jsn`.\nHint: did you mean `--json`?\n`dotnet fsi build.fsx help data` lists its options.\n"
                [ "teacher"; "fetch"; "resnet43-imagenet" ],
                "Unknown teacher `resnet43-imagenet`.\nHint: did you mean `resnet34-imagenet`?\n"
                + "Known: resnet34-imagenet, resnet50-imagenet, resnet152-imagenet, resnet152-cifar100, "
                + "crd-wrn40-2, crd-resnet56, crd-resnet110, crd-resnet32x4, crd-vgg13, crd-resnet50.\n"
                [ "data"; "ftch" ],
                "`data` does not accept the argument `ftch`.\nHint: did you mean `fetch`?\n`dotnet fsi build.fsx help data` lists its options.\n" ] do
              test (String.Join(' ', arguments)) { Expect.equal (inNowhere arguments) (2, expected) "exit code and whole text" } ]
