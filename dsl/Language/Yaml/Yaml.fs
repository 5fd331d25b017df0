/// Parses YAML into located nodes, with limits against malicious or broken files.
module ChannelDistillation.Dsl.Yaml.Yaml

open System
open System.Collections.Generic
open System.IO
open YamlDotNet.Core
open YamlDotNet.Core.Events
open ChannelDistillation.Dsl

/// The deepest nesting of lists and mappings.
let depthLimit = 64

/// The most values after expanding aliases, with which a small file can become huge.
let valueLimit = 1_000_000L

let private placeOf (source: Source) (start: Mark) (finish: Mark) =
    let line, column = max 1 (int start.Line), max 1 (int start.Column)
    let rest = (source.Line line).Length - column + 1

    let length =
        if finish.Line = start.Line && finish.Column > start.Column then
            int (finish.Column - start.Column)
        else
            (source.Line line).TrimEnd().Length - column + 1

    { Source = source; Line = line; Column = column; Length = Math.Clamp(length, 0, max 0 rest) }

let private current (parser: Parser) : ParsingEvent = nonNull parser.Current

/// A node with its number of values and nested levels after expanding aliases.
[<Struct>]
type private Composed = { Node: Node; Values: int64; Levels: int }

type private Composer(source: Source, parser: Parser, problems: ResizeArray<Problem>) =
    let anchors = Dictionary<string, Composed>()
    let unfinished = HashSet<string>()
    let mutable total = 0L

    let report place mistake = problems.Add { Diagnostic = mistake; Place = Some place }

    let abort place mistake = raise (Abort { Diagnostic = mistake; Place = Some place })

    let placeOfEvent (event: ParsingEvent) = placeOf source event.Start event.End

    let count place (composed: Composed) =
        total <- total + composed.Values

        if total > valueLimit || composed.Values > valueLimit then
            abort place (TooManyValues valueLimit)

        composed

    let checkTag (event: NodeEvent) =
        if not event.Tag.IsEmpty then
            let text = source.Line(int event.Start.Line)
            let column = int event.Start.Column
            let tag = text.Substring(min text.Length (column - 1)).Split(' ')[0]

            report { placeOfEvent event with Length = tag.Length } (TagUsed tag)

    /// The entries of `<<:`; the mapping's own entries take precedence.
    let merged place (node: Node) =
        let parts =
            match node.Content with
            | Sequence items -> items
            | _ -> [ node ]

        let entries =
            parts
            |> List.choose (fun part ->
                match part.Content with
                | Mapping entries -> Some entries
                | _ -> None)

        if entries.Length < parts.Length then
            report place MergeOfNoMapping

        List.concat entries

    member private this.Remember (event: NodeEvent) place compose =
        checkTag event

        if event.Anchor.IsEmpty then
            compose ()
        else
            let name = event.Anchor.Value
            unfinished.Add name |> ignore
            let composed: Composed = compose ()
            unfinished.Remove name |> ignore
            anchors[name] <- composed
            composed

    member this.Compose(depth: int, key: Place option) : Composed =
        let event = current parser
        let place = placeOfEvent event

        if depth > depthLimit then
            abort { place with Length = 1 } (TooDeep depthLimit)

        match event with
        | :? Scalar as scalar ->
            this.Remember scalar place (fun () ->
                parser.MoveNext() |> ignore

                match scalar.Value |> Seq.tryFind TextChecks.isControl with
                | Some letter -> report place (EscapedControl(int letter))
                | None -> ()

                let content =
                    if scalar.Style = ScalarStyle.Plain then
                        Plain scalar.Value
                    else
                        Quoted scalar.Value

                count place { Node = { Content = content; Place = place; Key = key }; Values = 1L; Levels = 0 })
        | :? AnchorAlias as alias ->
            parser.MoveNext() |> ignore
            let name = alias.Value.Value

            match anchors.TryGetValue name with
            | true, composed ->
                if depth + composed.Levels > depthLimit then
                    abort place (TooDeep depthLimit)

                count place composed
            | _ when unfinished.Contains name -> abort place (AnchorInsideItself name)
            | _ -> abort place (UnknownAnchor(name, Suggest.near name (List.ofSeq anchors.Keys)))
        | :? SequenceStart as start ->
            this.Remember start place (fun () ->
                parser.MoveNext() |> ignore
                let items = ResizeArray()

                while not (current parser :? SequenceEnd) do
                    items.Add(this.Compose(depth + 1, None))

                this.Collected(place, key, start.Start, (start.Style = SequenceStyle.Flow), Sequence [ for item in items -> item.Node ], items))
        | :? MappingStart as start ->
            this.Remember start place (fun () ->
                parser.MoveNext() |> ignore
                this.Mapping(depth, place, key, start))
        | _ -> abort place (Syntax Unreadable)

    member private _.Collected(place: Place, key, start: Mark, isFlow, content, parts: ResizeArray<Composed>) =
        // The parser marks the end of a collection in brackets at its closing bracket, and that of a block where the next value starts.
        let finish = (current parser).End

        let place =
            if isFlow && finish.Line = start.Line then
                { place with Length = int (finish.Column - start.Column) + 1 }
            elif isFlow then
                { place with Length = 1 }
            else
                place

        parser.MoveNext() |> ignore
        let values = 1L + (parts |> Seq.sumBy (fun part -> min part.Values valueLimit))

        // The parts are counted already; the sum is needed for aliases of the whole.
        total <- total + 1L

        { Node = { Content = content; Place = place; Key = key }
          Values = values
          Levels =
            1
            + (if parts.Count = 0 then
                   0
               else
                   parts |> Seq.map (fun part -> part.Levels) |> Seq.max) }

    /// YAML reads `{ lr: 0,1 }` as `lr: 0` and a key `1` without a value. Joins the two, so that the decimal comma is reported instead.
    static member private WithDecimals(before: Entry, at: Place, digits: string) =
        let isWhole (text: string) = text <> "" && Seq.forall Char.IsAsciiDigit text

        match before.Value.Content with
        | Plain text when isWhole digits && isWhole (text.TrimStart '-') ->
            let place = before.Value.Place

            let length =
                if at.Line = place.Line then
                    at.Column + at.Length - place.Column
                else
                    place.Length

            Some
                { before with
                    Value = { before.Value with Content = Plain $"{text},{digits}"; Place = { place with Length = length } } }
        | _ -> None

    member private this.Mapping(depth, place, key, start: MappingStart) =
        let own = ResizeArray<Entry>()
        let under = ResizeArray<Entry>()
        let seen = Dictionary<string, int>()
        let parts = ResizeArray<Composed>()

        while not (current parser :? MappingEnd) do
            let keyEvent = current parser
            let at = placeOfEvent keyEvent
            let composedKey = this.Compose(depth + 1, None)

            let name, mayMerge =
                match composedKey.Node.Content with
                | Plain text -> text, text = "<<"
                | Quoted text -> text, false
                | _ -> abort at KeyNotText

            let value = this.Compose(depth + 1, Some at)
            parts.Add value

            let decimals =
                if start.Style = MappingStyle.Flow && own.Count > 0 && Node.isNothing value.Node then
                    Composer.WithDecimals(own[own.Count - 1], at, name)
                else
                    None

            match decimals, seen.TryGetValue name with
            | Some whole, _ -> own[own.Count - 1] <- whole
            | None, (true, line) -> report at (DuplicateKey(name, line))
            | None, _ ->
                seen[name] <- at.Line

                if mayMerge then
                    under.AddRange(merged at value.Node)
                else
                    own.Add { Name = name; At = at; Value = value.Node }

        for entry in under do
            if seen.TryAdd(entry.Name, entry.At.Line) then
                own.Add entry

        this.Collected(place, key, start.Start, (start.Style = MappingStyle.Flow), Mapping(List.ofSeq own), parts)

/// Reads the document in a part of a source; `text` has spaces in place of the rest. Ok: the node, with the problems that do not
/// prevent reading. Error: all problems of a text that cannot be read.
let readPart (source: Source) (text: string) : Result<Node * Problem list, Problem list> =
    match TextChecks.problem source with
    | Some problem -> Error [ problem ]
    | None ->
        let problems = ResizeArray<Problem>()

        let empty = Error [ { Diagnostic = FileEmpty; Place = Some { Source = source; Line = 1; Column = 1; Length = 0 } } ]

        try
            let parser = Parser(new StringReader(text))
            parser.MoveNext() |> ignore
            parser.MoveNext() |> ignore

            match current parser with
            | :? StreamEnd -> empty
            | _ ->
                parser.MoveNext() |> ignore
                let root = Composer(source, parser, problems).Compose(0, None).Node
                parser.MoveNext() |> ignore

                if not (current parser :? StreamEnd) then
                    problems.Add { Diagnostic = SeveralDocuments; Place = Some(placeOf source (current parser).Start (current parser).End) }

                if problems.Count = 0 && Node.isNothing root then
                    empty
                else
                    Ok(root, List.ofSeq problems)
        with
        | Abort problem -> Error(List.ofSeq problems @ [ problem ])
        // The parser may throw any exception on malformed input; users must not see a stack trace.
        | failure -> Error(List.ofSeq problems @ YamlSyntax.explain source failure)

/// Reads the document of a source, with the problems that do not prevent reading.
let read (source: Source) = readPart source source.Text

/// Reads the document of a source; any problem is an error.
let parse (source: Source) : Result<Node, Problem list> =
    read source
    |> Result.bind (function
        | root, [] -> Ok root
        | _, problems -> Error problems)
