namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// The experiment of a script, and the paths of required keys that the script did not set.
type Described = { Experiment: Experiment; MissingKeys: string list list }

/// The computation expression `experiment "..." { ... }`: lines, and loops and conditions with lines in them.
type ExperimentBuilder(name: string) =
    member _.Yield(word: Line) : Line = word
    member _.Zero() : Line = Line id
    member _.Combine(first: Line, second: Line) : Line = Line(Line.apply first >> Line.apply second)
    member _.Delay(lines: unit -> Line) : Line = lines ()

    member _.For(items: 'item seq, lines: 'item -> Line) : Line =
        Line(fun draft -> (draft, items) ||> Seq.fold (fun draft item -> Line.apply (lines item) draft))

    member _.Run(lines: Line) : Described =
        let draft =
            { Experiment = { ExperimentCodec.blank with Name = name; Train = Silent.train; Seeds = [ 0L ] }
              Teacher = no_teacher
              Said = Set.empty }
            |> Line.apply lines

        let experiment = { draft.Experiment with Teacher = draft.Teacher draft.Experiment.Train }

        let sections =
            [ "dataset"; "student"; "train"; "teacher"; "losses"; "variants" ] |> List.filter (draft.Said.Contains >> not)

        { Experiment = experiment
          MissingKeys =
            [ for section in sections do
                  yield [ section ]
              for key in Silent.keys experiment.Train do
                  yield [ "train"; key ]
              match experiment.Teacher with
              | Some { Source = Trained(recipe, _) } ->
                  for key in Silent.keys recipe do
                      yield [ "teacher"; "train"; key ]
              | _ -> () ] }

/// Experiments in F#, equivalent to YAML, with loops, conditions and functions.
///
///     open ChannelDistillation.Dsl.Builders
///
///     experiment "example" {
///         dataset "fashion-mnist"
///         teacher (train ("resnet20", [ epochs 30 ]))
///         student "resnet8"
///         train [ epochs 30; batch 128; sgd 0.1 [ momentum 0.9 ]; cosine ]
///         losses [ ce; kd; cd ]
///         variant "student" [ ce ]
///
///         for t in [ 1.0; 4.0; 16.0 ] do
///             variant $"kd at {t}" [ ce; kd |> temperature t ]
///
///         seeds [ 0; 1; 2 ]
///     }
///     |> emit
[<AutoOpen>]
module Computation =
    /// An experiment. The name is also that of its output folder.
    let experiment (name: string) = ExperimentBuilder name
