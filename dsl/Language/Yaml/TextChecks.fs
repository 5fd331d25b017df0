/// Problems of a text that make reading it as YAML pointless.
module internal ChannelDistillation.Dsl.Yaml.TextChecks

open System
open ChannelDistillation.Dsl

/// Whether a character is a control character other than a line break or tab.
let isControl (letter: char) = Char.IsControl letter && letter <> '\n' && letter <> '\r' && letter <> '\t'

/// The first control character in the text, which YAML does not allow.
let private controlCharacter (source: Source) =
    let text = source.Text
    let index = text |> Seq.tryFindIndex isControl

    index
    |> Option.map (fun index ->
        let before = text.Substring(0, index)

        { Diagnostic = ControlCharacter(int text[index])
          Place =
            Some
                { Source = source
                  Line = 1 + (before |> Seq.filter ((=) '\n') |> Seq.length)
                  Column = index - before.LastIndexOf '\n'
                  Length = 1 } })

/// The place of a line that Git writes into a file with conflicting versions.
let private conflictMarker (source: Source) : Problem option =
    let isMarker (line: string) =
        line.StartsWith "<<<<<<< " || line.StartsWith ">>>>>>> " || line.StartsWith "||||||| " || line.TrimEnd '\r' = "======="

    source.Text.Split '\n'
    |> Array.tryFindIndex isMarker
    |> Option.map (fun index ->
        { Diagnostic = ConflictMarker
          Place = Some { Source = source; Line = index + 1; Column = 1; Length = "<<<<<<<".Length } })

/// The first such problem.
let problem (source: Source) : Problem option = controlCharacter source |> Option.orElseWith (fun () -> conflictMarker source)
