module ChannelDistillation.Tests.Lab.Tables.ProvenanceTests

open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Lab.Tables

/// The run.json of a run with one session.
let private run (hardware: string) : JsonObject =
    let text =
        $"""{{"sessions": [{{"epoch": 1, "step": 0, "software": {{"torchsharp": "0.107.0"}}, "hardware": {hardware}}}]}}"""

    (JsonNode.Parse text :?> JsonObject)

let private machineOf hardware =
    (Provenance.ofRuns [ Provenance.ofRun (run hardware) ]).Trained |> List.map (fun (trained, _) -> trained.Machine)

[<Tests>]
let tests =
    testList
        "provenance of results"
        [ test "Provenance shows the threads of a CPU and the settings of a GPU" {
              let onGpu settings =
                  machineOf
                      $"""{{"device": "cuda:0", "processor": "Xeon", "cores": 16, "threads": 16, "gpu": "NVIDIA H100", "gpu_settings": {settings}}}"""

              Expect.equal
                  (machineOf """{"device": "cpu", "processor": "Xeon", "cores": 2, "threads": 1}""")
                  [ "cpu (Xeon, cores: 2, threads: 1)" ]
                  "processor"

              Expect.equal (onGpu """{"deterministic": false, "tf32": true}""") [ "NVIDIA H100 (Xeon, cores: 16)" ] "as usual"

              Expect.equal
                  (onGpu """{"deterministic": true, "tf32": false}""")
                  [ "NVIDIA H100, deterministic, without TF32 (Xeon, cores: 16)" ]
                  "told otherwise"
          }

          test "Provenance shows memory layouts if a network was computed in both" {
              let run student (layout: string) : JsonObject =
                  let hardware = $"""{{"device": "cpu", "processor": "Xeon", "cores": 2, "threads": 1{layout}}}"""

                  (JsonNode.Parse $"""{{"spec": {{"student": "{student}"}}, "software": {{}}, "hardware": {hardware}}}""" :?> JsonObject)

              let contiguous = """, "layout": {"student": "contiguous", "teacher": null}"""
              let layouts runs = (Provenance.ofRuns (List.map Provenance.ofRun runs)).Trained |> List.map (fun (trained, _) -> trained.Layout)
              Expect.equal (layouts [ run "resnet8" ""; run "resnet18" contiguous ]) [ "" ] "each network in one"

              let both = Provenance.ofRuns [ Provenance.ofRun (run "resnet8" ""); Provenance.ofRun (run "resnet8" contiguous) ]

              Expect.equal
                  (Provenance.lines both)
                  [ "Trained with channel-distillation ?, TorchSharp ?, .NET ? on cpu (Xeon, cores: 2, threads: 1), student channels-last: 1 run."
                    "Trained with channel-distillation ?, TorchSharp ?, .NET ? on cpu (Xeon, cores: 2, threads: 1), student contiguous: 1 run."
                    "The runs differ in software or hardware (2 memory layouts); compare them with care." ]
                  "one network in both"
          } ]
