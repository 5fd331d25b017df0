namespace ChannelDistillation.Dsl.Progress

open ChannelDistillation.Training

/// For `--quiet`.
[<Sealed>]
type Silent() =
    interface IProgress with
        member _.Teacher
            with set _ = ()

    interface ITrainingObserver with
        member _.CohortStarted(_, _, _, _, _) = ()
        member _.StepEnded(_, _, _, _) = ()
        member _.ValidationStarted _ = ()
        member _.EpochEnded(_, _) = ()
        member _.LaneEnded(_, _) = ()
        // Not progress but news: a checkpoint that was damaged, a teacher that is waited for.
        member _.Say message = eprintfn "%s" message
