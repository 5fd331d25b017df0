namespace ChannelDistillation.Lab.Tables

open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Dsl

/// The cost of a network: its trained parameters, and the multiply-accumulates of a forward pass of one image.
type Cost =
    {
        Parameters: int64
        /// None: unknown, as for TorchScript networks.
        MultiplyAdds: int64 option
    }

/// The row of a teacher, which is evaluated once on the same validation set.
type TeacherRow =
    {
        Model: string
        /// The axes that select this teacher, if there are several.
        Axes: (string * string) list
        /// Identifies the teacher: by the run that trains it, or by its checkpoint and dataset.
        Key: string
        /// None: unknown (written by an earlier version).
        Cost: Cost option
        /// None: not evaluated yet.
        Errors: EpochErrors option
        Published: PublishedRow option
    }

type LayoutRow =
    {
        Variant: string
        Axes: (string * string) list
        /// Names of the run folders in the experiment's folder, one per seed. Empty for rows from the literature.
        Folders: string list
        /// The seed of each folder. Empty if written by an earlier version.
        Seeds: int64 list
        /// The cost of the student.
        Cost: Cost option
        Published: PublishedRow option
        /// Whether the model is a student with an assistant (residual knowledge distillation).
        Assisted: bool
    }

/// The rows of a table and the folders of their results. Stored in plan.json, so that tables do not need the experiment's file.
type TableLayout =
    {
        Experiment: string
        Description: string
        Dataset: string
        Student: string
        Epochs: int list
        Seeds: int64 list
        /// Shares of the training set in a hold-out split. None: no hold-out split.
        HoldOut: float option list
        /// How teacher outputs are cached (`teacher.cache`), for the runs that have a teacher.
        Caches: TeacherCache option list
        /// The precisions of the students.
        Precisions: Precision list
        /// The command line of the last sweep.
        Command: string option
        Teachers: TeacherRow list
        /// The paths that each named axis sets.
        Named: Map<string, string list>
        /// The full hash of the run of each folder.
        Hashes: Map<string, string>
        Rows: LayoutRow list
    }

module TableLayout =
    /// The paths of all axes, in the order in which rows use them.
    let axes (layout: TableLayout) =
        Seq.append (layout.Teachers |> Seq.collect _.Axes) (layout.Rows |> Seq.collect _.Axes)
        |> Seq.map fst
        |> Seq.distinct
        |> Seq.toList

    /// The axes of rows of which at least two values are shown.
    let varying (rows: (string * string) list seq) : string list =
        rows
        |> Seq.concat
        |> Seq.distinct
        |> Seq.toList
        |> List.countBy fst
        |> List.filter (fun (_, values) -> values > 1)
        |> List.map fst

    /// The axes of a row with the paths of named ones in place of their names.
    let withPaths (named: Map<string, string list>) (axes: (string * string) list) : (string * string) list =
        [ for name, value in axes do
              for path in named |> Map.tryFind name |> Option.defaultValue [ name ] -> path, value ]

    /// Whether no axis has different values in the two lists.
    let agree (axes: (string * string) list) (others: (string * string) list) =
        axes |> List.forall (fun (path, value) -> others |> List.forall (fun (other, its) -> other <> path || its = value))

    /// Shortens the path of an axis: `losses.cd.weight` to `cd.weight`.
    let shortAxis (path: string) =
        [ "losses."; "train." ]
        |> List.tryFind path.StartsWith
        |> Option.map (fun prefix -> path.Substring prefix.Length)
        |> Option.defaultValue path
