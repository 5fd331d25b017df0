/// The settings of a loss: its weight, its schedule and the parameters of its descriptor.
module ChannelDistillation.Dsl.Codecs.LossCodec

open System.Collections.Generic
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let blank: LossSettings =
    { Script = None
      Weight = None
      StartAfter = None
      StopAfter = None
      Warmup = None
      Decay = None
      DecaysAtZero = None
      Parameters = Map.empty }

/// Whether a key is set.
let has (key: string) (settings: LossSettings) : bool =
    match key with
    | "weight" -> settings.Weight.IsSome
    | "start_after" -> settings.StartAfter.IsSome
    | "stop_after" -> settings.StopAfter.IsSome
    | "warmup" -> settings.Warmup.IsSome
    | "decay" -> settings.Decay.IsSome
    | "weight_decay_at_zero" -> settings.DecaysAtZero.IsSome
    | parameter -> settings.Parameters.ContainsKey parameter

/// A parameter's default as YAML text.
let defaultOf (parameter: ParameterDescriptor) =
    match parameter.DefaultValue with
    | :? float as value -> Numbers.show value
    | :? bool as value -> if value then "true" else "false"
    | value -> string value

/// A default, followed by the datasets with a different one: `20; 1 on imagenet`.
let private everywhere (loss: LossDescriptor) (shown: LossDescriptor -> string) =
    let usual = shown loss

    [ usual
      for own in loss.DatasetDefaults do
          match shown (loss.On own.Dataset) with
          | same when same = usual -> ()
          | other -> $"{other} on {own.Dataset}" ]
    |> String.concat "; "

let private parameter (loss: LossDescriptor) (descriptor: ParameterDescriptor) : Field<LossSettings> =
    let shown (loss: LossDescriptor) = loss.Parameters |> Seq.find (fun own -> own.Name = descriptor.Name) |> defaultOf

    let field into out codec =
        Field.optional
            descriptor.Name
            descriptor.Doc
            (everywhere loss shown)
            (if descriptor.Name = "temperature" then [ "T"; "tau" ] else [])
            (fun settings -> settings.Parameters |> Map.tryFind descriptor.Name |> Option.bind out)
            (fun value settings ->
                { settings with
                    Parameters =
                        match value with
                        | Some value -> settings.Parameters |> Map.add descriptor.Name (into value)
                        | None -> settings.Parameters |> Map.remove descriptor.Name })
            codec

    let ofNumber =
        function
        | Number value -> Some value
        | _ -> None

    match descriptor with
    | :? ParameterDescriptor.Number as number ->
        field
            Number
            ofNumber
            (Codec.number
                { Minimum = number.Minimum
                  Maximum = number.Maximum
                  AboveMinimum = number.AboveMinimum
                  BelowMaximum = false })
    | :? ParameterDescriptor.Integer as whole -> field (float >> Number) (ofNumber >> Option.map int) (int32 whole.Minimum whole.Maximum)
    | :? ParameterDescriptor.Flag ->
        field
            Flag
            (function
            | Flag value -> Some value
            | _ -> None)
            flag
    | :? ParameterDescriptor.Choice as choice ->
        field
            Word
            (function
            | Word value -> Some value
            | _ -> None)
            (named (Thing.Choice choice.Name) (fun () -> [ for word in choice.Choices -> word, "" ]))
    | other -> invalidOp $"No codec for a parameter of type {other.GetType().Name}."

/// The codec of a loss's settings. `more`: fields before the common ones.
let makeWith more (descriptor: LossDescriptor) : Codec<LossSettings> =
    let record =
        Record.codec
            blank
            false
            (more
             @ [ Field.optional
                     "weight"
                     "Weight of the loss."
                     (everywhere descriptor (fun own -> Numbers.show own.DefaultWeight))
                     []
                     _.Weight
                     (fun value settings -> { settings with Weight = value })
                     (number (atLeast 0.0))
                 Field.optional
                     "start_after"
                     "The weight is 0 up to and including this epoch."
                     "0"
                     [ "start"; "delay" ]
                     _.StartAfter
                     (fun value settings -> { settings with StartAfter = value })
                     (int32 0 1_000_000)
                 Field.optional
                     "stop_after"
                     "The weight is 0 after this epoch."
                     "never"
                     [ "end"; "until"; "stop" ]
                     _.StopAfter
                     (fun value settings -> { settings with StopAfter = value })
                     (int32 1 1_000_000)
                 Field.optional
                     "warmup"
                     "Epochs over which the weight grows linearly after `start_after`."
                     (everywhere descriptor (fun own -> string own.DefaultWarmup))
                     [ "warm_up" ]
                     _.Warmup
                     (fun value (settings: LossSettings) -> { settings with Warmup = value })
                     (int32 0 1_000_000)
                 Field.optional
                     "decay"
                     "Decay of the weight over training."
                     "none"
                     []
                     _.Decay
                     (fun value settings -> { settings with Decay = value })
                     ScheduleCodec.decay
                 Field.optional
                     "weight_decay_at_zero"
                     "Apply weight decay and momentum to all trained weights while the weight of this loss is 0, as code that multiplies the loss by 0 does. Otherwise, weights without a gradient do not change."
                     "false"
                     []
                     _.DecaysAtZero
                     (fun value settings -> { settings with DecaysAtZero = value })
                     flag ]
             @ [ for each in descriptor.Parameters -> parameter descriptor each ])

    // `ce:` without a value means the defaults.
    { record with
        Shape = EitherShape [ record.Shape; NothingShape ]
        Read = fun reader path node -> if Node.isNothing node then Some blank else record.Read reader path node }

/// The codec of a loss's settings.
let make = makeWith []

let private made = lazy (Dictionary(seq { for loss in LossCatalog.All -> KeyValuePair(loss.Name, make loss) }))

/// The codec of a built-in loss; None: there is no such loss.
let find (name: string) : Codec<LossSettings> option =
    match made.Value.TryGetValue name with
    | true, codec -> Some codec
    | _ -> None

let names () = [ for loss in LossCatalog.All -> loss.Name ]

/// The shape of all built-in losses with their settings.
let shape () =
    RecordShape
        [ for loss in LossCatalog.All ->
              { Key = loss.Name
                Doc = $"{loss.Title}: {loss.Formula} ({loss.Source})."
                Required = false
                Default = ""
                Shape = made.Value[loss.Name].Shape } ]
