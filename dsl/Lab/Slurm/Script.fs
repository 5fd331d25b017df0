/// The scripts that sbatch takes: readable, and good to be submitted again by hand.
module ChannelDistillation.Lab.Slurm.Script

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Lab.Runs

/// How the program is started on a node.
type Program =
    {
        /// The command that runs .NET programs.
        Dotnet: string
        /// The compiled program.
        File: string
        /// The project's folder.
        Root: string
        /// Where experiments put their folders.
        Out: string
        /// Options of `sweep` that its parts share.
        Options: string list
        /// The command that submitted it, for people.
        Command: string
    }

/// `%` stands for numbers of jobs in a log's name.
let private logFile (submission: Submission) (kind: JobKind) =
    let name = if kind = Train then "train-%a.log" else $"{kind}.log"
    Submission.logs(submission).Replace("%", "%%") + "/" + name

let private directives (settings: SlurmSettings) (submission: Submission) (kind: JobKind) (elements: int) =
    let throttle = settings.Throttle |> Option.map (fun most -> $"%%{most}") |> Option.defaultValue ""
    let asked name value = value |> Option.map (fun value -> $"--{name}={Shell.quoted value}") |> Option.toList

    [ $"--job-name={Shell.quoted (Submission.jobName submission kind)}"
      if kind = Train then
          $"--array=1-{elements}{throttle}"
      $"--output={Shell.quoted (logFile submission kind)}"
      "--open-mode=append"
      "--nodes=1"
      "--ntasks=1"
      "--requeue"
      $"--signal=B:USR1@{defaultArg settings.SaveSeconds SlurmCodec.standardSaveSeconds}"
      yield! asked "partition" settings.Partition
      yield! asked "account" settings.Account
      yield! asked "qos" settings.Qos
      yield! asked "constraint" settings.Constraint
      yield! asked "time" settings.Time
      yield! asked "mem" settings.Memory
      yield! asked "cpus-per-task" (Option.map string settings.Cpus)
      yield! asked "gres" (settings.Gpus |> Option.map (fun gpus -> "gpu:" + gpus))
      yield! defaultArg settings.Options [] ]

let private purpose (kind: JobKind) =
    match kind with
    | Teachers -> "Trains and evaluates the teachers that the runs learn from."
    | Train -> "Trains one cohort in each element of the array: the runs of that line of cohorts.txt."
    | Tables -> "Writes the tables when all elements have ended."

let private part (kind: JobKind) = if kind = Train then "\"$SLURM_ARRAY_TASK_ID\"" else string kind

/// The name by which Slurm queues the job again. The last element of an array has the number of the whole array for its own job.
let private self (kind: JobKind) =
    if kind = Train then
        "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    else
        "$SLURM_JOB_ID"

/// Slurm reads its options line by line: no quotation mark keeps a line break inside one.
let private directive (option: string) =
    if Seq.exists System.Char.IsControl option then
        raise (
            UsageError
                $"This option of sbatch would have a line break or another control character in it: {option}\nChoose a folder with another name with --out."
        )

    "#SBATCH " + option

/// A whole script; `elements` is how many the array has.
/// <exception cref="UsageError">A folder has a name that no option of sbatch can hold.</exception>
let render (program: Program) (settings: SlurmSettings) (submission: Submission) (kind: JobKind) (elements: int) : string =
    let words = List.map Shell.quoted >> String.concat " "
    let wrapper = settings.Wrapper |> Option.map (fun words -> words + " ") |> Option.defaultValue ""
    let options = words program.Options

    let lines =
        [ "#!/usr/bin/env bash"
          $"# {purpose kind} Made by"
          yield! Comment.lines "#   " program.Command
          yield! Comment.lines "# " $"To submit it again by hand: sbatch {Shell.quoted (Submission.scriptFile submission kind)}"
          if kind = Train then
              "# Some of its cohorts: sbatch --array=2,5 ... What is trained already is not trained again."
          yield! directives settings submission kind elements |> List.map directive
          ""
          "# Slurm sends USR1 before the time is over and TERM where it ends the job itself; either saves the state of every run."
          "signal= program="
          "save() { signal=$1; [ -z \"$program\" ] || kill -s \"$1\" \"$program\" 2>/dev/null; }"
          "trap 'save USR1' USR1"
          "trap 'save TERM' TERM"
          ""
          $"export CHANNEL_DISTILLATION_ROOT={Shell.quoted program.Root}"
          $"cd {Shell.quoted program.Root} || exit 3"
          "# Set here: a DOTNET of the shell that submitted this does not count. A line of `setup` may name another."
          $"DOTNET={Shell.quoted program.Dotnet}"
          yield! defaultArg settings.Setup []
          $"{wrapper}\"$DOTNET\" {words [ program.File ]} \\"
          $"    sweep {words [ Submission.experimentFile submission ]} --out {words [ program.Out ]} --part {part kind} {options} &"
          "program=$!"
          "[ -z \"$signal\" ] || save \"$signal\" # that came in the meantime"
          "# A signal ends the waiting, not the program."
          "while wait \"$program\"; code=$?; kill -0 \"$program\" 2>/dev/null; do :; done"
          ""
          "# Out of time and not through (its own ends are 0 to 3): the same job once more, which goes on where this one was."
          "if [ \"$signal\" = USR1 ] && [ \"$code\" -gt 3 ]; then"
          "    # Slurm's own count of restarts is not asked: it is also of failed nodes and of jobs that were preempted."
          $"    turns={Shell.quoted (Submission.logs submission)}/\"turns-{self kind}\""
          $"    if [ \"$(cat \"$turns\" 2>/dev/null | wc -l)\" -lt {defaultArg settings.Requeues SlurmCodec.standardRequeues} ] && date >>\"$turns\" \\"
          $"        && scontrol requeue \"{self kind}\"; then"
          "        # Slurm ends this script now; one that ended by itself would count as through."
          "        sleep 60"
          "        exit \"$code\""
          "    fi"
          "    echo \"Out of time, and not queued again. What is saved goes on when the sweep is submitted again.\""
          "fi"
          "exit \"$code\"" ]

    String.concat "\n" lines + "\n"
