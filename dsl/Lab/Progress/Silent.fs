namespace ChannelDistillation.Lab.Progress

open ChannelDistillation.Training

/// For `--quiet`.
/// <param name="say">What is no progress but news: a checkpoint that was damaged, a teacher that is waited for.</param>
[<Sealed>]
type Silent(say: string -> unit) =
    new() = Silent(eprintfn "%s")

    interface IProgress with
        member _.Teacher
            with set _ = ()

    interface ITrainingObserver with
        member _.CohortStarted(_, _, _, _, _) = ()
        member _.StepEnded(_, _, _, _) = ()
        member _.ValidationStarted _ = ()
        member _.EpochEnded(_, _) = ()
        member _.LaneEnded(_, _) = ()
        member _.Say message = say message
