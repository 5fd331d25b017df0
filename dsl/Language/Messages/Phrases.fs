/// What messages are made of.
module internal ChannelDistillation.Dsl.Messages.Phrases

open ChannelDistillation.Losses
open ChannelDistillation.Dsl.Words

type Message = { Title: string; Text: string; Hint: string }

let say title text hint = Some { Title = title; Text = text; Hint = hint }

/// Full names for losses, where they help to choose.
let described (name: string) =
    match LossCatalog.Find name with
    | null -> code name
    | loss -> $"{code name} ({loss.Title.ToLowerInvariant()})"

let maybe describe (near: string list) =
    match near with
    | [] -> ""
    | _ ->
        let words = near |> List.map describe
        let joined = System.String.Join(" or ", words)
        $"maybe you want {joined}?"

let suggest = maybe code

let andKnown (hint: string) (legal: string list) =
    let list = if legal.IsEmpty then "" else $"I know: {known legal}."
    (hint + " " + list).Trim()

let anchor name = code ("&" + name)
let counted number = count number "value"
let inEpochs number = count number "epoch"
