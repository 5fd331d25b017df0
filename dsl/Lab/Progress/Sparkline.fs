/// A curve in one line of text.
module ChannelDistillation.Lab.Progress.Sparkline

open System

let private bars = "▁▂▃▄▅▆▇█"

/// The last values, from the lowest of them to the highest; one that never changes is a flat line at the bottom.
let render (width: int) (values: float list) : string =
    let shown = values |> List.skip (max 0 (values.Length - width))

    match shown with
    | [] -> ""
    | _ ->
        let least, most = List.min shown, List.max shown

        let bar value =
            if most > least then
                bars[Math.Clamp(int ((value - least) / (most - least) * 8.0), 0, 7)]
            else
                bars[0]

        shown |> List.map bar |> Array.ofList |> String
