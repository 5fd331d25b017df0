/// Schedules that do not come to act, in the runs that are trained.
module ChannelDistillation.Dsl.ScheduleChecks

open System.Collections.Generic
open ChannelDistillation.Dsl.Drafts

let private warn place mistake : Problem = { Mistake = mistake; Place = place }

/// What of a loss's schedule lies beyond the last epoch.
let private beyond epochs (loss: Resolve.ResolvedLoss) =
    [ if loss.StartAfter >= epochs then
          Start(loss.Name, loss.StartAfter)
      match loss.Decay with
      | StepDecay(at, _) ->
          for epoch in at do
              if epoch > epochs then
                  Decaying(loss.Name, epoch)
      | EveryDecay(every, _) when every > epochs -> Decaying(loss.Name, every)
      | _ -> () ]

/// Whether a loss with a weight has none in any epoch, although it starts.
let private neverActs epochs (loss: Resolve.ResolvedLoss) =
    match loss.Decay with
    | LinearDecay _
    | CosineDecay _ when loss.Weight > 0.0 && loss.StartAfter < epochs ->
        let spec = Resolve.lossSpec loss
        seq { 1..epochs } |> Seq.forall (fun epoch -> spec.WeightAt epoch = 0.0)
    | _ -> false

/// The place of a row's value on the first of some paths that is an axis.
let private placeOf (experiment: Experiment) (legend: Legend) =
    let segments = [| for axis in 0 .. legend.Count - 1 -> Axes.segments experiment (legend.Path axis) |]

    fun (draft: Draft) (paths: string list list) ->
        paths
        |> List.tryPick (fun path ->
            seq { 0 .. draft.Values.Length - 1 }
            |> Seq.tryFind (fun axis ->
                draft.Values[axis] >= 0
                && segments[axis].Length <= path.Length
                && List.truncate segments[axis].Length path = segments[axis])
            |> Option.map (fun axis -> legend.Place(axis, draft.Values[axis])))

let private losses (where: Where) (placeOf: Draft -> string list list -> Place option) (experiment: Experiment) (drafts: Draft list) =
    let seen = HashSet<struct (string * int * Beyond list)>(HashIdentity.Structural)
    let idle = HashSet<struct (string * string)>(HashIdentity.Structural)

    let found =
        [ for draft in drafts do
              let epochs = draft.Resolved.Train.Epochs
              let variant = experiment.Variants |> List.find (fun variant -> variant.Name = draft.Variant)

              match draft.Resolved.Losses |> List.collect (beyond epochs) with
              | [] -> ()
              | parts when seen.Add(struct (draft.Variant, epochs, parts)) ->
                  let schedules =
                      [ for part in parts do
                            match part with
                            | Start(loss, _) ->
                                [ "variants"; draft.Variant; loss; "start_after" ]
                                [ "losses"; loss; "start_after" ]
                            | Decaying(loss, _) ->
                                [ "variants"; draft.Variant; loss; "decay"; "step"; "at" ]
                                [ "losses"; loss; "decay"; "step"; "at" ]
                        [ "variants"; draft.Variant; "edt" ] ]

                  let own =
                      if variant.Edt.IsSome then
                          where.Value [ "variants"; draft.Variant; "edt" ]
                      else
                          where.Key [ "variants"; draft.Variant ]

                  let place = placeOf draft ([ "train"; "epochs" ] :: schedules) |> Option.orElse own
                  warn place (NeverHappens(draft.Variant, epochs, parts, []))
              | _ -> ()

              for loss in draft.Resolved.Losses do
                  if neverActs epochs loss && idle.Add(struct (draft.Variant, loss.Name)) then
                      warn (where.VariantLoss(draft.Variant, loss.Name)) (NeverActs(loss.Name, draft.Variant, epochs)) ]

    // Variants that are cut short by one value are named together.
    found
    |> List.groupBy (fun problem ->
        match problem.Mistake with
        | NeverHappens _ -> Choice1Of2 problem.Place
        | other -> Choice2Of2 other)
    |> List.map (fun (_, problems) ->
        let variants =
            [ for problem in problems do
                  match problem.Mistake with
                  | NeverHappens(variant, _, _, _) -> variant
                  | _ -> () ]

        match problems.Head.Mistake with
        | NeverHappens(variant, epochs, parts, _) ->
            let others = variants |> List.distinct |> List.filter ((<>) variant)
            { problems.Head with Mistake = NeverHappens(variant, epochs, parts, others) }
        | _ -> problems.Head)

let private rates (where: Where) (placeOf: Draft -> string list list -> Place option) (drafts: Draft list) =
    let at = [ "train"; "lr_schedule"; "step"; "at" ]
    let seen = HashSet<struct (int * int list)>(HashIdentity.Structural)

    [ for draft in drafts do
          let train = draft.Resolved.Train

          match train.Schedule.Shape with
          | Step(changes, _) when seen.Add(struct (train.Epochs, changes)) ->
              match changes |> List.tryFind (fun epoch -> epoch >= train.Epochs) with
              | Some epoch -> warn (placeOf draft [ at ] |> Option.orElse (where.Value at)) (RateNeverChanges(epoch, train.Epochs))
              | None -> ()
          | _ -> () ]

let warnings (where: Where) (experiment: Experiment) (legend: Legend) (drafts: Draft list) : Problem list =
    let placeOf = placeOf experiment legend
    rates where placeOf drafts @ losses where placeOf experiment drafts
