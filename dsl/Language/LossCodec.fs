/// What can be said of a loss: its weight, its schedule and the parameters of its descriptor.
module ChannelDistillation.Dsl.LossCodec

open System
open System.Collections.Generic
open ChannelDistillation.Losses
open ChannelDistillation.Dsl.Codec

let blank: LossSettings =
    { Script = None
      Weight = None
      StartAfter = None
      StopAfter = None
      Warmup = None
      Decay = None
      DecaysAtZero = None
      Parameters = Map.empty }

/// A parameter's default, as it is written in YAML.
let defaultOf (parameter: ParameterDescriptor) =
    match parameter.DefaultValue with
    | :? float as value -> Numbers.show value
    | :? bool as value -> if value then "true" else "false"
    | value -> string value

/// A default, and those of the datasets on which it is another: `20; 1 on imagenet`.
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

/// `more`: fields before those that every loss has.
let private makeWith more (descriptor: LossDescriptor) : Codec<LossSettings> =
    let record =
        Record.codec
            blank
            false
            (more
             @ [ Field.optional
                     "weight"
                     "What the loss is multiplied by."
                     (everywhere descriptor (fun own -> Numbers.show own.DefaultWeight))
                     []
                     _.Weight
                     (fun value settings -> { settings with Weight = value })
                     (number (atLeast 0.0))
                 Field.optional
                     "start_after"
                     "The weight is 0 through this epoch."
                     "0"
                     [ "start"; "delay" ]
                     _.StartAfter
                     (fun value settings -> { settings with StartAfter = value })
                     (int32 0 1_000_000)
                 Field.optional
                     "stop_after"
                     "The last epoch in which the loss counts: the weight is 0 after it."
                     "never"
                     [ "end"; "until"; "stop" ]
                     _.StopAfter
                     (fun value settings -> { settings with StopAfter = value })
                     (int32 1 1_000_000)
                 Field.optional
                     "warmup"
                     "Epochs over which the weight grows in a straight line once it has started."
                     (everywhere descriptor (fun own -> string own.DefaultWarmup))
                     [ "warm_up" ]
                     _.Warmup
                     (fun value (settings: LossSettings) -> { settings with Warmup = value })
                     (int32 0 1_000_000)
                 Field.optional
                     "decay"
                     "How the weight falls over training."
                     "none"
                     []
                     _.Decay
                     (fun value settings -> { settings with Decay = value })
                     ScheduleCodec.decay
                 Field.optional
                     "weight_decay_at_zero"
                     "Weight decay and momentum act on all trained weights also while the weight of this loss is 0, as in code that multiplies the loss by 0. Otherwise weights without a gradient do not change."
                     "false"
                     []
                     _.DecaysAtZero
                     (fun value settings -> { settings with DecaysAtZero = value })
                     flag ]
             @ [ for each in descriptor.Parameters -> parameter descriptor each ])

    // `ce:` with nothing after it is a loss as its descriptor says.
    { record with
        Shape = EitherShape [ record.Shape; NothingShape ]
        Read = fun reader path node -> if Node.isNothing node then Some blank else record.Read reader path node }

let private make = makeWith []

let private scriptField: Field<LossSettings> =
    Field.required
        "torchscript"
        "A loss from Python: a TorchScript file, relative to this one. It is code, and it is run (docs/python.md)."
        []
        (fun settings -> defaultArg settings.Script "")
        (fun value settings -> { settings with Script = Some value })
        TorchScriptCodec.lossFile

let private made = lazy (Dictionary(seq { for loss in LossCatalog.All -> KeyValuePair(loss.Name, make loss) }))

/// The settings of a known loss.
let find (name: string) : Codec<LossSettings> option =
    match made.Value.TryGetValue name with
    | true, codec -> Some codec
    | _ -> None

let names () = [ for loss in LossCatalog.All -> loss.Name ]

type private Declared = (string * LossSettings) list

/// The file of a declared loss from Python.
let private scriptOf (declared: Declared) (name: string) = declared |> List.tryFind (fun (key, _) -> key = name) |> Option.bind (snd >> _.Script)

/// What is known of a loss of an experiment: made from its file where it is declared with one. None: unknown, or its file cannot be used.
let descriptor (declared: Declared) (name: string) : LossDescriptor option =
    match scriptOf declared name with
    | Some file -> TorchScriptCodec.loss file name |> Result.toOption
    | None -> LossCatalog.Find name |> Option.ofObj

/// The settings of a loss in a variant.
let ofVariant (declared: Declared) (name: string) : Codec<LossSettings> option =
    match scriptOf declared name with
    | Some _ -> descriptor declared name |> Option.map make
    | None -> find name

/// The settings of a loss where it is declared.
let private ofDeclaration (name: string) (settings: LossSettings) : Codec<LossSettings> option =
    match settings.Script with
    | Some file -> TorchScriptCodec.loss file name |> Result.toOption |> Option.map (makeWith [ scriptField ])
    | None -> find name

/// A loss from Python of which only what the experiment says is known: a script writes paths that are relative to it.
let private unread (name: string) (settings: LossSettings) : LossDescriptor =
    LossDescriptor(
        Name = name,
        Title = name,
        Source = "",
        Formula = "",
        Parameters = [| for parameter in settings.Parameters -> ParameterDescriptor.Number(parameter.Key, 0.0, "") |],
        Create = fun _ -> invalidOp "What was not read is not trained."
    )

/// Settings that every loss from Python has; its parameters are further numbers.
let private scriptedShape () =
    match (makeWith [ scriptField ] (unread "" blank)).Shape with
    | EitherShape(RecordShape fields :: _) -> OpenShape(fields, NumberShape any)
    | other -> other

/// Every loss with its settings.
let private builtInShape () =
    RecordShape
        [ for loss in LossCatalog.All ->
              { Key = loss.Name
                Doc = $"{loss.Title}: {loss.Formula} ({loss.Source})."
                Required = false
                Default = ""
                Shape = made.Value[loss.Name].Shape } ]

/// Every loss with its settings in a variant. Losses from Python have names of the experiment's own.
let variantShape () =
    match builtInShape () with
    | RecordShape fields -> OpenShape(fields, OpenShape([], AnyShape))
    | other -> other

/// Every loss with its settings where it is declared.
let shape () =
    match builtInShape () with
    | RecordShape fields -> OpenShape(fields, scriptedShape ())
    | other -> other

/// `codecOf`: of a loss with its name and its settings.
let private editIn codecOf path (settings: (string * LossSettings) list) : Result<Edit<(string * LossSettings) list>, PathMistake> =
    match path with
    | [] -> Error(NoSuchPart "")
    | name :: rest ->
        let current = settings |> List.tryFind (fun (key, _) -> key = name) |> Option.map snd

        match current |> Option.bind (codecOf name), current with
        | Some(codec: Codec<LossSettings>), Some current ->
            codec.Edit rest current
            |> Result.map (fun edit reader path node ->
                edit reader path node
                |> Option.map (fun change -> List.map (fun (key, value) -> key, (if key = name then change value else value))))
            |> Result.mapError (function
                | NoSuchKey(after, wrong, legal) -> NoSuchKey(name :: after, wrong, legal)
                | other -> other)
        | _ -> Error(NoSuchKey([], name, List.map fst settings))

/// A name that an experiment may give a loss: it is a part of paths and of file formats.
let private isName (name: string) = name <> "" && name |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || "_-+".Contains c)

/// A loss with a file of its own. A file that cannot be used is reported, and nothing that follows from it.
let private readScripted (reader: Reader) path (entry: Entry) (script: Node) : string * LossSettings =
    let path = entry.Name :: path

    let fail (at: Place) mistake =
        reader.Report(path, at, mistake)
        entry.Name, { blank with Script = Some "" }

    if (find entry.Name).IsSome then
        fail entry.At (BuiltInLossName entry.Name)
    elif not (isName entry.Name) then
        let bad = entry.Name |> Seq.tryFind (fun c -> not (isName (string c))) |> Option.map string |> Option.defaultValue ""
        fail entry.At (BadName("loss", entry.Name, bad))
    else
        match TorchScriptCodec.lossFile.Read reader ("torchscript" :: path) script with
        | None -> entry.Name, { blank with Script = Some "" }
        | Some file ->
            ofDeclaration entry.Name { blank with Script = Some file }
            |> Option.bind (fun codec -> codec.Read reader path entry.Value)
            |> fun settings -> entry.Name, { defaultArg settings blank with Script = Some file }

/// The section `losses`.
let declared: Codec<(string * LossSettings) list> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping [] ->
            reader.Report(path, Node.place node, EmptyList "losses")
            None
        | Mapping entries ->
            Some
                [ for entry in entries do
                      match Node.entry "torchscript" entry.Value, find entry.Name with
                      | Some script, _ -> readScripted reader path entry script.Value
                      | None, Some codec ->
                          match codec.Read reader (entry.Name :: path) entry.Value with
                          | Some settings -> entry.Name, settings
                          | None -> entry.Name, blank
                      | None, None ->
                          let near = Suggest.near entry.Name (names ())
                          reader.Meant(entry.Name :: near)
                          reader.Report(entry.Name :: path, entry.At, UnknownName(Thing.Loss, entry.Name, names (), near)) ]
        | Sequence(_ :: _) ->
            reader.Report(path, Node.place node, ListForNames "losses")
            None
        | _ ->
            reader.Report(path, Node.place node, WrongKind(WantMapping None, Node.kind node))
            None

    { Shape = shape ()
      Read = read
      Write =
        fun losses ->
            Entries
                [ for name, settings in losses ->
                      name,
                      (match ofDeclaration name settings, settings.Script with
                       | Some codec, _ -> codec.Write settings
                       // The file is read, and reported where it cannot be used, by whoever reads what is written here.
                       | None, Some _ -> (makeWith [ scriptField ] (unread name settings)).Write settings
                       | None, None -> Entries []) ]
      Edit = editIn ofDeclaration }

/// Edits the losses of a variant: `cd.weight`.
let edit (declared: Declared) = editIn (fun name _ -> ofVariant declared name)
