namespace ChannelDistillation.Dsl.Codecs

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml

/// Why a path does not exist in an experiment.
type PathDiagnostic =
    | NoSuchKey of after: string list * segment: string * legal: string list
    | NoSuchCase of case: string
    | NoSuchPart of part: string

/// Reads a value from a node and returns the function that sets it; used for the axes of a grid.
type Edit<'whole> = Reader -> string list -> Node -> ('whole -> 'whole) option

/// Describes one type of value. Reading with located problems, writing, setting a part by its path, the JSON schema and the
/// documentation are all derived from it.
type Codec<'value> =
    {
        Shape: Shape
        /// Reads a value. The path has the last segment first. None: a problem was reported.
        Read: Reader -> string list -> Node -> 'value option
        Write: 'value -> Setting
        /// The setter of the part of a value at a path (first segment first).
        Edit: string list -> 'value -> Result<Edit<'value>, PathDiagnostic>
    }

/// Whether a key can be an axis of a grid.
type AxisUse =
    | IsAxis
    /// Only the paths below it can.
    | HasAxes
    /// It holds for the whole experiment.
    | IsFixed

/// A key of a record.
type Field<'record> =
    {
        Shape: FieldShape
        Axis: AxisUse
        /// Other common names for the key, which messages correct to it.
        Also: string list
        Take: Reader -> string list -> Node -> 'record -> 'record
        Give: 'record -> Setting option
        EditPart: string list -> 'record -> Result<Edit<'record>, PathDiagnostic>
    }

module Codec =
    /// A codec for values without parts.
    let leaf shape read write : Codec<'value> =
        { Shape = shape
          Read = read
          Write = write
          Edit =
            fun path _ ->
                match path with
                | [] -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
                | segment :: _ -> Error(NoSuchKey([], segment, [])) }

    let private wrong (reader: Reader) path (node: Node) wanted =
        let place = if Node.isNothing node then Node.place node else node.Place

        reader.Report(path, place, WrongKind(wanted, Node.kind node))
        None

    let text: Codec<string> =
        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Plain text when not (Node.isNothing node) -> Some text
            | Quoted text when text.Trim() <> "" -> Some text
            | _ -> wrong reader path node WantText

        leaf TextShape read Scalar

    let any: Bounds = { Minimum = -infinity; Maximum = infinity; AboveMinimum = false; BelowMaximum = false }

    let atLeast minimum = { any with Minimum = minimum }

    let above minimum = { any with Minimum = minimum; AboveMinimum = true }

    let between minimum maximum = { any with Minimum = minimum; Maximum = maximum }

    let within (bounds: Bounds) value =
        (if bounds.AboveMinimum then value > bounds.Minimum else value >= bounds.Minimum)
        && (if bounds.BelowMaximum then value < bounds.Maximum else value <= bounds.Maximum)

    /// The key that a value belongs to; for a list entry, the key of the list.
    let private keyOf (path: string list) =
        match path with
        | last :: list :: _ when last <> "" && System.Char.IsDigit last[0] -> list
        | last :: _ -> last
        | [] -> ""

    /// The number that `0,1`, `1_000` and the like stand for.
    let private maybeNumber parse (text: string) =
        let candidates =
            [ if text.Split(',').Length = 2 then
                  text.Replace(',', '.')
              text.Replace("_", "")
              text.Replace("'", "")
              text.TrimEnd('%').Trim()
              text.TrimEnd('f') ]

        candidates |> List.tryFind (fun candidate -> candidate <> text && Option.isSome (parse candidate))

    /// Reads `10%` as 0.1 if 10 is out of range.
    let private ofPercent (bounds: Bounds) (text: string) (candidate: string) =
        match text.EndsWith '%', Numbers.tryParse candidate with
        | true, Some value when not (within bounds value) -> Numbers.show (value / 100.0)
        | _ -> candidate

    let private scalar (reader: Reader) path (node: Node) wanted parse =
        match node.Content with
        | Plain text when not (Node.isNothing node) -> parse text
        | Quoted text when (Numbers.tryParse text).IsSome ->
            reader.Report(path, node.Place, NumberInQuotes text)
            None
        | _ -> wrong reader path node wanted

    let private outOfRange (reader: Reader) (path: string list) (node: Node) text bounds =
        let mistake =
            match path with
            | "weight" :: loss :: _ when bounds.Minimum = 0.0 && (text: string).StartsWith '-' -> NegativeWeight(loss, text)
            | _ -> OutOfRange(keyOf path, text, bounds)

        reader.Report(path, node.Place, mistake)
        None

    let number (bounds: Bounds) : Codec<float> =
        let read (reader: Reader) path (node: Node) =
            scalar reader path node WantNumber (fun text ->
                match Numbers.tryParse text with
                | Some value when within bounds value -> Some value
                | Some _ -> outOfRange reader path node text bounds
                | None ->
                    reader.Report(path, node.Place, NotANumber(text, maybeNumber Numbers.tryParse text |> Option.map (ofPercent bounds text)))
                    None)

        leaf (NumberShape bounds) read (Numbers.show >> Scalar)

    /// Upper bounds from here on are only sanity limits; the documentation omits them.
    let reasonable = 1_000_000L

    let whole (least: int64) (most: int64) : Codec<int64> =
        let bounds = between (float least) (float most)

        let read (reader: Reader) path (node: Node) =
            let fail mistake =
                reader.Report(path, node.Place, mistake)
                None

            scalar reader path node WantWholeNumber (fun text ->
                match Numbers.tryWhole text, Numbers.tryParse text with
                | Some value, _ when value >= least && value <= most -> Some value
                | None, None -> fail (NotANumber(text, maybeNumber Numbers.tryWhole text))
                | None, Some value when value <> System.Math.Floor value -> fail (NotWhole text)
                | _ when most < reasonable -> outOfRange reader path node text bounds
                | _, Some value when value > float least -> fail (TooLarge(keyOf path, text, most))
                | _ -> outOfRange reader path node text (atLeast (float least)))

        leaf (WholeShape(least, most)) read (fun value -> Scalar(string value))

    /// A codec for another type with the same notation.
    let map (into: 'a -> 'b) (out: 'b -> 'a) (codec: Codec<'a>) : Codec<'b> =
        { Shape = codec.Shape
          Read = fun reader path node -> codec.Read reader path node |> Option.map into
          Write = out >> codec.Write
          Edit =
            fun path value ->
                codec.Edit path (out value)
                |> Result.map (fun edit reader path node -> edit reader path node |> Option.map (fun change -> out >> change >> into)) }

    let int32 (least: int) (most: int) : Codec<int> = whole (int64 least) (int64 most) |> map int int64

    let flag: Codec<bool> =
        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Plain("true" | "True" | "TRUE") -> Some true
            | Plain("false" | "False" | "FALSE") -> Some false
            | Plain text
            | Quoted text when not (Node.isNothing node) ->
                let maybe =
                    match text.ToLowerInvariant() with
                    | "yes"
                    | "on"
                    | "y"
                    | "1"
                    | "true" -> Some "true"
                    | "no"
                    | "off"
                    | "n"
                    | "0"
                    | "false" -> Some "false"
                    | _ -> None

                reader.Report(path, node.Place, NotAFlag(text, maybe))
                None
            | _ -> wrong reader path node WantFlag

        leaf FlagShape read (fun value -> Scalar(if value then "true" else "false"))

    /// One of several names. `thing`: what it names.
    let named (thing: Thing) (names: unit -> (string * string) list) : Codec<string> =
        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Plain text
            | Quoted text when not (Node.isNothing node) ->
                let legal = names () |> List.map fst

                if List.contains text legal then
                    Some text
                else
                    reader.Report(path, node.Place, UnknownName(thing, text, legal, Suggest.near text legal))
                    None
            | _ -> wrong reader path node WantText

        { leaf TextShape read Scalar with Shape = WordShape(names ()) }

    /// A word that stands for a value.
    let word key (words: (string * string * 'value) list) : Codec<'value> =
        let names = words |> List.map (fun (name, doc, _) -> name, doc)

        named (Choice key) (fun () -> names)
        |> map (fun name -> words |> List.pick (fun (word, _, value) -> if word = name then Some value else None)) (fun value ->
            words |> List.pick (fun (word, _, known) -> if known = value then Some word else None))

    /// A list of at least one value.
    let list distinct (item: Codec<'value>) : Codec<'value list> =
        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Sequence [] ->
                reader.Report(path, Node.place node, EmptyList(keyOf path))
                None
            | Sequence items ->
                let read = items |> List.mapi (fun index node -> node, item.Read reader (string index :: path) node)

                let values = read |> List.choose snd

                if distinct then
                    let seen = System.Collections.Generic.HashSet<'value>(HashIdentity.Structural)

                    for node, value in read do
                        match value with
                        | Some value when not (seen.Add value) ->
                            let shown =
                                match node.Content with
                                | Plain text
                                | Quoted text -> text
                                | _ -> Emit.flow (Node.setting node)

                            reader.Report(path, node.Place, Twice(keyOf path, shown))
                        | _ -> ()

                if values.Length = items.Length then Some values else None
            | _ -> wrong reader path node WantList

        leaf (ListShape(item.Shape, distinct)) read (List.map item.Write >> Items)

    /// A list of texts. `entries`: the list that a single text in its place probably stands for.
    let texts distinct (entries: string -> string list) (item: Codec<string>) : Codec<string list> =
        let whole = list distinct item

        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Plain text
            | Quoted text when not (Node.isNothing node) && entries text <> [] -> wrong reader path node (WantEntries(entries text))
            | _ -> whole.Read reader path node

        leaf whole.Shape read whole.Write

    /// `none`, or a value.
    let orWord (none: string) (codec: Codec<'value>) : Codec<'value option> =
        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Plain text
            | Quoted text when text = none -> Some None
            | Mapping _ -> codec.Read reader path node |> Option.map Some
            | Plain text
            | Quoted text when Suggest.near text [ none ] <> [] && not (Node.isNothing node) ->
                reader.Report(path, node.Place, UnknownName(Choice(keyOf path), text, [], [ none ]))
                None
            | _ -> wrong reader path node (WantMappingOr none)

        { Shape = EitherShape [ WordShape [ none, "" ]; codec.Shape ]
          Read = read
          Write =
            function
            | None -> Scalar none
            | Some value -> codec.Write value
          Edit =
            fun path value ->
                match path, value with
                | [], _ -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
                | _, None -> Error(NoSuchPart none)
                | _, Some value ->
                    codec.Edit path value
                    |> Result.map (fun edit reader path node -> edit reader path node |> Option.map (fun change whole -> Option.map change whole)) }
