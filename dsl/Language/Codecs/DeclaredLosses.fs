/// The section `losses`: built-in losses with their settings, and losses from Python with their files.
module ChannelDistillation.Dsl.Codecs.DeclaredLosses

open System
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec
open ChannelDistillation.Dsl.Codecs.LossCodec

let private scriptField: Field<LossSettings> =
    Field.required
        "torchscript"
        "A loss from Python: path of a TorchScript file, relative to this file. Its code is executed (docs/python.md)."
        []
        (fun settings -> defaultArg settings.Script "")
        (fun value settings -> { settings with Script = Some value })
        TorchScriptCodec.lossFile

type private Declared = (string * LossSettings) list

/// The file of a declared loss from Python.
let private scriptOf (declared: Declared) (name: string) = declared |> List.tryFind (fun (key, _) -> key = name) |> Option.bind (snd >> _.Script)

/// The descriptor of a loss of the experiment, from its file if it is declared with one. None: the loss is unknown or its file cannot be used.
let descriptor (declared: Declared) (name: string) : LossDescriptor option =
    match scriptOf declared name with
    | Some file -> TorchScriptCodec.loss file name |> Result.toOption
    | None -> LossCatalog.Find name |> Option.ofObj

/// The codec of a loss's settings in a variant.
let ofVariant (declared: Declared) (name: string) : Codec<LossSettings> option =
    match scriptOf declared name with
    | Some _ -> descriptor declared name |> Option.map make
    | None -> find name

/// The codec of a loss's settings where it is declared.
let private ofDeclaration (name: string) (settings: LossSettings) : Codec<LossSettings> option =
    match settings.Script with
    | Some file -> TorchScriptCodec.loss file name |> Result.toOption |> Option.map (makeWith [ scriptField ])
    | None -> find name

/// A stand-in descriptor for a loss whose file was not read: F# scripts write paths that are relative to the script.
let private unread (name: string) (settings: LossSettings) : LossDescriptor =
    LossDescriptor(
        Name = name,
        Title = name,
        Source = "",
        Formula = "",
        Parameters = [| for parameter in settings.Parameters -> ParameterDescriptor.Number(parameter.Key, 0.0, "") |],
        Create = fun _ -> invalidOp "A loss whose file was not read cannot be trained."
    )

/// The settings common to losses from Python; their parameters are further numbers.
let private scriptedShape () =
    match (makeWith [ scriptField ] (unread "" blank)).Shape with
    | EitherShape(RecordShape fields :: _) -> OpenShape(fields, NumberShape any)
    | other -> other

/// All losses with their settings in a variant. The experiment chooses the names of losses from Python.
let variantShape () =
    match LossCodec.shape () with
    | RecordShape fields -> OpenShape(fields, OpenShape([], AnyShape))
    | other -> other

/// All losses with their settings where they are declared.
let private shape () =
    match LossCodec.shape () with
    | RecordShape fields -> OpenShape(fields, scriptedShape ())
    | other -> other

/// `codecOf`: the codec of a loss, given its name and settings.
let private editIn codecOf path (settings: (string * LossSettings) list) : Result<Edit<(string * LossSettings) list>, PathDiagnostic> =
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

/// Whether a text can name a loss. The name becomes part of paths and output files.
let private isName (name: string) = name <> "" && name |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || "_-+".Contains c)

/// Reads a loss from Python. If its file cannot be used, only that is reported.
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
let codec: Codec<(string * LossSettings) list> =
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
            reader.Report(path, Node.place node, ListForMapping "losses")
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
                       // The reader of this YAML reads the file and reports whether it can be used.
                       | None, Some _ -> (makeWith [ scriptField ] (unread name settings)).Write settings
                       | None, None -> Entries []) ]
      Edit = editIn ofDeclaration }

/// Edits a path within the losses of a variant, such as `cd.weight`.
let edit (declared: Declared) = editIn (fun name _ -> ofVariant declared name)
