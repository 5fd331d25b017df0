namespace ChannelDistillation.Lab.Progress

open ChannelDistillation.Dsl.Builders

/// Shows a sweep that several workers train. May be told by several threads.
type IPoolProgress =
    /// Told what a worker does; by its place in the list, from 0.
    abstract Worker: int -> IProgress

    /// A worker has nothing to do any more, or not yet.
    abstract Rests: int -> unit

    /// Runs, by their names, that another sweep trains: nobody here has to, as far as is known.
    abstract Elsewhere: string list -> unit

    /// Something worth a line that concerns the sweep.
    abstract Say: string -> unit

/// Lets several threads tell an observer, one at a time.
[<Sealed>]
type internal OneAtATime(gate: obj, inner: IProgress) =
    interface IProgress with
        member _.Teacher
            with set value = lock gate (fun () -> inner.Teacher <- value)

    interface ChannelDistillation.Training.ITrainingObserver with
        member _.CohortStarted(lanes, startEpoch, startStep, epochs, stepsPerEpoch) =
            lock gate (fun () -> inner.CohortStarted(lanes, startEpoch, startStep, epochs, stepsPerEpoch))

        member _.StepEnded(epoch, step, images, elapsed) = lock gate (fun () -> inner.StepEnded(epoch, step, images, elapsed))
        member _.ValidationStarted epoch = lock gate (fun () -> inner.ValidationStarted epoch)
        member _.EpochEnded(lane, record) = lock gate (fun () -> inner.EpochEnded(lane, record))
        member _.LaneEnded(lane, result) = lock gate (fun () -> inner.LaneEnded(lane, result))
        member _.Say message = lock gate (fun () -> inner.Say message)

/// Of a single worker.
[<Sealed>]
type SoleProgress(gate: obj, progress: IProgress) =
    let one = OneAtATime(gate, progress) :> IProgress

    interface IPoolProgress with
        member _.Worker _ = one
        member _.Rests _ = ()
        member _.Elsewhere _ = ()
        member _.Say message = one.Say message
