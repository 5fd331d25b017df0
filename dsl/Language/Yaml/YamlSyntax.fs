/// Explains invalid YAML in terms of common mistakes rather than of parser states.
module internal ChannelDistillation.Dsl.Yaml.YamlSyntax

open System
open YamlDotNet.Core
open ChannelDistillation.Dsl

let private place source line column length = { Source = source; Line = line; Column = column; Length = length }

/// The word at a position; past the end of the line, its last character.
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

/// The first tab in the indentation of each line that has one; YAML allows only spaces.
let private tabs (source: Source) =
    let lines = source.Text.Split '\n'

    [ for number in 1 .. lines.Length do
          let line = lines[number - 1]
          let indent = line.Length - line.TrimStart(' ', '\t').Length

          if indent < line.TrimEnd().Length then
              match line.IndexOf('\t', 0, indent) with
              | -1 -> ()
              | column -> place source number (column + 1) 1 ]

/// A line without its comment.
let private withoutComment (line: string) =
    let isComment index = line[index] = '#' && (index = 0 || Char.IsWhiteSpace line[index - 1])

    match Seq.tryFind isComment (seq { 0 .. line.Length - 1 }) with
    | Some index -> line.Substring(0, index)
    | None -> line

/// The innermost bracket that is not closed at the end of the text.
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

/// The two common mistakes with colons, `key: a: b` and `key:value`.
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

/// A key without a colon: a line with one word, above a line that is indented further.
let private bareKey (source: Source) number =
    let above, here = withoutComment (source.Line(number - 1)), source.Line number
    let indent (line: string) = line.Length - line.TrimStart().Length
    let isWord = above.Trim() <> "" && above.Trim() |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || "_+.".Contains c)

    if isWord && indent here > indent above then
        Some(firstWord source (number - 1))
    else
        None

let private slip (source: Source) (failure: YamlException) : SyntaxDiagnostic * Place =
    let contains (part: string) = failure.Message.Contains(part, StringComparison.OrdinalIgnoreCase)

    let line, column = max 1 (int failure.Start.Line), max 1 (int failure.Start.Column)
    let here = wordAt source line column
    let text = source.Line line
    let letter = if text = "" then ' ' else text[here.Column - 1]

    if contains "quoted scalar" && contains "escape" then
        BadEscape, place source (int failure.End.Line) (max 1 (int failure.End.Column - 1)) 2
    elif contains "quoted scalar" then
        UnclosedQuote, { here with Length = 1 }
    elif contains "flow mapping" || contains "flow sequence" || source.Line(line).Trim() = "" then
        match openBracket source with
        | Some opening -> UnclosedBracket(letterAt opening), opening
        | None -> Unreadable, { here with Length = 1 }
    elif letter = ']' || letter = '}' then
        UnexpectedClosing(string letter), { here with Length = 1 }
    elif contains "cannot start any token" then
        ReservedCharacter(string letter), { here with Length = 1 }
    elif contains "sequence entries are not allowed" then
        DashAfterKey, { here with Length = 1 }
    else
        match colonSlip source line, colonSlip source (line - 1) with
        | Some slip, _ -> slip, here
        | None, Some NoSpaceAfterColon -> NoSpaceAfterColon, firstWord source (line - 1)
        | None, _ when contains "did not find expected key" && column > 1 + text.Length - text.TrimStart().Length -> AfterValue, here
        | None, _ when line > 1 && (contains "block" || contains "invalid mapping" || contains "mapping values" || contains "simple key") ->
            match bareKey source line with
            | Some key -> MissingColon, key
            | None -> BadIndent, firstWord source line
        | None, _ -> Unreadable, { here with Length = 1 }

/// The problems to report for a text that the parser rejected.
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
