namespace ChannelDistillation.Lab.Progress

open ChannelDistillation.Training
open ChannelDistillation.Dsl

/// Shows a sweep while it trains.
type IProgress =
    inherit ITrainingObserver

    /// The next CohortStarted is the teacher's, or no longer.
    abstract Teacher: bool with set
