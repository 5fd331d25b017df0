namespace ChannelDistillation.Dsl.Planning

open ChannelDistillation.Specs
open ChannelDistillation.Dsl

/// A run of an experiment: its specification and its display name.
type PlannedRun =
    {
        Variant: string
        /// The axes that this variant uses, with their values.
        Axes: (string * string) list
        /// The axes that can change the teacher or the dataset.
        TeacherAxes: (string * string) list
        Seed: int64
        /// Readable, valid as a file name, without the hash: `cd-cd.weight=3-seed0`.
        Name: string
        Spec: RunSpec
        /// Variants and names of further runs of the plan with the same specification, which are not trained again.
        Others: (string * string) list
    }

/// A row of the table: a variant at a grid point, with a run for each seed.
type Row =
    {
        Variant: string
        Axes: (string * string) list
        Runs: PlannedRun list
        /// Published numbers by row name; the first of a name applies.
        Published: (string * PublishedRow) list
    }

    /// The published numbers of a name.
    member row.PublishedAs(name: string) = row.Published |> List.tryPick (fun (other, numbers) -> if other = name then Some numbers else None)

/// A row with published numbers only.
type PublishedOnlyRow = { Name: string; Axes: (string * string) list; Numbers: PublishedRow }

/// An experiment with its resulting rows and runs.
type Plan =
    {
        Experiment: Experiment
        Rows: Row list
        /// All distinct runs, in stable order.
        Runs: PlannedRun list
        Literature: PublishedOnlyRow list
    }
