/// What is said of a process that ended while it had an assignment.
module ChannelDistillation.Lab.Workers.CrashText

open ChannelDistillation.Lab.Runs

let what (assignment: Assignment) =
    match assignment with
    | PrepareTeacher(teacher, _) -> $"the teacher {teacher.Spec.Model.Name}"
    | TrainRuns(group, _) -> Job.names group.Runs
    | CountCosts -> "what the networks cost"

let private doing (assignment: Assignment) =
    match assignment with
    | CountCosts -> "counted " + what assignment
    | _ -> "trained " + what assignment

let private inMode (mode: ComputeMode) =
    match mode with
    | Standard -> ""
    | Conservative -> ", without oneDNN and in the contiguous layout"

let private afterwards (sequel: Sequel) =
    match sequel with
    | NothingLeft -> "It had been finished."
    | RunsRetried [ { Runs = [ _ ]; Attempt = attempt } ] -> $"The run resumes from its last checkpoint{inMode attempt.Mode}."
    | RunsRetried groups ->
        match groups |> List.map _.Runs.Length |> List.max with
        | 1 -> "Each run resumes from its last checkpoint, alone."
        | most -> $"The runs resume from their last checkpoints, at most {most} together."
    | RunGivenUp _ -> "The run is recorded as failed; --retry-failed tries it again."
    | TeacherRetried attempt -> $"The teacher is tried again{inMode attempt.Mode}."
    | TeacherGivenUp [] -> "The teacher is not tried again."
    | CostsGivenUp -> "The tables do not show it."
    | TeacherGivenUp learning -> $"The teacher is given up, and so are the runs that learn from it: {Job.names learning}."

/// The whole incident.
/// <param name="device">What the process trained on.</param>
/// <param name="id">Number of the process.</param>
let incident (device: string) (id: int) (how: ProcessEnd) (assignment: Assignment) (sequel: Sequel) =
    $"The training process on {device} (process {id}) {how} while it {doing assignment}. {afterwards sequel}"

/// Why a run or a teacher has failed that was given up.
let reason (how: ProcessEnd) (what: string) = $"The training process {how} again while it trained this {what} alone."

/// Of a process that ended before it was given anything.
let noBeginning (how: ProcessEnd) (words: string) =
    let output = if words = "" then "" else $" Its output:\n{words}"
    $"The training process {how} before it could begin.{output}"
