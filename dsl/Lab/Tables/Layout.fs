namespace ChannelDistillation.Lab.Tables

open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Dsl

/// What a network costs: trained numbers, and multiply-accumulates of one image's forward pass.
type Cost =
    {
        Parameters: int64
        /// Of one image; None: not known, of a network from Python.
        MultiplyAdds: int64 option
    }

/// The teacher's row: no run of the experiment, but evaluated once on the same validation set.
type TeacherRow =
    {
        Model: string
        /// The axes that choose between teachers, where there is more than one.
        Axes: (string * string) list
        /// Tells teachers apart: of the run that trains it, or of its checkpoint and dataset.
        Key: string
        /// None: not known (written by an earlier version).
        Cost: Cost option
        /// None: not evaluated yet.
        Errors: EpochErrors option
        Published: PublishedRow option
    }

type LayoutRow =
    {
        Variant: string
        Axes: (string * string) list
        /// Names of the run folders inside the experiment's folder, one for each seed; none for a row of the literature alone.
        Folders: string list
        /// The seed of each folder; none where an earlier version has not written them.
        Seeds: int64 list
        /// Of the student.
        Cost: Cost option
        Published: PublishedRow option
        /// Whether its network is two: the student with an assistant (residual knowledge distillation).
        Assisted: bool
    }

/// What a table shows and where its numbers lie. Kept in plan.json, so that a table can be made without the experiment's file.
type Layout =
    {
        Experiment: string
        Description: string
        Dataset: string
        Student: string
        Epochs: int list
        Seeds: int64 list
        /// Shares of the training set that are held out for validation; None: the official validation set does it all.
        HeldOut: float option list
        /// Whether what the teacher says was kept (`teacher.cache`), over the runs that have a teacher.
        Caches: TeacherCache option list
        /// What the students compute in.
        Precisions: Precision list
        /// The sweep that trained last, as one would type it.
        Command: string option
        Teachers: TeacherRow list
        /// The whole hash of the run that each folder is for.
        Hashes: Map<string, string>
        Rows: LayoutRow list
    }

module Layout =
    /// The paths of all axes, in the order in which rows use them.
    let axes (layout: Layout) =
        Seq.append (layout.Teachers |> Seq.collect _.Axes) (layout.Rows |> Seq.collect _.Axes)
        |> Seq.map fst
        |> Seq.distinct
        |> Seq.toList

    /// Whether no axis has one value here and another there.
    let agree (axes: (string * string) list) (others: (string * string) list) =
        axes |> List.forall (fun (path, value) -> others |> List.forall (fun (other, its) -> other <> path || its = value))

    /// `losses.cd.weight` is clear enough as `cd.weight`.
    let shortAxis (path: string) =
        [ "losses."; "train." ]
        |> List.tryFind path.StartsWith
        |> Option.map (fun prefix -> path.Substring prefix.Length)
        |> Option.defaultValue path
