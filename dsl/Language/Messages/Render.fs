/// Renders problems as text: what is wrong, where, and how to fix it.
module ChannelDistillation.Dsl.Messages.Render

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages.Phrases

let private width = 80

type private Ink = { Title: string -> string; Mark: string -> string; Number: string -> string; Hint: string -> string }

let private plain = { Title = id; Mark = id; Number = id; Hint = id }

let private coloured =
    let ink (number: string) text = $"\027[{number}m{text}\027[0m"

    { Title = ink "36"; Mark = ink "31"; Number = ink "2"; Hint = ink "32" }

/// Wraps text at the line width. Text between backticks is not broken.
let private wrap (text: string) =
    let words =
        (([], false), text.Split ' ')
        ||> Array.fold (fun (words, isOpen) word ->
            let odd = (word |> Seq.filter ((=) '`') |> Seq.length) % 2 = 1

            let words =
                match isOpen, words with
                | true, last :: before -> (last + " " + word) :: before
                | _ -> word :: words

            words, (isOpen <> odd))
        |> fst
        |> List.rev

    ([], words)
    ||> List.fold (fun lines word ->
        match lines with
        | line :: before when (line: string).Length + 1 + (word: string).Length <= width -> (line + " " + word) :: before
        | _ -> word :: lines)
    |> List.rev

let private longestLine = 100

/// The line to show and the index in it where the underlined part starts. Long lines are cut; tabs and control characters are made visible.
let private snippet (place: Place) =
    let line =
        place.Source.Line place.Line
        |> String.map (fun c ->
            if c = '\t' then '→'
            elif Terminal.isUnsafe c then '·'
            else c)

    let column = Math.Clamp(place.Column - 1, 0, line.Length)

    if line.Length <= longestLine then
        line, column
    else
        let start = Math.Clamp(column - 40, 0, line.Length - longestLine)
        let cut = line.Substring(start, longestLine)
        let before = if start > 0 then "..." else ""
        let after = if start + longestLine < line.Length then "..." else ""
        before + cut + after, column - start + before.Length

let private nameOf (source: Source) = Terminal.safe source.Name

let private header (ink: Ink) (message: Message) (place: Place option) =
    let where =
        match place with
        | Some place when place.Source.HasLines && place.Line > 0 -> $" {nameOf place.Source}:{place.Line}:{place.Column}"
        | Some place -> $" {nameOf place.Source}"
        | None -> ""

    let dashes = String('-', max 3 (width - message.Title.Length - 4 - Width.columns where))
    ink.Title $"-- {message.Title} {dashes}{where}"

/// Escapes control characters in text quoted from the file, before colours are added.
let private safe (message: Message) = { message with Text = Terminal.safe message.Text; Hint = Terminal.safe message.Hint }

let private one (ink: Ink) (problem: Problem) =
    let message = safe (DiagnosticText.message problem)

    [ header ink message problem.Place

      match problem.Place with
      | Some place when place.Length > 0 ->
          let line, column = snippet place
          let number = if place.Source.HasLines then string place.Line else " "
          let marked = line.Substring(column, Math.Clamp(place.Length, 0, line.Length - column))
          let marks = String('^', max 1 (Width.columns marked))
          $"{ink.Number number} | {line}"
          $"""{String(' ', number.Length)} | {String(' ', Width.columns (line.Substring(0, column)))}{ink.Mark marks}"""
      | _ -> ()

      // Lines after the first are output of another program and are not wrapped.
      match List.ofArray (message.Text.Split '\n') with
      | first :: others ->
          yield! wrap first
          yield! others
      | [] -> ()

      if message.Hint <> "" then
          yield! wrap ("Hint: " + message.Hint) |> List.map ink.Hint ]

let private sources (problems: Problem list) =
    problems |> List.choose (fun problem -> problem.Place |> Option.map (fun place -> nameOf place.Source)) |> List.distinct

let private opening (problems: Problem list) =
    let places =
        match sources problems with
        | [] -> ""
        | names -> " in " + String.Join(" and ", names)

    if problems |> List.forall (fun problem -> problem.IsWarning) then
        let count = MessageFormat.count problems.Length "warning"
        $"{count}{places}."
    else
        let count = MessageFormat.count problems.Length "problem"
        $"{count}{places}. No run was started."

/// The most problems shown at once: one mistake can affect a thousand lines.
let private most = 30

/// All problems as one text; only the first 30 in full.
let text (colour: bool) (problems: Problem list) =
    let ink = if colour then coloured else plain
    let shown = problems |> List.truncate most

    [ [ opening problems ]
      yield! shown |> List.map (one ink)
      if problems.Length > shown.Length then
          let rest = problems.Length - shown.Length
          [ $"... and {rest} more. Fix some of these to see them." ] ]
    |> List.map (fun lines -> String.Join("\n", lines))
    |> fun parts -> String.Join("\n\n", parts)

let private mayColour =
    lazy
        (not Console.IsErrorRedirected
         && String.IsNullOrEmpty(Environment.GetEnvironmentVariable "NO_COLOR")
         && Environment.GetEnvironmentVariable "TERM" <> "dumb")

/// All problems as text for standard error, coloured if it is a terminal.
let problems (problems: Problem list) = text mayColour.Value problems
