/// Building blocks of messages.
module internal ChannelDistillation.Dsl.Messages.Phrases

open ChannelDistillation.Losses
open ChannelDistillation.Dsl.Words

type Message = { Title: string; Text: string; Hint: string }

let say title text hint = Some { Title = title; Text = text; Hint = hint }

/// The name of a loss, with its full name where that is known.
let described (name: string) =
    match LossCatalog.Find name with
    | null -> code name
    | loss -> $"{code name} ({loss.Title.ToLowerInvariant()})"

let suggest = didYouMean code

/// A hint followed by a list of the possible names: `... Valid keys: a, b.`
let withKnown (label: string) (hint: string) (legal: string list) =
    match hint, legal with
    | _, [] -> hint
    | "", _ -> $"{label}: {known legal}."
    | _ -> $"{hint} {System.Char.ToUpperInvariant label[0]}{label.Substring 1}: {known legal}."

let anchor name = code ("&" + name)
let counted number = count number "value"
let inEpochs number = count number "epoch"
