module ChannelDistillation.Tests.BuilderTests

open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Dsl.Builders

let private read (described: Described) = (Base.plan (yaml described) []).Experiment

let private example (rows: Line) =
    experiment "example" {
        dataset "fashion-mnist-mini"
        teacher (checkpoint "resnet20" "pretrain/teacher.pth")
        student "resnet8"
        train [ epochs 30; batch 64; sgd 0.1 [] ]
        losses [ ce; kd; cd ]
        rows
    }

[<Tests>]
let tests =
    testList
        "F# twin"
        [ test "Loops, conditions and functions produce lines" {
              let curriculum loss last = loss |> start_after (last / 3) |> warmup (last / 10)

              let written =
                  experiment "example" {
                      dataset "fashion-mnist-mini"
                      teacher (checkpoint "resnet20" "pretrain/teacher.pth")
                      student "resnet8"
                      train [ epochs 30; batch 64; sgd 0.1 [] ]
                      losses [ ce; kd; cd ]

                      for t in [ 1.0; 4.0 ] do
                          for w in [ 0.5; 2.0 ] do
                              if t * w <> 0.5 then
                                  let name = "kd-" + Numbers.show t + "-" + Numbers.show w
                                  variant name [ ce; kd |> temperature t |> weight w ]

                      if 1 + 1 = 2 then
                          variant "cd" [ ce; curriculum cd 30 ]
                      else
                          variant "none" [ ce ]

                      seeds [ 0L ]
                  }

              let experiment = read written

              Expect.equal (experiment.Variants |> List.map _.Name) [ "kd-1-2"; "kd-4-0.5"; "kd-4-2"; "cd" ] "rows"
              let settings = experiment.Variants |> List.last |> _.Losses |> List.last |> snd
              Expect.equal (settings.StartAfter, settings.Warmup) (Some 10, Some 3) "computed"
          }

          test "Slurm settings survive the round trip through YAML and are not part of a run" {
              let rows = variant "cd" [ ce; cd ]

              let asked (settings: SlurmSettings) =
                  { settings with
                      Partition = Some "gpu"
                      Time = Some "04:00:00"
                      Gpus = Some "a100:1"
                      Cpus = Some 8
                      Options = Some [ "--exclusive"; "--comment='a: b # c'" ]
                      Setup = Some [ "export A='b c'" ] }

              let plain = Base.plan (yaml (example rows)) []

              let onCluster =
                  Base.plan
                      (experiment "example" {
                          dataset "fashion-mnist-mini"
                          teacher (checkpoint "resnet20" "pretrain/teacher.pth")
                          student "resnet8"
                          train [ epochs 30; batch 64; sgd 0.1 [] ]
                          losses [ ce; kd; cd ]
                          rows
                          slurm asked
                       }
                       |> yaml)
                      []

              Expect.equal onCluster.Experiment.Slurm (Some(asked SlurmCodec.empty)) "settings"
              let identities plan = [ for run in plan.Runs -> run.Name, SpecJson.Hash run.Spec ]
              Expect.equal (identities onCluster) (identities plain) "runs"
          }

          test "A line that sets a key again is rejected" {
              Expect.throwsC (fun () -> example (student "resnet14") |> ignore) (fun error ->
                  Expect.equal error.Message "`student` is set twice in this experiment. Remove one of them." "message")
          } ]
