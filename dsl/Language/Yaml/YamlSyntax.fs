/// What is wrong with a text that is no YAML, in terms of what people do wrong rather than of what a parser expects.
module internal ChannelDistillation.Dsl.Yaml.YamlSyntax

open System
open YamlDotNet.Core
open ChannelDistillation.Dsl

let private place source line column length = { Source = source; Line = line; Column = column; Length = length }

/// The word at a position; the last character of the line where the position is behind it.
let private wordAt (source: Source) line column =
    let text = source.Line line
    let column = Math.Clamp(column, 1, max 1 text.Length)
    let rest = text.Substring(min text.Length (column - 1))
    let length = rest |> Seq.takeWhile (fun c -> not (Char.IsWhiteSpace c || ",[]{}".Contains c)) |> Seq.length
    place source line column (max 1 length)

let private letterAt (place: Place) = (place.Source.Line place.Line).Substring(place.Column - 1, 1)

let private firstWord (source: Source) line =
    let text = source.Line line
    wordAt source line (text.Length - text.TrimStart().Length + 1)

/// The indentation of lines that hold a tab in it: YAML takes spaces only.
let private tabs (source: Source) =
    let lines = source.Text.Split '\n'

    [ for number in 1 .. lines.Length do
          let line = lines[number - 1]
          let indent = line.Length - line.TrimStart(' ', '\t').Length

          if indent < line.TrimEnd().Length then
              match line.IndexOf('\t', 0, indent) with
              | -1 -> ()
              | column -> place source number (column + 1) 1 ]

/// A line up to its comment.
let private withoutComment (line: string) =
    let isComment index = line[index] = '#' && (index = 0 || Char.IsWhiteSpace line[index - 1])

    match Seq.tryFind isComment (seq { 0 .. line.Length - 1 }) with
    | Some index -> line.Substring(0, index)
    | None -> line

/// The innermost bracket that is still open at the end of the text.
let private openBracket (source: Source) =
    let lines = source.Text.Split '\n'
    let mutable stack = []

    for number in 1 .. lines.Length do
        let line = withoutComment lines[number - 1]
        let mutable quote = ' '

        for column in 0 .. line.Length - 1 do
            let beginsWord = column = 0 || not (Char.IsLetterOrDigit line[column - 1])

            match line[column] with
            | letter when quote <> ' ' ->
                if letter = quote then
                    quote <- ' '
            | '"'
            | '\'' when beginsWord -> quote <- line[column]
            | '['
            | '{' -> stack <- place source number (column + 1) 1 :: stack
            | ']'
            | '}' -> stack <- List.skip (min 1 stack.Length) stack
            | _ -> ()

    List.tryHead stack

/// `key: a: b` and `key:value`, the two commonest slips around a colon.
let private colonSlip (source: Source) number =
    let line = source.Line number |> withoutComment
    let body = line.Trim()
    let first = body.IndexOf ": "

    if first > 0 && body.IndexOf(": ", first + 2) > 0 && not (body.Contains '{') then
        Some ColonInValue
    elif first < 0 && body.IndexOf ':' > 0 && not (body.EndsWith ':') then
        Some NoSpaceAfterColon
    else
        None

/// A line that is one word, above a line that is indented further: a key without its colon.
let private bareKey (source: Source) number =
    let above, here = withoutComment (source.Line(number - 1)), source.Line number
    let indent (line: string) = line.Length - line.TrimStart().Length
    let isWord = above.Trim() <> "" && above.Trim() |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || "_+.".Contains c)

    if isWord && indent here > indent above then
        Some(firstWord source (number - 1))
    else
        None

let private slip (source: Source) (failure: YamlException) : SyntaxDiagnostic * Place =
    let says (words: string) = failure.Message.Contains(words, StringComparison.OrdinalIgnoreCase)

    let line, column = max 1 (int failure.Start.Line), max 1 (int failure.Start.Column)
    let here = wordAt source line column
    let text = source.Line line
    let letter = if text = "" then ' ' else text[here.Column - 1]

    if says "quoted scalar" && says "escape" then
        BadEscape, place source (int failure.End.Line) (max 1 (int failure.End.Column - 1)) 2
    elif says "quoted scalar" then
        UnclosedQuote, { here with Length = 1 }
    elif says "flow mapping" || says "flow sequence" || source.Line(line).Trim() = "" then
        match openBracket source with
        | Some opening -> UnclosedBracket(letterAt opening), opening
        | None -> Unreadable, { here with Length = 1 }
    elif letter = ']' || letter = '}' then
        UnexpectedClosing(string letter), { here with Length = 1 }
    elif says "cannot start any token" then
        ReservedCharacter(string letter), { here with Length = 1 }
    elif says "sequence entries are not allowed" then
        DashAfterKey, { here with Length = 1 }
    else
        match colonSlip source line, colonSlip source (line - 1) with
        | Some slip, _ -> slip, here
        | None, Some NoSpaceAfterColon -> NoSpaceAfterColon, firstWord source (line - 1)
        | None, _ when says "did not find expected key" && column > 1 + text.Length - text.TrimStart().Length -> AfterValue, here
        | None, _ when line > 1 && (says "block" || says "invalid mapping" || says "mapping values" || says "simple key") ->
            match bareKey source line with
            | Some key -> MissingColon, key
            | None -> BadIndent, firstWord source line
        | None, _ -> Unreadable, { here with Length = 1 }

/// Every problem to report for a text that the parser gave up on.
let explain (source: Source) (failure: exn) : Problem list =
    match tabs source with
    | _ :: _ as found -> found |> List.truncate 20 |> List.map (fun place -> { Diagnostic = TabIndent; Place = Some place })
    | [] ->
        let mistake, place =
            match failure with
            | :? YamlException as failure -> slip source failure
            | _ ->
                match openBracket source with
                | Some opening -> UnclosedBracket(letterAt opening), opening
                | None -> Unreadable, place source 1 1 0

        [ { Diagnostic = Syntax mistake; Place = Some place } ]
