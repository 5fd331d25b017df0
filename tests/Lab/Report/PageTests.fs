/// report.html in a real browser.
module ChannelDistillation.Tests.Lab.Report.PageTests

open System.Collections.Generic
open System.IO
open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Export
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Tables

let private numbers (entries: (string * float) list) : IReadOnlyDictionary<string, float> = Dictionary(dict entries)

/// Loss weights as in EDT: CE starts late, CD decays.
let private epoch (weight: float) (error: float) epoch =
    EpochRecord(
        Epoch = epoch,
        LearningRate = 0.1 / float epoch,
        Loss = 2.0 / float epoch,
        Losses = numbers [ "cd", 0.5; "ce", 1.0 ],
        LossWeights = numbers [ "ce", (if epoch = 1 then 0.0 else 1.0); "cd", weight / float epoch ],
        TrainTop1Error = error,
        TrainTop5Error = 5.0,
        Top1Error = error + 30.0 / float epoch,
        Top5Error = 6.0,
        ImagesPerSecond = 800.0,
        Seconds = 9.0
    )

let private writeRunOf (epochs: int) (weight: float) (root: string) (name: string) (status: RunStatus) error =
    let path = Path.Combine(root, name)
    Directory.CreateDirectory path |> ignore
    let folder = RunFolder path

    for index in 1..epochs do
        folder.AppendMetrics(epoch weight error index)

    let hash = name.Substring(name.Length - 8)

    File.WriteAllText(
        Path.Combine(path, "run.json"),
        $"{{\"run\": \"{name}\", \"hash\": \"{hash}\", \"spec\": {{\"student\": {{\"name\": \"resnet8\"}}}}, \"started\": \"2026-11-23T04:00:00Z\", \"ended\": \"2026-11-23T04:05:00Z\"}}"
    )

    let last = EpochErrors(3, error + 10.0, 6.0)

    let message =
        if status = RunStatus.Completed then
            null
        else
            "In epoch 3, <b>cd</b> became infinite."

    folder.WriteResult(RunResult(status, last, last, message))

let private writeRun = writeRunOf 3 6.0

/// Two variants, one of them on a grid of two axes, with a run that diverged.
let private layoutIn (root: string) : TableLayout =
    let mutable index = 0

    let row variant axes error status : LayoutRow =
        let folders =
            [ for seed in 0..1 do
                  index <- index + 1
                  let name = $"{variant}-seed{seed}-{index:x8}"
                  writeRun root name status (error + float seed)
                  name ]

        { TinyLayout.row variant axes (Some { Parameters = 77_754L; MultiplyAdds = Some 12_206_720L }) with
            Folders = folders
            Seeds = [ 0L; 1L ] }

    { TinyLayout.layout
          [ row "student" [] 24.0 RunStatus.Completed
            for weight, temperature, error in [ "1", "1", 23.0; "1", "4", 22.0; "6", "1", 21.0; "6", "4", 25.5 ] do
                let status = if error > 25.0 then RunStatus.Diverged else RunStatus.Completed
                row "cd" [ "losses.cd.weight", weight; "losses.kd.temperature", temperature ] error status ] with
        Experiment = "a </script> & grid"
        Description = "Does everything show?"
        Epochs = [ 3 ] }

let private inBrowser (test: Browser -> string -> unit) =
    match Browser.TryStart() with
    | None -> skiptest "Chromium is not here (Debian: apt install chromium)"
    | Some browser ->
        use browser = browser
        use folder = new TemporaryFolder()
        let layout = layoutIn folder.Path
        let results = ResultTables.collect folder.Path layout
        // As `table --deploy` measures it.
        let cost = DeployCost(312_902L, 0.38, 1260.0)

        Deployment(2, "a CPU", "1.31.1", [| for row in layout.Rows -> DeployedRow(row.Variant, readOnlyDict row.Axes, 77_754L, 12_206_720L, cost) |])
            .Write(folder.Path)

        match Reports.write TableOptions.Default folder.Path results with
        | Ok page -> test browser page
        | Error reason -> failtest reason

/// The number of shapes in a chart: lines, bars and cells.
let private shapes id = $"document.querySelectorAll('#{id} svg path').length"

[<Tests>]
let tests =
    testSequenced
    <| testList
        "report.html"
        [ for width, scheme in [ 1440, "light"; 390, "dark" ] do
              test $"The page opens offline at {width} pixels in {scheme} with an empty console, and every chart has data" {
                  inBrowser (fun browser page ->
                      browser.Show(page, width, scheme)
                      Expect.equal (browser.Evaluate "document.querySelector('h1').textContent") "a </script> & grid" "title"
                      Expect.equal (browser.Evaluate "document.documentElement.dataset.theme") scheme "theme"

                      for id in [ "curves-chart"; "schedule-chart"; "grid-chart" ] do
                          Expect.isGreaterThan (int (browser.Evaluate(shapes id))) 8 id

                      let words = browser.Evaluate "[...document.querySelectorAll('#deploy-chart svg text')].map(t => t.textContent).join('|')"

                      // The row that diverged has no error.
                      for word in [ "student"; "cd, cd.weight 6, kd.temperature 1"; "latency of one image (ms)"; "top-1 error (%)" ] do
                          Expect.stringContains words word "error against latency"

                      Expect.isFalse (words.Contains "cd.weight 6, kd.temperature 4") "a row without an error"

                      let quantities = browser.Evaluate "[...document.getElementById('quantity').options].map(o => o.value).join()"

                      Expect.equal quantities "top1,top5,train1,loss,loss:cd,loss:ce,weight:ce,weight:cd,rate,speed" "what can be drawn"

                      for quantity in quantities.Split ',' do
                          browser.Evaluate
                              $"(() => {{ const s = document.getElementById('quantity'); s.value = '{quantity}'; s.dispatchEvent(new Event('change')); }})()"
                          |> ignore

                          Expect.isGreaterThan (int (browser.Evaluate(shapes "curves-chart"))) 8 quantity

                      // Only tables may be wider than the window.
                      Expect.equal (browser.Evaluate "String(document.documentElement.scrollWidth <= window.innerWidth)") "true" "width"
                      Expect.isEmpty browser.Messages "console")
              }

          test "Clicking a heading sorts its column ascending, then descending, then restores the order" {
              inBrowser (fun browser page ->
                  browser.Show(page, 1440, "light")

                  let column () =
                      browser.Evaluate "[...document.querySelectorAll('#table tbody tr')].map(row => row.cells[3].textContent.split(' ')[0]).join()"

                  let click () =
                      browser.Evaluate "document.querySelectorAll('#table th button')[3].click()" |> ignore
                      column ()

                  let original = column ()
                  Expect.equal original "34.50,33.50,32.50,31.50,–" "the experiment's order"
                  Expect.equal (click ()) "31.50,32.50,33.50,34.50,–" "up, nothing last"
                  Expect.equal (click ()) "34.50,33.50,32.50,31.50,–" "down, nothing last"
                  Expect.equal (click ()) original "back")
          }

          test "Two axes give a heat map in which the diverged run is marked" {
              inBrowser (fun browser page ->
                  browser.Show(page, 1440, "light")

                  browser.Evaluate
                      "(() => { const s = document.getElementById('grid-y'); s.value = 'losses.kd.temperature'; s.dispatchEvent(new Event('change')); })()"
                  |> ignore

                  let words = browser.Evaluate "[...document.querySelectorAll('#grid-chart svg text')].map(t => t.textContent).join('|')"

                  for word in [ "33.50"; "32.50"; "31.50"; "diverged"; "top-1 error (%)"; "cd.weight"; "kd.temperature" ] do
                      Expect.stringContains words word "in the chart")
          }

          test "Many rows fold the legend, one epoch is drawn as bars, and every weight of a row is in the chart of weights" {
              match Browser.TryStart() with
              | None -> skiptest "Chromium is not here (Debian: apt install chromium)"
              | Some browser ->
                  use browser = browser
                  let texts id = browser.Evaluate $"[...document.querySelectorAll('#{id} svg text')].map(t => t.textContent).join('|')"

                  let page epochs =
                      let folder = new TemporaryFolder()

                      let rows =
                          [ for weight in 1..14 do
                                let name = $"cd-{weight}-{weight:x8}"
                                writeRunOf epochs (float weight) folder.Path name RunStatus.Completed (20.0 + float weight)
                                { TinyLayout.row "cd" [ "losses.cd.weight", string weight ] None with Folders = [ name ] } ]

                      match Reports.write TableOptions.Default folder.Path (ResultTables.collect folder.Path (TinyLayout.layout rows)) with
                      | Ok page -> browser.Show(page, 1440, "light")
                      | Error reason -> failtest reason

                      folder

                  use _ = page 3
                  let names () = (texts "curves-chart").Split '|' |> Array.filter _.StartsWith("cd, ") |> Array.length
                  let button = "document.querySelector('#curves .fold')"
                  Expect.equal (browser.Evaluate $"{button}.textContent") "Show all 14 names" "button"
                  Expect.equal (names ()) 12 "names at first"
                  browser.Evaluate $"{button}.click()" |> ignore
                  Expect.equal (names ()) 14 "names after a click"
                  Expect.equal (browser.Evaluate $"{button}.textContent") "Show 12 names" "button after a click"
                  let schedules = texts "schedule-chart"

                  for weight in 1..14 do
                      Expect.stringContains schedules $"cd, cd.weight {weight} · cd" "each row has its own weight"

                  use _ = page 1
                  Expect.stringContains (texts "curves-chart") "cd, cd.weight 7" "a bar is named on the axis"
                  Expect.equal (browser.Evaluate "drawn.get(document.getElementById('curves-chart'))().series[0].type") "bar" "bars"
                  Expect.equal (browser.Evaluate $"String({button})") "null" "bars need no legend"
                  Expect.isEmpty browser.Messages "console"
          }

          test "The page of a run has its message, charts and specification" {
              inBrowser (fun browser page ->
                  browser.Show(page, 1440, "light")
                  browser.Evaluate "document.querySelectorAll('#runs tbody a')[9].click()" |> ignore
                  browser.WaitFor "document.querySelector('.message') !== null"
                  Expect.equal (browser.Evaluate "document.querySelector('.message').textContent") "In epoch 3, <b>cd</b> became infinite." "message"
                  Expect.equal (browser.Evaluate "String(document.querySelectorAll('#run-body .chart svg').length)") "4" "charts"
                  let specification = JsonNode.Parse(browser.Evaluate "document.querySelector('pre').textContent")
                  Expect.equal (string (specification["student"]["name"])) "resnet8" "specification"
                  Expect.equal (browser.Evaluate "String(document.getElementById('overview').hidden)") "true" "the overview is gone"
                  Expect.isEmpty browser.Messages "console")
          } ]
