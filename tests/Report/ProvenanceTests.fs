module ChannelDistillation.Tests.Report.ProvenanceTests

open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Dsl.Report

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
        "where results come from"
        [ test "a processor is named with its threads, a GPU with how it was told to compute" {
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
          } ]
