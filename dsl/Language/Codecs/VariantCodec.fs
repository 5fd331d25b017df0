/// The section `variants`: the rows of the table.
module ChannelDistillation.Dsl.Codecs.VariantCodec

open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

/// The first character that some operating system does not allow in a folder name.
let private badCharacter (name: string) = name |> Seq.tryFind (fun c -> not (System.Char.IsAsciiLetterOrDigit c || "+-_. ".Contains c))

/// Whether Windows reserves a name for a device, with any extension; no folder can have such a name there.
let private isDevice (name: string) =
    let first = (name.Split('.')[0]).TrimEnd().ToUpperInvariant()
    let numbered (device: string) = first.Length = 4 && first.StartsWith device && System.Char.IsAsciiDigit(first[3]) && first[3] <> '0'
    List.contains first [ "CON"; "PRN"; "AUX"; "NUL" ] || numbered "COM" || numbered "LPT"

/// Reports a name that cannot be part of a folder name. An experiment's name is the whole name of a folder.
let checkName (reader: Reader) path (at: Place) key (name: string) =
    match badCharacter name with
    | Some bad -> reader.Report(path, at, BadName(key, name, string bad))
    | None when name.StartsWith '.' || name.EndsWith '.' -> reader.Report(path, at, BadName(key, name, "."))
    | None when name.Trim() <> name || name = "" -> reader.Report(path, at, BadName(key, name, " "))
    | None when name.StartsWith '-' -> reader.Report(path, at, BadName(key, name, "-"))
    // A seed follows the variant's name, so a variant can only equal a device name up to a dot.
    | None when (key = "experiment" || name.Contains '.') && isDevice name -> reader.Report(path, at, DeviceName name)
    | None when name.Length > 80 -> reader.Report(path, at, BadName(key, name, ""))
    | None -> ()

type private Loss = string * LossSettings

let private checkDeclared (reader: Reader) path (at: Place) variant (declared: string list) name =
    // Without declared losses, the section is missing or broken, which is reported already.
    if not (List.isEmpty declared) && not (List.contains name declared) && not (reader.WasMeant name) then
        let near =
            if List.contains name (LossCodec.names ()) then
                []
            else
                match Suggest.near name declared with
                | [] -> Suggest.near name (LossCodec.names ())
                | near -> near

        reader.Report(path, at, UndeclaredLoss(name, variant, declared, near))

/// `cd`, or `cd: { weight: 3 }`.
let private losses (losses: (string * LossSettings) list) : Codec<Loss list> =
    let declared = List.map fst losses

    let readItem (reader: Reader) path variant (item: Node) : (Place * Loss) list option =
        match item.Content with
        | (Plain name | Quoted name) when not (Node.isNothing item) ->
            checkDeclared reader path item.Place variant declared name
            Some [ item.Place, (name, LossCodec.blank) ]
        | Mapping entries ->
            Some
                [ for entry in entries do
                      checkDeclared reader (entry.Name :: path) entry.At variant declared entry.Name

                      match DeclaredLosses.ofVariant losses entry.Name with
                      | Some codec ->
                          match codec.Read reader (entry.Name :: path) entry.Value with
                          | Some settings -> entry.At, (entry.Name, settings)
                          | None -> entry.At, (entry.Name, LossCodec.blank)
                      | None -> entry.At, (entry.Name, LossCodec.blank) ]
        | _ ->
            reader.Report(path, item.Place, WrongKind(WantText, Node.kind item))
            None

    let read (reader: Reader) (path: string list) (node: Node) =
        let variant =
            match path with
            | "losses" :: name :: _ -> name
            | name :: _ -> name
            | [] -> ""

        match node.Content with
        | Sequence [] ->
            reader.Report(path, Node.place node, EmptyList variant)
            None
        | Sequence items ->
            let found =
                items
                |> List.mapi (fun index item -> readItem reader (string index :: path) variant item)
                |> List.choose id
                |> List.concat

            let seen = System.Collections.Generic.HashSet<string>()

            for at, (name, _) in found do
                if not (seen.Add name) then
                    reader.Report(path, at, Twice("losses", name))

            Some(List.map snd found)
        | _ ->
            reader.Report(path, Node.place node, WrongKind(WantList, Node.kind node))
            None

    // The experiment chooses the names of losses from Python.
    let item =
        EitherShape
            [ WordShape [ for loss in LossCatalog.All -> loss.Name, loss.Title ]
              TextShape
              DeclaredLosses.variantShape () ]

    { Shape = ListShape(item, true)
      Read = read
      Write =
        fun chosen ->
            Items
                [ for name, settings in chosen ->
                      match DeclaredLosses.ofVariant losses name with
                      | Some codec when settings <> LossCodec.blank -> Entries [ name, codec.Write settings ]
                      | _ -> Scalar name ]
      Edit =
        fun path chosen ->
            match path with
            | [] -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
            | _ -> DeclaredLosses.edit losses path chosen }

let private presets =
    word
        "edt"
        [ "cifar",
          "EDT on CIFAR: cd is multiplied by 0.9 from epochs 60 and 160 on; losses on logits and labels start in epoch 61; weight decay acts on all weights throughout.",
          CifarEdt
          "imagenet",
          "EDT on ImageNet: cd is multiplied by 0.9 every 30 epochs; losses on logits and labels start in epoch 31; weight decay acts on all weights throughout.",
          ImageNetEdt ]

let private mapping name declared =
    Record.codec
        { Variant.Name = name; Losses = []; Edt = None }
        false
        [ Field.required
              "losses"
              "Names of declared losses, with the settings that differ here."
              []
              _.Losses
              (fun value (variant: Variant) -> { variant with Losses = value })
              (losses declared)
          Field.optional
              "edt"
              "Preset of loss schedules (Early Decay Teacher)."
              ""
              []
              _.Edt
              (fun value (variant: Variant) -> { variant with Edt = value })
              presets ]

/// Whether a variant is a mapping like `losses`, `{ ce: , kd: { weight: 2 } }`, instead of a list.
let private isLosses (declared: (string * LossSettings) list) (entries: Entry list) =
    not (entries |> List.exists (fun entry -> entry.Name = "losses"))
    && entries |> List.exists (fun entry -> (DeclaredLosses.ofVariant declared entry.Name).IsSome)

/// Such a mapping as a list.
let private asList (entries: Entry list) =
    let item (entry: Entry) =
        match Node.isNothing entry.Value with
        | true -> entry.Name
        | false -> $"{entry.Name}: {Emit.flow (Node.setting entry.Value)}"

    let losses, others = entries |> List.partition (fun entry -> entry.Name <> "edt")
    let list = "[" + System.String.Join(", ", List.map item losses) + "]"

    match others with
    | [] -> list
    | edt :: _ -> $"{{ losses: {list}, {item edt} }}"

let private one name (declared: (string * LossSettings) list) : Codec<Variant> =
    let list = losses declared
    let record = mapping name declared

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping entries when isLosses declared entries ->
            reader.Report(path, Node.place node, LossesAsMapping(asList entries))

            // Read the losses anyway to report their other mistakes too.
            let items =
                [ for entry in entries do
                      if entry.Name <> "edt" then
                          { Content = Mapping [ entry ]; Place = entry.At; Key = None } ]

            list.Read reader path { node with Content = Sequence items } |> ignore
            None
        | Mapping _ -> record.Read reader path node
        | _ -> list.Read reader path node |> Option.map (fun losses -> { Name = name; Losses = losses; Edt = None })

    { Shape = EitherShape [ list.Shape; record.Shape ]
      Read = read
      Write =
        fun variant ->
            match variant.Edt with
            | None -> list.Write variant.Losses
            | Some _ -> record.Write variant
      Edit =
        fun path variant ->
            match path with
            | [] -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
            | ("losses" | "edt") :: _ -> record.Edit path variant
            | _ ->
                DeclaredLosses.edit declared path variant.Losses
                |> Result.map (fun edit reader path node ->
                    edit reader path node |> Option.map (fun change (variant: Variant) -> { variant with Losses = change variant.Losses })) }

/// The codec of all variants, given the declared losses.
let codec (declared: (string * LossSettings) list) : Codec<Variant list> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping [] ->
            reader.Report(path, Node.place node, EmptyList "variants")
            None
        | Mapping entries ->
            Some
                [ for entry in entries do
                      let path = entry.Name :: path
                      checkName reader path entry.At "variant" entry.Name

                      if entry.Name = "teacher" then
                          reader.Report(path, entry.At, ReservedName "teacher")

                      match (one entry.Name declared).Read reader path entry.Value with
                      | Some variant -> variant
                      | None -> () ]
        | Sequence(_ :: _) ->
            reader.Report(path, Node.place node, ListForMapping "variants")
            None
        | _ ->
            reader.Report(path, Node.place node, WrongKind(WantMapping None, Node.kind node))
            None

    { Shape = NamedShape((one "" []).Shape, false)
      Read = read
      Write = fun variants -> Entries [ for variant in variants -> variant.Name, (one variant.Name declared).Write variant ]
      Edit =
        fun path variants ->
            match path with
            | [] -> Error(NoSuchPart "")
            | name :: rest ->
                match variants |> List.tryFind (fun variant -> variant.Name = name) with
                | None -> Error(NoSuchKey([], name, variants |> List.map _.Name))
                | Some variant ->
                    (one name declared).Edit rest variant
                    |> Result.map (fun edit reader path node ->
                        edit reader path node
                        |> Option.map (fun change -> List.map (fun (other: Variant) -> if other.Name = name then change other else other)))
                    |> Result.mapError (function
                        | NoSuchKey(after, wrong, legal) -> NoSuchKey(name :: after, wrong, legal)
                        | other -> other) }
