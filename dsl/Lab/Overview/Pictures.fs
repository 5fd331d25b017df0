/// The picture of the README: a sweep's learning curves and its live view, drawn by a headless Chromium.
module ChannelDistillation.Lab.Overview.Pictures

open System
open System.ComponentModel
open System.Diagnostics
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Report
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Lab.Sweep

let private width, private height = 1000, 780

let private programs = [ "chromium"; "chromium-browser"; "google-chrome"; "chrome" ]

let private tryRun (program: string) (arguments: string list) =
    try
        use started =
            Process.Start(ProcessStartInfo(program, arguments, RedirectStandardOutput = true, RedirectStandardError = true))

        match started with
        | null -> None
        | started ->
            let said = started.StandardError.ReadToEndAsync()
            started.StandardOutput.ReadToEnd() |> ignore
            started.WaitForExit()
            Some(started.ExitCode, said.Result)
    with :? Win32Exception ->
        None

let private draw (page: string) (theme: string) (picture: string) =
    let arguments =
        [ "--headless"
          "--no-sandbox"
          "--disable-gpu"
          "--hide-scrollbars"
          "--force-device-scale-factor=1.5"
          $"--window-size={width},{height}"
          $"--screenshot={picture}"
          Uri(page).AbsoluteUri + "#" + theme ]

    match List.tryPick (fun program -> tryRun program arguments) programs with
    | Some(0, _) when File.Exists picture -> ()
    | Some(code, said) -> raise (MissingException $"Chromium could not draw the page (exit code {code}). {said}")
    | None -> raise (MissingException "The picture is drawn by Chromium, which is not here: apt install chromium, for instance.")

/// The runs of the first seed, which are told apart by their rows.
let private ofOneSeed (details: RunDetail list) =
    match details |> List.tryHead with
    | None -> []
    | Some first -> details |> List.filter (fun run -> run.Seed = first.Seed && not run.Epochs.IsEmpty)

/// Writes `results-light.png` and `results-dark.png` into a folder; returns their paths.
let write (folder: string) (experimentFolder: string) (results: Results) : string list =
    let details = Reports.details experimentFolder results.Layout
    let runs = ofOneSeed details

    if runs.IsEmpty then
        raise (MissingException $"No run in {experimentFolder} has finished an epoch: there is nothing to draw yet.")

    let epochs = runs |> List.map _.Epochs.Length |> List.max
    let terminal = Replay.html 96 (max 1 results.Layout.Seeds.Length) (max 1 (2 * epochs / 3)) runs
    let page = Path.Combine(Path.GetTempPath(), $"channel-distillation-picture-{Path.GetRandomFileName()}.html")
    Directory.CreateDirectory folder |> ignore

    try
        File.WriteAllText(page, ReportPage.picture results details terminal)

        [ for theme in [ "light"; "dark" ] ->
              let picture = Path.Combine(Path.GetFullPath folder, $"results-{theme}.png")
              draw page theme picture
              picture ]
    finally
        File.Delete page
