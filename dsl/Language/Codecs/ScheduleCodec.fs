/// Learning-rate schedules and the decay of loss weights.
module ChannelDistillation.Dsl.Codecs.ScheduleCodec

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let private epochs = int32 1 1_000_000

/// Epochs in increasing order.
let private boundaries: Codec<int list> =
    let plain = list false epochs

    let read (reader: Reader) path (node: Node) =
        let values = plain.Read reader path node

        match node.Content, values with
        | Sequence items, Some values ->
            for (before, after), item in List.zip (List.pairwise values) (List.tail items) do
                if after <= before then
                    reader.Report(path, item.Place, NotIncreasing(string before, string after))
        | _ -> ()

        values

    { leaf plain.Shape read plain.Write with Shape = plain.Shape }

let private factor = number (above 0.0)

type private Stepping = { At: int list; Factor: float }

let private stepping atDoc factorDoc =
    Record.codec
        { At = []; Factor = 1.0 }
        false
        [ Field.required "at" atDoc [ "milestones"; "epochs" ] _.At (fun at record -> { record with Stepping.At = at }) boundaries
          Field.required "factor" factorDoc [ "gamma" ] _.Factor (fun factor record -> { record with Stepping.Factor = factor }) factor ]

/// A record without keys.
let private nothing: Codec<unit> = Record.codec () false []

let private warmup =
    Record.codec
        { Epochs = 0; From = 0.1 }
        false
        [ Field.required
              "epochs"
              "Epochs over which the learning rate grows linearly, step by step."
              []
              _.Epochs
              (fun value (record: Warmup) -> { record with Epochs = value })
              epochs
          Field.withDefault
              "from"
              "Factor on the learning rate at the first step."
              [ "start" ]
              0.1
              _.From
              (fun value (record: Warmup) -> { record with From = value })
              (number (between 0.0 1.0)) ]

let private shapes: Case<LearningRateShape> list =
    [ Choice.case
          "constant"
          "Constant learning rate."
          (Some())
          (fun () -> Constant)
          (function
          | Constant -> Some()
          | _ -> None)
          nothing
      Choice.case
          "step"
          "Multiply the learning rate by a factor after given epochs (PyTorch's MultiStepLR)."
          None
          (fun (inside: Stepping) -> Step(inside.At, inside.Factor))
          (function
          | Step(at, factor) -> Some { At = at; Factor = factor }
          | _ -> None)
          (stepping
              "Epochs after which the learning rate changes: with 60, epoch 61 is the first with the new rate."
              "Factor on the learning rate at each change.")
      Choice.case
          "cosine"
          "Half a cosine from the full learning rate in the first epoch (PyTorch's CosineAnnealingLR over all epochs)."
          (Some 0.0)
          Cosine
          (function
          | Cosine final -> Some final
          | _ -> None)
          (Record.codec
              0.0
              false
              [ Field.withDefault
                    "to"
                    "Factor on the learning rate that the cosine approaches."
                    [ "final" ]
                    0.0
                    id
                    (fun value _ -> value)
                    (number (between 0.0 1.0)) ]) ]

/// One of the shapes, with an optional warm-up beside it.
let learningRate: Codec<LearningRate> =
    let warmupField =
        Field.optional
            "warmup"
            "Linear warm-up of the learning rate."
            ""
            [ "warm_up" ]
            (fun (record: LearningRate) -> record.Warmup)
            (fun value (record: LearningRate) -> { record with Warmup = value })
            warmup

    let legal = Choice.names shapes
    let constant: LearningRate = { Shape = Constant; Warmup = None }

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping entries ->
            let record = Record.readFields reader path node false legal [ warmupField ] constant entries

            match entries with
            | [ { Name = "warmup" } as warmup ] ->
                reader.Report(path, warmup.At, WarmupAlone(legal, Emit.flow (Node.setting warmup.Value)))
                None
            | _ -> Choice.readEntries reader path node shapes [ "warmup" ] entries
            |> Option.map (fun shape -> { record with Shape = shape })
        | Plain text
        | Quoted text when not (Node.isNothing node) ->
            Choice.readWord reader path node shapes text |> Option.map (fun shape -> { constant with Shape = shape })
        | _ ->
            reader.Report(path, Node.place node, WrongKind(WantOneOf legal, Node.kind node))
            None

    { Codec.Shape = ChoiceShape(shapes |> List.map _.Shape, [ warmupField.Shape ])
      Read = read
      Write =
        fun (value: LearningRate) ->
            match value.Warmup, Choice.write shapes value.Shape with
            | None, shape -> shape
            | Some _, shape ->
                let entries =
                    match shape with
                    | Scalar name -> [ name, Entries [] ]
                    | Entries entries -> entries
                    | Items _ -> []

                Entries(entries @ Record.give [ warmupField ] value)
      Edit =
        fun path value ->
            match path with
            | [] -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
            | "warmup" :: rest -> warmupField.EditPart rest value
            | _ ->
                Choice.edit shapes (fun _ _ _ -> None) path value.Shape
                |> Result.map (fun edit reader path node ->
                    edit reader path node |> Option.map (fun change (value: LearningRate) -> { value with Shape = change value.Shape }))
                |> Result.mapError (function
                    | NoSuchKey([], segment, legal) -> NoSuchKey([], segment, legal @ [ "warmup" ])
                    | other -> other) }

type private Every = { Every: int; Factor: float }
type private Until = { Until: int; To: float }

let private untilCodec =
    Record.codec
        { Until = 1; To = 0.0 }
        false
        [ Field.required
              "until"
              "Epoch from which the weight is constant."
              []
              _.Until
              (fun value (record: Until) -> { record with Until = value })
              epochs
          Field.withDefault
              "to"
              "Factor on the weight from that epoch on."
              [ "final" ]
              0.0
              _.To
              (fun value (record: Until) -> { record with To = value })
              (number (atLeast 0.0)) ]

let decay: Codec<Decay> =
    Choice.codec
        [ Choice.case
              "none"
              "No decay."
              (Some())
              (fun () -> NoDecay)
              (function
              | NoDecay -> Some()
              | _ -> None)
              nothing
          Choice.case
              "step"
              "Multiply the weight by a factor from each of the given epochs on (EDT on CIFAR)."
              None
              (fun (inside: Stepping) -> StepDecay(inside.At, inside.Factor))
              (function
              | StepDecay(at, factor) -> Some { At = at; Factor = factor }
              | _ -> None)
              (stepping
                  "Epochs from which the weight changes: with 60, epoch 60 is the first with the new weight."
                  "Factor on the weight at each change.")
          Choice.case
              "every"
              "Multiply the weight by factor^floor(epoch / epochs) (EDT on ImageNet)."
              None
              (fun (inside: Every) -> EveryDecay(inside.Every, inside.Factor))
              (function
              | EveryDecay(every, factor) -> Some { Every = every; Factor = factor }
              | _ -> None)
              (Record.codec
                  { Every = 1; Factor = 1.0 }
                  false
                  [ Field.required
                        "epochs"
                        "The weight changes at every epoch that is a multiple of this number."
                        []
                        _.Every
                        (fun value (record: Every) -> { record with Every = value })
                        epochs
                    Field.required
                        "factor"
                        "Factor on the weight at each change."
                        [ "gamma" ]
                        _.Factor
                        (fun value (record: Every) -> { record with Factor = value })
                        factor ])
          Choice.case
              "linear"
              "Linear decay from the full weight in the first epoch."
              None
              (fun inside -> LinearDecay(inside.Until, inside.To))
              (function
              | LinearDecay(until, final) -> Some { Until = until; To = final }
              | _ -> None)
              untilCodec
          Choice.case
              "cosine"
              "Half a cosine from the full weight in the first epoch."
              None
              (fun inside -> CosineDecay(inside.Until, inside.To))
              (function
              | CosineDecay(until, final) -> Some { Until = until; To = final }
              | _ -> None)
              untilCodec ]
