/// What is wrong with a text that is no YAML, in terms of what people do wrong rather than of what a parser expects.
module internal ChannelDistillation.Dsl.YamlSyntax

open System
open YamlDotNet.Core

let private place source line column length =
    { Source = source
      Line = line
      Column = column
      Length = length }

let private at (source: Source) (mark: Mark) =
    let line = max 1 (int mark.Line)
    let text = source.Line line
    // A mark at the end of a line, or of the file, points at nothing: show the last character instead.
    let column = Math.Clamp(int mark.Column, 1, max 1 text.Length)
    place source line column 1

/// The indentation of a line, if it holds a tab: YAML takes spaces only.
let private tabs (source: Source) =
    let lines = source.Text.Split '\n'

    [ for number in 1 .. lines.Length do
          let line = lines[number - 1]
          let indent = line.Length - line.TrimStart(' ', '\t').Length

          if indent < line.TrimEnd().Length then
              match line.IndexOf('\t', 0, indent) with
              | -1 -> ()
              | column -> place source number (column + 1) 1 ]

/// `key: a: b` and `key:value`, the two commonest slips around a colon.
let private colon (source: Source) number =
    let line = source.Line number
    let body = line.Trim()
    let first = body.IndexOf ": "

    if first > 0 && body.IndexOf(": ", first + 2) > 0 && not (body.Contains '{') then
        Some ColonInValue
    elif first < 0 && body.IndexOf ':' > 0 && not (body.EndsWith ':') then
        Some NoSpaceAfterColon
    else
        None

let private openBracket (source: Source) upTo =
    let mutable stack = []
    let lines = source.Text.Split '\n'

    for number in 1 .. min upTo lines.Length do
        let line = lines[number - 1]
        let mutable quote = ' '

        for column in 0 .. line.Length - 1 do
            match line[column] with
            | '"'
            | '\'' when quote = ' ' -> quote <- line[column]
            | letter when letter = quote -> quote <- ' '
            | _ when quote <> ' ' -> ()
            | '['
            | '{' -> stack <- place source number (column + 1) 1 :: stack
            | ']'
            | '}' -> stack <- List.truncate (stack.Length - 1) (List.skip (min 1 stack.Length) stack)
            | _ -> ()

    List.tryHead stack

/// Every problem to report for a text that the parser gave up on.
let explain (source: Source) (failure: exn) : Problem list =
    let one mistake (place: Place) =
        [ { Mistake = Syntax mistake
            Place = Some place } ]

    match tabs source with
    | _ :: _ as found ->
        found
        |> List.truncate 20
        |> List.map (fun place -> { Mistake = TabIndent; Place = Some place })
    | [] ->
        match failure with
        | :? YamlException as failure ->
            let says (words: string) =
                failure.Message.Contains(words, StringComparison.OrdinalIgnoreCase)

            let here = at source failure.Start
            let letter = (source.Line here.Line).Substring(here.Column - 1)
            let start = if letter = "" then ' ' else letter[0]

            if says "quoted scalar" then
                one UnclosedQuote here
            elif says "escape" then
                one BadEscape (at source failure.End)
            elif start = ']' || start = '}' then
                one (UnexpectedClosing(string start)) here
            elif says "flow mapping" || says "flow sequence" then
                match openBracket source here.Line with
                | Some opening -> one (UnclosedBracket(string ((source.Line opening.Line)[opening.Column - 1]))) opening
                | None -> one Unreadable here
            elif says "cannot start any token" || start = '@' || start = '`' || start = '%' then
                one (ReservedCharacter(string start)) here
            else
                match colon source here.Line |> Option.orElse (colon source (here.Line - 1)) with
                | Some slip when (colon source here.Line).IsSome -> one slip here
                | Some slip ->
                    let line = source.Line(here.Line - 1)
                    let indent = line.Length - line.TrimStart().Length
                    one slip (place source (here.Line - 1) (indent + 1) (line.Trim().Length))
                | None when says "block mapping" || says "block collection" || says "block sequence" || says "mapping values" || says "simple key" ->
                    one BadIndent here
                | None -> one Unreadable here
        | _ -> one Unreadable (place source 1 1 0)
