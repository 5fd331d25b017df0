namespace ChannelDistillation.Lab.Progress

open ChannelDistillation.Training

/// What a sweep reports while it runs. Views are functions of it and are called by one thread at a time.
type SweepEvent =
    /// From the training of a worker, by its place in the list of workers, from 0.
    | FromWorker of worker: int * TrainingEvent
    /// The worker has nothing to do at present.
    | Idle of worker: int
    /// Names of runs that another sweep trains.
    | TrainedElsewhere of runs: string list
    /// Information about the whole sweep.
    | Message of text: string
