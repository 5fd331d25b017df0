/// Random edits of valid files. Every edit gives a plan or problems within seconds, and nothing in a file is silently ignored.
module ChannelDistillation.Tests.FuzzTests

open System
open System.IO
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Dsl.Builders

let private edits = 10_000

/// To try another ten thousand edits: `FUZZ_SEED=1 dotnet run -c Release --project tests -- --filter fuzz`.
let private seed =
    match Int32.TryParse(Environment.GetEnvironmentVariable "FUZZ_SEED") with
    | true, seed -> seed
    | _ -> 2006_01683

let private seeds =
    [| yield Base.text

       for name in ShippedTests.names do
           if name <> "imagenet-comparison" then
               yield File.ReadAllText(Path.Combine(Repository.root, "experiments", name + ".yaml"))

       yield
           Base.withGrid
               [ "product: { losses.cd.weight: [1, 3], train.lr_schedule: [constant, { cosine: { to: 0.1 } }] }"
                 "zip: [{ train.batch: [32, 64], train.optimizer.sgd.lr: { from: 0.1, to: 1, count: 2, scale: log } }]"
                 "exclude: [{ variant: cd, losses.cd.weight: 3 }]"
                 "include: [{ variant: [kd], losses.kd.temperature: 8 }]" ]
           + "x-a: &a { weight: 1 }\nx-b: { <<: *a }\n" |]

let private scraps =
    [| "\t"
       "\n"
       " "
       "  "
       ":"
       ": "
       "- "
       ","
       "["
       "]"
       "{"
       "}"
       "\""
       "'"
       "#"
       "&a "
       "*a"
       "<<: *a"
       "!!str "
       "|"
       ">"
       "%"
       "@"
       "\\"
       "\u0000"
       "\uFEFF"
       "é"
       "---\n"
       "..."
       "? "
       "~"
       "null"
       "none"
       "true"
       "yes"
       "0"
       "-1"
       "1e999"
       ".5"
       "0,1"
       "1e-4"
       "9999999999999999999"
       "{}"
       "[]"
       "kd"
       "cd"
       "ce"
       "step"
       "cosine"
       "edt: cifar"
       "resnet8"
       "resnet18"
       "extends: quickstart.yaml\n"
       "grid:\n"
       "seeds: [0]\n"
       "losses.cd.weight"
       "{ from: 0, to: 1, count: 3, scale: log }" |]

let private edit (random: Random) (text: string) =
    let position () = random.Next(text.Length + 1)

    let span () =
        let start = position ()
        start, random.Next(min 12 (text.Length - start + 1))

    match random.Next 6 with
    | 0 -> text.Insert(position (), scraps[random.Next scraps.Length])
    | 1 ->
        let start, length = span ()
        text.Remove(start, length)
    | 2 ->
        let start, length = span ()
        text.Remove(start, length).Insert(start, scraps[random.Next scraps.Length])
    | 3 ->
        // Replace a letter
        let start = min (position ()) (text.Length - 1)
        text.Remove(start, 1).Insert(start, string (char (random.Next(32, 127))))
    | 4 ->
        // Copy a line to another place
        let lines = text.Split '\n'
        let line = lines[random.Next lines.Length]
        let at = random.Next lines.Length
        String.Join("\n", Array.insertAt at line lines)
    | _ ->
        // Remove a line
        let lines = text.Split '\n'
        String.Join("\n", Array.removeAt (random.Next lines.Length) lines)

/// The names and hashes of a plan's runs.
let private identities (plan: Plan) = [ for run in plan.Runs -> run.Name, SpecJson.Hash run.Spec ]

/// Every one-line scalar of a file, with its place. Keys for anchors are left out, because they matter only where they are used.
let private scalars (root: Node) =
    let rec inside (node: Node) =
        match node.Content with
        | Plain text
        | Quoted text -> [ node.Place, text ]
        | Sequence items -> List.collect inside items
        | Mapping entries -> entries |> List.collect (fun entry -> inside entry.Value)

    let isShown (place: Place, text: string) =
        let line = place.Source.Line place.Line
        text <> "" && line.Substring(place.Column - 1).StartsWith(text, StringComparison.Ordinal)

    match root.Content with
    | Mapping entries -> entries |> List.filter (fun entry -> not (entry.Name.StartsWith "x-")) |> List.collect (fun entry -> inside entry.Value)
    | _ -> []
    |> List.filter isShown

let private replaced (text: string) (place: Place, old: string) (replacement: string) =
    let lines = text.Replace("\r\n", "\n").Replace('\r', '\n').Split '\n'
    let line = lines[place.Line - 1]
    lines[place.Line - 1] <- line.Remove(place.Column - 1, old.Length).Insert(place.Column - 1, replacement)
    String.Join("\n", lines)

/// The file as data, without comments, spaces and quotes.
let private data (root: Node) =
    match Node.setting root with
    | Entries entries -> Entries(entries |> List.filter (fun (key, _) -> not (key.StartsWith "x-")))
    | other -> other

let private parsed (text: string) =
    match Yaml.parse (Source("example.yaml", text)) with
    | Ok root -> root
    | Error problems -> failtest (Render.text false problems)

[<Tests>]
let tests =
    testList
        "fuzz"
        [ test "Ten thousand random edits give the written experiment or located problems, never an exception or a hang" {
              let random = Random seed
              let mutable planned, touched, same = 0, 0, 0
              let mutable slowest = TimeSpan.Zero

              for number in 1..edits do
                  let original = seeds[random.Next seeds.Length]
                  let mutable text = original

                  for _ in 0 .. random.Next 3 do
                      if text.Length > 0 then
                          text <- edit random text

                  let edited = text

                  let outcome, took =
                      ProcessorTime.ofWork (fun () ->
                          try
                              Base.tryPlan edited []
                          with failure ->
                              failtest $"edit {number}: {failure}\n{edited}")

                  slowest <- max slowest took

                  match outcome with
                  | Ok(plan, warnings) ->
                      planned <- planned + 1
                      Render.text false warnings |> ignore
                      // The experiment, written as YAML, is read as the same experiment ...
                      let again = Base.plan (yaml { Experiment = plan.Experiment; MissingKeys = [] }) []
                      Expect.equal again.Experiment plan.Experiment $"edit {number}, written out\n{text}"
                      Expect.equal (identities again) (identities plan) $"edit {number}, planned again\n{text}"
                      let root = parsed text

                      // ... an edit that does not change the data does not change the experiment ...
                      if data root = data (parsed original) then
                          same <- same + 1
                          Expect.equal plan.Experiment (Base.plan original []).Experiment $"edit {number}, the same data\n{text}"

                      // ... and no value is ignored: replacing it gives a problem or another experiment.
                      match scalars root with
                      | [] -> ()
                      | all ->
                          let scalar = all[random.Next all.Length]
                          let other = replaced text scalar "zzz9"
                          touched <- touched + 1

                          match Base.tryPlan other [] with
                          | Ok(changed, _) -> Expect.notEqual changed.Experiment plan.Experiment $"edit {number}, {snd scalar} is ignored\n{text}"
                          | Error problems -> Expect.isNonEmpty problems "a reason"
                  | Error problems ->
                      Expect.isNonEmpty problems $"edit {number}: a reason\n{text}"
                      let shown = Render.text true problems
                      Expect.isFalse (shown.Contains "Exception") $"edit {number}: {shown}\n{text}"

              Expect.isGreaterThan planned (edits / 20) "some edits leave a valid file"
              Expect.isGreaterThan same (edits / 50) "some only its data"
              Expect.isGreaterThan touched (edits / 20) "and values of those are changed"
              Expect.isLessThan slowest.TotalSeconds 5.0 "processor time of the slowest answer"
          }

          test "Changing any value changes the experiment or is a problem" {
              // Replaces each scalar of the file in turn; if the experiment stays the same, the value was ignored.
              let replacements = [ "7"; "0.25"; "false"; "kd"; "resnet14" ]
              let before = (Base.plan Base.text []).Experiment

              for scalar in scalars (parsed Base.text) do
                  for replacement in replacements do
                      if replacement <> snd scalar then
                          match Base.tryPlan (replaced Base.text scalar replacement) [] with
                          | Ok(plan, _) -> Expect.notEqual plan.Experiment before $"{replacement} for {snd scalar}"
                          | Error problems -> Expect.isNonEmpty problems "a reason"
          } ]
