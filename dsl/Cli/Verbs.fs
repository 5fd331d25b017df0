/// The verbs of the compiled program, one line each. build.fsx loads this file too, so it has no dependencies.
module ChannelDistillation.Cli.Verbs

let all =
    [ "sweep", "[FILE]", "train the runs of an experiment and write its tables (default: experiments/quickstart.yaml)"
      "plan", "[FILE]", "check an experiment and show its runs, without training"
      "table", "[FILE or RUNS-FOLDER]", "print the results so far as md, csv, json or latex, or compare two experiments"
      "report", "[FILE or RUNS-FOLDER]", "write the results so far, with charts, to report.html"
      "data", "list | fetch NAME | pack NAME", "list the known datasets, download one, or pack an image folder"
      "teacher", "list | fetch | train | inspect", "list the known teachers, download one, train those of an experiment, or inspect a checkpoint"
      "evaluate", "CHECKPOINT", "measure the top-1 and top-5 error of a checkpoint, also of PyTorch's"
      "export", "RUN or CHECKPOINT", "write a trained network as ONNX, safetensors or .pth, and check the file"
      "schema", "", "print the JSON Schema of experiment files, for editors" ]
