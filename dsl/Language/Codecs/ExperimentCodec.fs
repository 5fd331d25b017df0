/// An experiment file.
module ChannelDistillation.Dsl.Codecs.ExperimentCodec

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let blank: Experiment =
    { Name = ""
      Description = ""
      Dataset = DatasetCodec.ofSource (Named "")
      Teacher = None
      Student = ModelCodec.blank
      Train = TrainCodec.blank
      Losses = []
      Variants = []
      Seeds = []
      CheckpointMinutes = 10.0
      Slurm = None
      Grid = GridCodec.empty
      Published = None }

let private name =
    let read (reader: Reader) path (node: Node) =
        text.Read reader path node
        |> Option.map (fun name ->
            VariantCodec.checkName reader path node.Place "experiment" name
            name)

    leaf TextShape read Scalar

let private seeds: Codec<int64 list> =
    let seeds = list true (whole 0L Int64.MaxValue)

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Plain text when (Numbers.tryWhole text).IsSome ->
            let count = Numbers.tryWhole text |> Option.get
            reader.Report(path, node.Place, SeedCount(int (min count 1000L)))
            None
        | _ -> seeds.Read reader path node

    { seeds with Read = read }

/// In the order in which they are documented and written. `train` comes before `teacher`, which inherits from it.
let fields: Field<Experiment> list =
    [ Field.required
          "experiment"
          "Name of the experiment and of its output folder."
          [ "name" ]
          (fun (experiment: Experiment) -> experiment.Name)
          (fun value experiment -> { experiment with Experiment.Name = value })
          name
      |> Field.isFixed
      Field.withDefault
          "description"
          "One line for tables and reports."
          [ "doc"; "title" ]
          ""
          _.Description
          (fun value experiment -> { experiment with Description = value })
          text
      |> Field.isFixed
      Field.required
          "dataset"
          "A known dataset, or a folder of images."
          [ "data" ]
          _.Dataset
          (fun value experiment -> { experiment with Dataset = value })
          DatasetCodec.codec
      Field.required
          "student"
          "The network that is trained."
          []
          _.Student
          (fun value experiment -> { experiment with Student = value })
          ModelCodec.codec
      Field.required
          "train"
          "Training settings of the students."
          [ "training" ]
          _.Train
          (fun value experiment -> { experiment with Train = value })
          TrainCodec.codec
      Field.dependent
          "teacher"
          "The frozen network that students learn from, or `none`."
          true
          ""
          []
          (fun _ -> false)
          _.Teacher
          (fun value experiment -> { experiment with Teacher = value })
          (fun experiment -> TeacherCodec.codec experiment.Train)
          blank
      Field.required
          "losses"
          "Losses and their settings; variants pick from them by name."
          [ "loss" ]
          _.Losses
          (fun value (experiment: Experiment) -> { experiment with Losses = value })
          DeclaredLosses.codec
      |> Field.hasAxes
      Field.dependent
          "variants"
          "Rows of the table, in this order: each is a list of losses, or `{ losses: [...], edt: cifar }`."
          true
          ""
          [ "variant"; "rows" ]
          (fun _ -> false)
          _.Variants
          (fun value experiment -> { experiment with Variants = value })
          (fun experiment -> VariantCodec.codec experiment.Losses)
          blank
      |> Field.hasAxes
      Field.withDefault
          "seeds"
          "Each row is trained once per seed. A seed sets the initial weights and, unless `train.data_seed` is set, the data order and augmentation."
          [ "seed" ]
          [ 0L ]
          _.Seeds
          (fun value experiment -> { experiment with Seeds = value })
          seeds
      |> Field.isFixed
      Field.withDefault
          "checkpoint_minutes"
          "Minutes between checkpoints within an epoch; each epoch also ends with one. Changing it does not retrain anything."
          []
          blank.CheckpointMinutes
          _.CheckpointMinutes
          (fun value experiment -> { experiment with CheckpointMinutes = value })
          (number { above 0.0 with Maximum = 1440.0 })
      |> Field.isFixed
      Field.optional
          "slurm"
          "Resources for `sweep --launcher slurm`; overrides the site's `slurm.yaml` (docs/cluster.md). Changing it does not retrain anything."
          ""
          [ "cluster"; "sbatch" ]
          _.Slurm
          (fun value experiment -> { experiment with Slurm = value })
          SlurmCodec.codec
      |> Field.isFixed
      Field.withDefault
          "grid"
          "Axes that multiply the variants; any path of this file can be an axis."
          [ "sweep" ]
          GridCodec.empty
          _.Grid
          (fun value experiment -> { experiment with Grid = value })
          GridCodec.codec
      |> Field.isFixed
      Field.optional
          "published"
          "Published numbers, shown beside the measured ones."
          ""
          []
          _.Published
          (fun value experiment -> { experiment with Published = value })
          PublishedCodec.codec
      |> Field.isFixed ]

/// The key of a base file. Like keys for anchors, it is not part of the experiment.
let extends = "extends"

let isAnchorKey (key: string) = key.StartsWith "x-"

/// Whether a key of the file can be an axis. None: there is no such key.
let axisUse (key: string) : AxisUse option =
    if key = extends then
        Some IsFixed
    else
        fields |> List.tryFind (fun field -> field.Shape.Key = key) |> Option.map _.Axis

let codec: Codec<Experiment> =
    let record = Record.codec { blank with Seeds = [ 0L ] } false fields

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping entries ->
            let own = entries |> List.filter (fun entry -> entry.Name <> extends && not (isAnchorKey entry.Name))

            record.Read reader path { node with Content = Mapping own }
        | _ ->
            reader.Report(path, node.Place, WrongKind(WantMapping None, Node.kind node))
            None

    { record with Read = read }
