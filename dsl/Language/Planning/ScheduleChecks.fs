/// Warns about schedules that have no effect in the planned runs.
module ChannelDistillation.Dsl.Planning.ScheduleChecks

open System.Collections.Generic
open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Resolution
open ChannelDistillation.Dsl.Grids
open ChannelDistillation.Dsl.Planning.Drafts

let private warn place mistake : Problem = { Diagnostic = mistake; Place = place }

/// The parts of a loss's schedule after the last epoch.
let private partsAfterEnd epochs (loss: Resolve.ResolvedLoss) =
    [ if loss.StartAfter >= epochs then
          Start(loss.Name, loss.StartAfter)
      elif loss.StartAfter + loss.Warmup > epochs && loss.Weight > 0.0 then
          Growing(loss.Name, loss.StartAfter + loss.Warmup)
      match loss.Decay with
      | StepDecay(at, _) ->
          for epoch in at do
              if epoch > epochs then
                  Decaying(loss.Name, epoch)
      | EveryDecay(every, _) when every > epochs -> Decaying(loss.Name, every)
      | _ -> () ]

/// Whether the schedule of a loss keeps its weight at 0 in every epoch.
let private neverActs epochs (loss: Resolve.ResolvedLoss) =
    match loss.Decay, loss.StopAfter with
    | (NoDecay | StepDecay _ | EveryDecay _), None -> false
    | _ ->
        let spec = Resolve.lossSpec loss
        seq { 1..epochs } |> Seq.forall (fun epoch -> spec.WeightAt epoch = 0.0)

/// The place of a row's value on the first of the given paths that is an axis.
let private placeOf (experiment: Experiment) (axisTable: AxisTable) =
    let segments = [| for axis in 0 .. axisTable.Count - 1 -> Axes.segments experiment (axisTable.Name axis) |]

    fun (draft: Draft) (paths: string list list) ->
        paths
        |> List.tryPick (fun path ->
            seq { 0 .. draft.Values.Length - 1 }
            |> Seq.tryFind (fun axis ->
                draft.Values[axis] >= 0
                && segments[axis].Length <= path.Length
                && List.truncate segments[axis].Length path = segments[axis])
            |> Option.map (fun axis -> axisTable.Place(axis, draft.Values[axis])))

/// The place that sets a loss's setting in a variant: an axis value, or else the place in the file with the highest precedence.
let private placeOfSetting (where: PlaceFinder) (experiment: Experiment) placeOf (draft: Draft) (loss: string) (key: string) (inside: string list) =
    let variant = experiment.Variants |> List.find (fun variant -> variant.Name = draft.Variant)

    let isOfPreset =
        match variant.Edt with
        | None -> false
        | Some edt ->
            let preset = Resolve.preset edt (Resolve.descriptor experiment loss)
            if key = "decay" then preset.Decay.IsSome else preset.StartAfter.IsSome

    placeOf
        draft
        [ "variants" :: draft.Variant :: loss :: key :: inside
          [ "variants"; draft.Variant; "edt" ]
          "losses" :: loss :: key :: inside ]
    |> Option.orElse (where.VariantSetting(draft.Variant, loss, key))
    |> Option.orElse (if isOfPreset then where.Value [ "variants"; draft.Variant; "edt" ] else None)
    |> Option.orElse (where.Node [ "losses"; loss; key ] |> Option.map _.Place)
    |> Option.orElse (where.VariantLoss(draft.Variant, loss))

/// Merges the same warning about several variants at one place.
let private together (problems: Problem list) =
    let variant (problem: Problem) =
        match problem.Diagnostic with
        | ScheduleTooLong(variant, _, _, _)
        | ZeroWeight(_, variant, _)
        | WeightAlwaysZero(_, variant, _, _) -> variant
        | _ -> ""

    problems
    |> List.groupBy (fun problem ->
        match problem.Diagnostic with
        | ZeroWeight(loss, _, _)
        | WeightAlwaysZero(loss, _, _, _) -> problem.Place, loss
        | _ -> problem.Place, "")
    |> List.map (fun (_, problems) ->
        let first = problems.Head
        let others = problems |> List.map variant |> List.distinct |> List.filter ((<>) (variant first))

        { first with
            Diagnostic =
                match first.Diagnostic with
                | ScheduleTooLong(variant, epochs, parts, _) -> ScheduleTooLong(variant, epochs, parts, others)
                | ZeroWeight(loss, variant, _) -> ZeroWeight(loss, variant, others)
                | WeightAlwaysZero(loss, variant, epochs, _) -> WeightAlwaysZero(loss, variant, epochs, others)
                | other -> other })

let private losses (where: PlaceFinder) (placeOf: Draft -> string list list -> Place option) (experiment: Experiment) (drafts: Draft list) =
    let seen = HashSet<struct (string * int * UnreachedSchedulePart list)>(HashIdentity.Structural)
    let seenIdle = HashSet<struct (string * string * Decay * int option)>(HashIdentity.Structural)
    let placeOfSetting = placeOfSetting where experiment placeOf

    [ for draft in drafts do
          let epochs = draft.Resolved.Train.Epochs

          match draft.Resolved.Losses |> List.collect (partsAfterEnd epochs) with
          | first :: _ as parts when seen.Add(struct (draft.Variant, epochs, parts)) ->
              let place =
                  placeOf draft [ [ "train"; "epochs" ] ]
                  |> Option.orElseWith (fun () ->
                      match first with
                      | Start(loss, _) -> placeOfSetting draft loss "start_after" []
                      | Growing(loss, _) -> placeOfSetting draft loss "warmup" []
                      | Decaying(loss, _) -> placeOfSetting draft loss "decay" [ "step"; "at" ])

              warn place (ScheduleTooLong(draft.Variant, epochs, parts, []))
          | _ -> ()

          for loss in draft.Resolved.Losses do
              let isNew () = seenIdle.Add(struct (draft.Variant, loss.Name, loss.Decay, loss.StopAfter))

              if loss.Weight = 0.0 then
                  let onAxis = placeOf draft [ [ "losses"; loss.Name; "weight" ]; [ "variants"; draft.Variant; loss.Name; "weight" ] ]

                  // On an axis, a weight of 0 is a control.
                  if onAxis.IsNone && isNew () then
                      warn (placeOfSetting draft loss.Name "weight" []) (ZeroWeight(loss.Name, draft.Variant, []))
              // A loss that starts too late is reported above.
              elif loss.StartAfter < epochs && neverActs epochs loss && isNew () then
                  let place =
                      match loss.Decay with
                      | LinearDecay _ -> placeOfSetting draft loss.Name "decay" [ "linear"; "until" ]
                      | CosineDecay _ -> placeOfSetting draft loss.Name "decay" [ "cosine"; "until" ]
                      | _ -> placeOfSetting draft loss.Name "stop_after" []

                  warn place (WeightAlwaysZero(loss.Name, draft.Variant, epochs, [])) ]
    |> together

/// Warns about learning rates that would change after the last epoch, once for each number of epochs and schedule.
let private rates (where: PlaceFinder) (placeOf: Draft -> string list list -> Place option) (drafts: Draft list) =
    let at = [ "train"; "lr_schedule"; "step"; "at" ]
    let seen = HashSet<struct (int * int list)>(HashIdentity.Structural)

    [ for draft in drafts do
          let train = draft.Resolved.Train

          match train.Schedule.Shape with
          | Step(changes, _) when seen.Add(struct (train.Epochs, changes)) ->
              match changes |> List.tryFind (fun epoch -> epoch >= train.Epochs) with
              | Some epoch ->
                  let place = placeOf draft [ [ "train"; "epochs" ]; at ] |> Option.orElse (where.Value at)
                  warn place (LearningRateStepAfterEnd(epoch, train.Epochs))
              | None -> ()
          | _ -> () ]

/// Warns about learning rates and batches that are probably mistakes, once for each value.
let private sizes (where: PlaceFinder) (placeOf: Draft -> string list list -> Place option) (drafts: Draft list) =
    let seen = HashSet<Diagnostic>(HashIdentity.Structural)
    let optimizer = [ "train"; "optimizer"; "sgd"; "lr" ]

    [ for draft in drafts do
          let train = draft.Resolved.Train

          let at path = placeOf draft [ path ] |> Option.orElse (where.Value path)

          if
              train.Optimizer.LearningRate > 1.0
              && train.Schedule.Warmup.IsNone
              && seen.Add(LargeLearningRate train.Optimizer.LearningRate)
          then
              warn (at optimizer) (LargeLearningRate train.Optimizer.LearningRate)

          let dataset = Resolve.datasetSpec draft.Resolved.Dataset
          let struct (images, _) = (DatasetCatalog.Describe dataset).Images dataset.HoldOut

          if images > 0 && train.Batch > images && seen.Add(BatchLargerThanDataset(train.Batch, images)) then
              warn (at [ "train"; "batch" ]) (BatchLargerThanDataset(train.Batch, images)) ]

/// Reports variants whose losses all have weight 0 at some point of the grid, at the weight of the first.
let nothingTrained (where: PlaceFinder) (experiment: Experiment) (axisTable: AxisTable) (drafts: Draft list) : Problem list =
    let placeOf = placeOf experiment axisTable

    drafts
    |> List.filter (fun draft -> draft.Resolved.Losses |> List.forall (fun loss -> loss.Weight = 0.0))
    |> List.map (fun draft ->
        let loss = draft.Resolved.Losses.Head.Name
        draft.Variant, placeOfSetting where experiment placeOf draft loss "weight" [])
    |> List.groupBy snd
    |> List.map (fun (place, found) ->
        match found |> List.map fst |> List.distinct with
        | variant :: others -> warn place (NothingTrained(variant, others))
        | [] -> invalidOp "A group has at least one element.")

let warnings (where: PlaceFinder) (experiment: Experiment) (axisTable: AxisTable) (drafts: Draft list) : Problem list =
    let placeOf = placeOf experiment axisTable
    rates where placeOf drafts @ sizes where placeOf drafts @ losses where placeOf experiment drafts
