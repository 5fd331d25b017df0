namespace ChannelDistillation.Dsl.Report

open ChannelDistillation.Dsl
open ChannelDistillation.Records

/// The teacher's row: no run of the experiment, but evaluated once on the same validation set.
type TeacherRow =
    {
        Model: string
        /// The axes that choose between teachers, where there is more than one.
        Axes: (string * string) list
        /// Tells teachers apart: of the run that trains it, or of its checkpoint and dataset.
        Key: string
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
        PublishedSource: string option
        Teachers: TeacherRow list
        /// The whole hash of the run that each folder is for.
        Hashes: Map<string, string>
        Rows: LayoutRow list
    }
