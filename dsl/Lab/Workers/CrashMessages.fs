/// Messages about a process that ended during an assignment.
module ChannelDistillation.Lab.Workers.CrashMessages

open ChannelDistillation.Lab.Runs

let what (assignment: Assignment) =
    match assignment with
    | PrepareTeacher(teacher, _) -> $"the teacher {teacher.Spec.Model.Name}"
    | TrainRuns(group, _) -> Job.names group.Runs
    | CountCosts -> "the costs of the networks"

let private doing (assignment: Assignment) =
    match assignment with
    | CountCosts -> "counted " + what assignment
    | _ -> "trained " + what assignment

let private inMode (mode: ComputeMode) =
    match mode with
    | Standard -> ""
    | Conservative -> ", without oneDNN and in the contiguous layout"

let private afterwards (sequel: CrashOutcome) =
    match sequel with
    | NothingLeft -> "The work was already complete."
    | RunsRetried [ { Runs = [ _ ]; Attempt = attempt } ] -> $"The run resumes from its last checkpoint{inMode attempt.Mode}."
    | RunsRetried groups ->
        match groups |> List.map _.Runs.Length |> List.max with
        | 1 -> "Each run resumes from its last checkpoint, alone."
        | most -> $"The runs resume from their last checkpoints, at most {most} together."
    | RunGivenUp _ -> "The run is recorded as failed; --retry-failed retries it."
    | TeacherRetried attempt -> $"The teacher is retried{inMode attempt.Mode}."
    | TeacherGivenUp [] -> "The teacher is not retried."
    | CostsGivenUp -> "The tables omit them."
    | TeacherGivenUp learning -> $"The teacher is not retried, and the runs that need it are skipped: {Job.names learning}."

/// The message about a crash.
/// <param name="device">The device of the process.</param>
/// <param name="id">The process ID.</param>
let incident (device: string) (id: int) (how: ProcessExit) (assignment: Assignment) (sequel: CrashOutcome) =
    $"The training process on {device} (process {id}) {how} while it {doing assignment}. {afterwards sequel}"

/// The reason recorded for a run or teacher that is not retried.
let reason (how: ProcessExit) (what: string) = $"The training process {how} again while it trained this {what} alone."

/// The message about a process that ended before it was ready.
let startFailure (how: ProcessExit) (lastOutput: string) =
    let output = if lastOutput = "" then "" else $" Its output:\n{lastOutput}"
    $"The training process {how} before it was ready.{output}"
