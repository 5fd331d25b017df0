/// The verbs of the compiled program, one line each. Also read by build.fsx, so it depends on nothing.
module ChannelDistillation.Cli.Verbs

let all =
    [ "sweep", "[FILE]", "train what an experiment declares and write its table (default: experiments/quickstart.yaml)"
      "plan", "[FILE]", "check an experiment and show its runs; trains nothing"
      "table", "[FILE or RUNS-FOLDER]", "the results so far, as md, csv, json or latex; two folders are compared"
      "report", "[FILE or RUNS-FOLDER]", "the results so far with charts, as one page: report.html"
      "data", "list | fetch NAME | pack NAME", "the known datasets; download one; make a packed copy of photographs"
      "teacher", "list | fetch | train | inspect", "known teachers; download one; train those of an experiment; show what a checkpoint holds"
      "evaluate", "CHECKPOINT", "the top-1 and top-5 error of a checkpoint, ours or PyTorch's"
      "schema", "", "the JSON Schema of experiment files, for editors" ]
