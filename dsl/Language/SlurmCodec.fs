/// The section `slurm`, of an experiment and of a site's slurm.yaml.
module ChannelDistillation.Dsl.SlurmCodec

open System
open System.Text.RegularExpressions
open ChannelDistillation.Dsl.Codec

let empty =
    { Partition = None
      Account = None
      Qos = None
      Constraint = None
      Time = None
      Memory = None
      Cpus = None
      Gpus = None
      Throttle = None
      SaveSeconds = None
      Requeues = None
      Options = None
      Setup = None
      Wrapper = None }

let standardSaveSeconds = 120
let standardRequeues = 20

/// Text of a certain form.
let private written key (pattern: string) (examples: string list) : Codec<string> =
    let form = Regex($@"\A(?:{pattern})\z", RegexOptions.CultureInvariant)

    let read (reader: Reader) path (node: Node) =
        text.Read reader path node
        |> Option.filter (fun value ->
            let isRight = form.IsMatch value

            if not isRight then
                reader.Report(path, node.Place, NotWrittenLike(key, value, examples))

            isRight)

    leaf TextShape read Scalar

let private name key example = written key @"[A-Za-z0-9_.,:@%/+=-]+" [ example ]

/// A line of a script as it is.
let private line key example = written key @"[^\x00-\x08\x0A-\x1F\x7F]+" [ example ]

/// What the launcher writes itself, or has a key for.
let private taken =
    let ours = "the launcher sets it, to find its jobs again"

    [ for name in [ "--array"; "--job-name"; "--dependency"; "--nodes"; "--ntasks"; "--output"; "--error"; "--open-mode" ] do
          name, ours
      for name in [ "--signal"; "--requeue"; "--no-requeue" ] do
          name, "the launcher sets it, so that runs are saved and go on; `save_seconds` and `requeues` say when and how often"
      for name in [ "--parsable"; "--wrap"; "--wait"; "--test-only" ] do
          name, "the launcher submits scripts of its own"
      for name, key in
          [ "--partition", "partition"
            "--account", "account"
            "--qos", "qos"
            "--constraint", "constraint"
            "--time", "time"
            "--mem", "memory"
            "--cpus-per-task", "cpus"
            "--gres", "gpus" ] do
          name, $"the key `{key}` is for it" ]

let private option: Codec<string> =
    let form = written "options" @"--[a-z][a-z-]*(?:[= ][^\x00-\x1F\x7F]+)?" [ "--exclusive"; "--mail-type=FAIL" ]

    let read (reader: Reader) path (node: Node) =
        form.Read reader path node
        |> Option.filter (fun value ->
            let word = Array.head (value.Split([| '='; ' ' |]))

            match taken |> List.tryFind (fun (name, _) -> name = word) with
            | Some(_, reason) ->
                reader.Report(path, node.Place, OptionTaken(word, reason))
                false
            | None -> true)

    { form with Read = read }

let private time =
    written "time" @"[1-9]\d{0,7}|\d{1,5}:[0-5]\d(?::[0-5]\d)?|\d{1,4}-\d{1,2}(?::[0-5]\d){0,2}" [ "90"; "04:00:00"; "2-00:00" ]

let private field key doc shown also get set codec : Field<SlurmSettings> = Field.optional key doc shown also get set codec

let codec: Codec<SlurmSettings> =
    Record.codec
        empty
        false
        [ field
              "partition"
              "As `sbatch --partition`."
              ""
              [ "queue" ]
              _.Partition
              (fun value s -> { s with Partition = value })
              (name "partition" "gpu")
          field "account" "As `sbatch --account`." "" [ "project" ] _.Account (fun value s -> { s with Account = value }) (name "account" "vision")
          field "qos" "As `sbatch --qos`." "" [] _.Qos (fun value s -> { s with Qos = value }) (name "qos" "long")
          field
              "constraint"
              "As `sbatch --constraint`: features that a node must have."
              ""
              [ "feature" ]
              _.Constraint
              (fun value s -> { s with Constraint = value })
              (written "constraint" @"[A-Za-z0-9_.,:@%/+=&|*()\[\]-]+" [ "a100"; "a100|h100" ])
          field
              "time"
              "Time limit of an element: minutes, `hours:minutes:seconds` or `days-hours:minutes`. An element that needs more is queued again, and goes on."
              ""
              [ "time_limit"; "walltime" ]
              _.Time
              (fun value s -> { s with Time = value })
              time
          field
              "memory"
              "Memory of an element, as `sbatch --mem`."
              ""
              [ "mem"; "ram" ]
              _.Memory
              (fun value s -> { s with Memory = value })
              (written "memory" @"\d{1,12}[KMGT]?" [ "16G"; "8000M" ])
          field
              "cpus"
              "Processor cores of an element; it computes with as many threads, unless `--threads` says otherwise."
              ""
              [ "cores"; "cpus_per_task" ]
              _.Cpus
              (fun value s -> { s with Cpus = value })
              (int32 1 4096)
          field
              "gpus"
              "GPUs of an element, also of a type."
              ""
              [ "gpu"; "gres" ]
              _.Gpus
              (fun value s -> { s with Gpus = value })
              (written "gpus" @"(?:[A-Za-z][A-Za-z0-9_.-]*:)?[0-9]{1,3}" [ "1"; "a100:1" ])
          field
              "throttle"
              "Most elements that run at the same time."
              "as many as the cluster lets"
              [ "concurrent"; "parallel" ]
              _.Throttle
              (fun value s -> { s with Throttle = value })
              (int32 1 1_000_000)
          field
              "save_seconds"
              "So many seconds before the time limit the runs of an element save their state."
              (string standardSaveSeconds)
              [ "signal" ]
              _.SaveSeconds
              (fun value s -> { s with SaveSeconds = value })
              (int32 10 65535)
          field
              "requeues"
              "How often an element that ran out of time is queued again."
              (string standardRequeues)
              [ "requeue"; "max_requeues" ]
              _.Requeues
              (fun value s -> { s with Requeues = value })
              (int32 0 10_000)
          field
              "options"
              "Further options of sbatch, each as `--name=value`."
              ""
              [ "extra"; "sbatch"; "args" ]
              _.Options
              (fun value s -> { s with Options = value })
              (list true option)
          field
              "setup"
              "Lines of shell that run on the node before the program, such as `module load`."
              ""
              [ "modules"; "prologue"; "before" ]
              _.Setup
              (fun value s -> { s with Setup = value })
              (list false (line "setup" "module load dotnet"))
          field
              "wrapper"
              "Words before the program on the node, such as a container's `apptainer exec FILE`."
              ""
              [ "container"; "prefix" ]
              _.Wrapper
              (fun value s -> { s with Wrapper = value })
              (line "wrapper" "apptainer exec --nv image.sif") ]

/// What one says over what another says.
let over (below: SlurmSettings) (above: SlurmSettings) : SlurmSettings =
    { Partition = Option.orElse below.Partition above.Partition
      Account = Option.orElse below.Account above.Account
      Qos = Option.orElse below.Qos above.Qos
      Constraint = Option.orElse below.Constraint above.Constraint
      Time = Option.orElse below.Time above.Time
      Memory = Option.orElse below.Memory above.Memory
      Cpus = Option.orElse below.Cpus above.Cpus
      Gpus = Option.orElse below.Gpus above.Gpus
      Throttle = Option.orElse below.Throttle above.Throttle
      SaveSeconds = Option.orElse below.SaveSeconds above.SaveSeconds
      Requeues = Option.orElse below.Requeues above.Requeues
      Options = Option.orElse below.Options above.Options
      Setup = Option.orElse below.Setup above.Setup
      Wrapper = Option.orElse below.Wrapper above.Wrapper }
