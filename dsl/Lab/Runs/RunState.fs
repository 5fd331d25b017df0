namespace ChannelDistillation.Lab.Runs

open ChannelDistillation.Runs

/// The state of a run according to its folder.
type RunState =
    | New
    /// Interrupted, or cut off when its process ended; it resumes from its last checkpoint.
    | Resumes
    | Done
    /// Diverged or failed; retried only with `--retry-failed`.
    | GaveUp of RunStatus

    override this.ToString() =
        match this with
        | New -> "new"
        | Resumes -> "resumes"
        | Done -> "done"
        | GaveUp status -> (string status).ToLowerInvariant()

module RunState =
    /// The state of a run. `started`: whether its folder exists. `result`: the result in it.
    let decide (started: bool) (result: RunResult option) =
        match result with
        | None -> if started then Resumes else New
        | Some result ->
            match result.Status with
            | RunStatus.Completed -> Done
            | RunStatus.Interrupted -> Resumes
            | status -> GaveUp status

    let needsTraining retryFailed state =
        match state with
        | New
        | Resumes -> true
        | Done -> false
        | GaveUp _ -> retryFailed
