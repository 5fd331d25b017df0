namespace ChannelDistillation.Lab.Runs

open ChannelDistillation.Runs

/// What a sweep does with a run, by what lies in its folder.
type RunState =
    | New
    /// It was interrupted, or its process ended without a word: it goes on from its last checkpoint.
    | Resumes
    | Done
    /// It diverged or failed, and is tried again only on request.
    | GaveUp of RunStatus

    override this.ToString() =
        match this with
        | New -> "new"
        | Resumes -> "resumes"
        | Done -> "done"
        | GaveUp status -> (string status).ToLowerInvariant()

module RunState =
    /// By the folder: whether it is there, and the result in it.
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
