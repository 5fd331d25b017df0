/// The section `slurm` of an experiment, and a site's slurm.yaml.
module ChannelDistillation.Dsl.Codecs.SlurmCodec

open System
open System.Text.RegularExpressions
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

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

/// Text that matches a pattern.
let private written key (pattern: string) (examples: string list) : Codec<string> =
    let form = Regex($@"\A(?:{pattern})\z", RegexOptions.CultureInvariant)

    let read (reader: Reader) path (node: Node) =
        text.Read reader path node
        |> Option.filter (fun value ->
            let isRight = form.IsMatch value

            if not isRight then
                reader.Report(path, node.Place, InvalidFormat(key, value, examples))

            isRight)

    leaf TextShape read Scalar

let private name key example = written key @"[A-Za-z0-9_.,:@%/+=-]+" [ example ]

/// A line of a script.
let private line key example = written key @"[^\x00-\x08\x0A-\x1F\x7F]+" [ example ]

/// Reports lines that bash cannot parse. `written`: a value as the lines of a script.
let private readable key (written: 'value -> string list) (codec: Codec<'value>) : Codec<'value> =
    let read (reader: Reader) path (node: Node) =
        codec.Read reader path node
        |> Option.filter (fun value ->
            match ShellSyntax.check (written value) with
            | None -> true
            | Some complaint ->
                let place =
                    match node.Content with
                    | Sequence items -> List.tryItem complaint.Line items |> Option.defaultValue (List.last items) |> _.Place
                    | _ -> node.Place

                reader.Report(path, place, NotShell(key, complaint.Reason))
                false)

    { codec with Read = read }

/// Options that the launcher sets itself or has a key for, with the reason.
let private taken =
    let ours = "the launcher sets it"

    [ for name in [ "--array"; "--job-name"; "--dependency"; "--nodes"; "--ntasks"; "--output"; "--error"; "--open-mode" ] do
          name, ours
      for name in [ "--signal"; "--requeue"; "--no-requeue" ] do
          name, "the launcher sets it; see `save_seconds` and `requeues`"
      for name in [ "--parsable"; "--wrap"; "--wait"; "--test-only" ] do
          name, "the launcher submits its own scripts"
      for name in [ "--export"; "--export-file" ] do
          name, "it can set variables that load code; write lines such as `export NAME=VALUE` in `setup`"
      "--clusters", "a sweep runs on the cluster that it is submitted from"
      for name, key in
          [ "--partition", "partition"
            "--account", "account"
            "--qos", "qos"
            "--constraint", "constraint"
            "--time", "time"
            "--mem", "memory"
            "--cpus-per-task", "cpus"
            "--gres", "gpus" ] do
          name, $"use the key `{key}`" ]

/// Why an option is not allowed in `slurm.options`. sbatch also accepts unambiguous prefixes of names.
let private whyTaken (word: string) : string option =
    let beginsSo (name: string, _) = name.StartsWith(word, StringComparison.Ordinal)

    match taken |> List.filter beginsSo |> List.sortBy (fun (name, _) -> name.Length) with
    | (name, reason) :: _ when name = word -> Some reason
    | (name, reason) :: _ -> Some $"sbatch reads it as `{name}`; {reason}"
    | [] -> None

/// One option. A value with spaces must be quoted, since otherwise another option could follow it.
let private option: Codec<string> =
    let form =
        written
            "options"
            @"--[a-z][a-z-]*(?:(?:=| (?!-))(?:[^\s""'\x00-\x1F\x7F]|""[^""\x00-\x1F\x7F]*""|'[^'\x00-\x1F\x7F]*')+)?"
            [ "--exclusive"; "--mail-type=FAIL" ]

    let read (reader: Reader) path (node: Node) =
        form.Read reader path node
        |> Option.filter (fun value ->
            let word = Array.head (value.Split([| '='; ' ' |]))

            match whyTaken word with
            | Some reason ->
                reader.Report(path, node.Place, ReservedOption(word, reason))
                false
            | None -> true)

    { form with Read = read }

let private time: Codec<string> =
    let read (reader: Reader) path (node: Node) =
        let refuse mistake =
            reader.Report(path, node.Place, mistake)
            None

        text.Read reader path node
        |> Option.bind (fun value ->
            match SlurmTime.tryParse value with
            | Ok seconds when seconds > 0L -> Some value
            | Ok _ -> refuse (ZeroTimeLimit value)
            | Error(SlurmTime.TwoParts(hours, minutes)) -> refuse (AmbiguousTime(value, hours, minutes))
            | Error SlurmTime.Unreadable -> refuse (InvalidFormat("time", value, [ "90"; "04:00:00"; "2-00:00" ])))

    leaf TextShape read Scalar

/// Splits a text before each `--`; values may contain spaces.
let private optionsIn (text: string) = [ for entry in Regex.Split(text.Trim(), @",?\s+(?=--)") -> entry ]

let private linesIn (text: string) = List.ofArray (text.Split('\n', StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries))

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
              "Time limit of an array element: minutes, `hours:minutes:seconds` or `days-hours:minutes`. An element that needs more is requeued and resumes."
              ""
              [ "time_limit"; "walltime" ]
              _.Time
              (fun value s -> { s with Time = value })
              time
          field
              "memory"
              "Memory of an array element, as `sbatch --mem`."
              ""
              [ "mem"; "ram" ]
              _.Memory
              (fun value s -> { s with Memory = value })
              (written "memory" @"\d{1,12}[KMGT]?" [ "16G"; "8000M" ])
          field
              "cpus"
              "CPU cores of an array element, and its number of threads unless `--threads` is given."
              ""
              [ "cores"; "cpus_per_task" ]
              _.Cpus
              (fun value s -> { s with Cpus = value })
              (int32 1 4096)
          field
              "gpus"
              "GPUs of an array element, optionally with their type (`a100:1`)."
              ""
              [ "gpu"; "gres" ]
              _.Gpus
              (fun value s -> { s with Gpus = value })
              (written "gpus" @"(?:[A-Za-z][A-Za-z0-9_.-]*:)?[0-9]{1,3}" [ "1"; "a100:1" ])
          field
              "throttle"
              "Maximum number of array elements that run at the same time."
              "no limit"
              [ "concurrent"; "parallel" ]
              _.Throttle
              (fun value s -> { s with Throttle = value })
              (int32 1 1_000_000)
          field
              "save_seconds"
              "Seconds before the time limit at which runs save their state."
              (string standardSaveSeconds)
              [ "signal" ]
              _.SaveSeconds
              (fun value s -> { s with SaveSeconds = value })
              (int32 10 65535)
          field
              "requeues"
              "How many times an element that ran out of time is requeued."
              (string standardRequeues)
              [ "requeue"; "max_requeues" ]
              _.Requeues
              (fun value s -> { s with Requeues = value })
              (int32 0 10_000)
          field
              "options"
              "Additional sbatch options, each as `--name=value`."
              ""
              [ "extra"; "sbatch"; "args" ]
              _.Options
              (fun value s -> { s with Options = value })
              (texts true optionsIn option)
          field
              "setup"
              "Shell lines that run on the node before the program, such as `module load`."
              ""
              [ "modules"; "prologue"; "before" ]
              _.Setup
              (fun value s -> { s with Setup = value })
              (texts false linesIn (line "setup" "module load dotnet") |> readable "setup" id)
          field
              "wrapper"
              "Command prefix of the program on the node, such as a container's `apptainer exec FILE`."
              ""
              [ "container"; "prefix" ]
              _.Wrapper
              (fun value s -> { s with Wrapper = value })
              (line "wrapper" "apptainer exec --nv image.sif" |> readable "wrapper" (fun words -> [ words + " program &" ])) ]

/// The site's settings, overridden by those of the experiment.
let merged (site: SlurmSettings) (experiment: SlurmSettings) : SlurmSettings =
    { Partition = Option.orElse site.Partition experiment.Partition
      Account = Option.orElse site.Account experiment.Account
      Qos = Option.orElse site.Qos experiment.Qos
      Constraint = Option.orElse site.Constraint experiment.Constraint
      Time = Option.orElse site.Time experiment.Time
      Memory = Option.orElse site.Memory experiment.Memory
      Cpus = Option.orElse site.Cpus experiment.Cpus
      Gpus = Option.orElse site.Gpus experiment.Gpus
      Throttle = Option.orElse site.Throttle experiment.Throttle
      SaveSeconds = Option.orElse site.SaveSeconds experiment.SaveSeconds
      Requeues = Option.orElse site.Requeues experiment.Requeues
      Options = Option.orElse site.Options experiment.Options
      Setup = Option.orElse site.Setup experiment.Setup
      Wrapper = Option.orElse site.Wrapper experiment.Wrapper }
