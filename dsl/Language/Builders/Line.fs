namespace ChannelDistillation.Dsl.Builders

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// An experiment in the making: its teacher may need a recipe that comes later.
type Draft = { Experiment: Experiment; Teacher: TeacherDraft; Said: Set<string> }

/// A line of an experiment. Lines are values: loops, `if` and functions give them as well.
type Line = internal Line of (Draft -> Draft)

module internal Line =
    let apply (Line change) (draft: Draft) = change draft

    let change (change: Experiment -> Experiment) = Line(fun draft -> { draft with Experiment = change draft.Experiment })

    let changeGrid (change': Grid -> Grid) = change (fun experiment -> { experiment with Grid = change' experiment.Grid })

    /// Adds to what a key of the file would hold.
    let add key (Line change) = Line(fun draft -> { change draft with Said = draft.Said.Add key })

    /// Sets what a key of the file would; like a key, once.
    let say key (Line change) =
        Line(fun draft ->
            if draft.Said.Contains key then
                failwith $"`{key}` is said twice in this experiment. Remove one of the two."

            { change draft with Said = draft.Said.Add key })

/// A recipe of which nothing is said: values that nobody writes stand where one is required.
module internal Silent =
    let train =
        { TrainCodec.blank with
            Epochs = Int32.MinValue
            Batch = Int32.MinValue
            Optimizer = { TrainCodec.blank.Optimizer with LearningRate = nan } }

    /// The required keys that a recipe leaves out.
    let keys (recipe: Train) =
        [ if recipe.Epochs = train.Epochs then
              "epochs"
          if recipe.Batch = train.Batch then
              "batch"
          if Double.IsNaN recipe.Optimizer.LearningRate then
              "optimizer" ]
