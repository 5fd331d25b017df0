/// The layout of a table that tests adapt.
module ChannelDistillation.Tests.Lab.Tables.TinyLayout

open ChannelDistillation.Specs
open ChannelDistillation.Lab.Tables

/// A row with one seed, whose folder has the name of the variant.
let row (variant: string) (axes: (string * string) list) (cost: Cost option) : LayoutRow =
    { Variant = variant
      Axes = axes
      Folders = [ variant ]
      Seeds = [ 0L ]
      Cost = cost
      Published = None
      Assisted = false }

/// An experiment without a teacher.
let layout (rows: LayoutRow list) : TableLayout =
    { Experiment = "small"
      Description = ""
      Dataset = "cifar100"
      Student = "resnet8"
      Epochs = [ 2 ]
      Seeds = rows |> List.collect _.Seeds |> List.distinct
      HoldOut = [ None ]
      Caches = []
      Precisions = [ Precision.Float32 ]
      Hashes = Map.empty
      Command = None
      Teachers = []
      Named = Map.empty
      Rows = rows }
