namespace ChannelDistillation.Dsl.Builders

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// A partly built experiment. The teacher is a function, because it may inherit from a `train` that comes later.
type Draft = { Experiment: Experiment; Teacher: TeacherDraft; Said: Set<string> }

/// A line of an experiment. Lines are values, which loops, `if` and functions can return.
type Line = internal Line of (Draft -> Draft)

module internal Line =
    let apply (Line change) (draft: Draft) = change draft

    let change (change: Experiment -> Experiment) = Line(fun draft -> { draft with Experiment = change draft.Experiment })

    let changeGrid (change': Grid -> Grid) = change (fun experiment -> { experiment with Grid = change' experiment.Grid })

    /// Marks a line that adds to a key and can be repeated.
    let add key (Line change) = Line(fun draft -> { change draft with Said = draft.Said.Add key })

    /// Marks a line that sets a key, which is allowed once.
    let say key (Line change) =
        Line(fun draft ->
            if draft.Said.Contains key then
                failwith $"`{key}` is set twice in this experiment. Remove one of them."

            { change draft with Said = draft.Said.Add key })

/// Training settings in which the required keys are not set; impossible values mark them.
module internal Silent =
    let train =
        { TrainCodec.blank with
            Epochs = Int32.MinValue
            Batch = Int32.MinValue
            Optimizer = { TrainCodec.blank.Optimizer with LearningRate = nan } }

    /// The required keys that are not set.
    let keys (recipe: Train) =
        [ if recipe.Epochs = train.Epochs then
              "epochs"
          if recipe.Batch = train.Batch then
              "batch"
          if Double.IsNaN recipe.Optimizer.LearningRate then
              "optimizer" ]
