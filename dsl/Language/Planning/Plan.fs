namespace ChannelDistillation.Dsl.Planning

open ChannelDistillation.Specs
open ChannelDistillation.Dsl

/// A run of an experiment: what is computed (the specification) and how it is shown.
type PlannedRun =
    {
        Variant: string
        /// The axes that this variant uses and the values here.
        Axes: (string * string) list
        Seed: int64
        /// Readable and safe as a file name, without the hash: `cd-cd.weight=3-seed0`.
        Name: string
        Spec: RunSpec
    }

/// A row of the table: a variant at a grid point, with a run for each seed.
type Row =
    {
        Variant: string
        Axes: (string * string) list
        Runs: PlannedRun list
        /// Numbers of the literature here, by the names of rows; the first of a name counts.
        Published: (string * PublishedRow) list
    }

    /// The numbers of the literature of a name.
    member row.PublishedAs(name: string) = row.Published |> List.tryPick (fun (other, numbers) -> if other = name then Some numbers else None)

/// A row of the literature: nothing of it is trained here.
type LiteratureRow = { Name: string; Axes: (string * string) list; Numbers: PublishedRow }

/// An experiment with everything worked out that it asks for.
type Plan =
    {
        Experiment: Experiment
        Rows: Row list
        /// Every run once, in stable order.
        Runs: PlannedRun list
        Literature: LiteratureRow list
    }
