/// How long a cohort takes and how much memory it needs: from its own earlier epochs, or from a few rehearsed steps.
module ChannelDistillation.Lab.Overview.Estimate

open System
open System.Collections.Generic
open System.Diagnostics
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs

type Estimate =
    {
        Time: TimeSpan
        /// Of the whole process; None where only the time is known.
        Bytes: int64 option
        /// Where the numbers come from, in words.
        Source: string
    }

let private rehearsedSteps = 3

/// Seconds: a century. What a record says beyond it is no time.
let private longestEpoch = 3e9

let private median (values: float list) = (List.sort values)[values.Length / 2]

/// The fewest finished epochs of a run are what its cohort still has to go through.
let private epochsLeft (cohort: Job list) =
    cohort
    |> List.filter (fun job -> RunState.needsTraining false job.State)
    |> List.map (fun job -> job.Run.Spec.Train.Epochs - RunFolder(job.Folder).ReadMetrics().Count)
    |> List.fold max 0

let private stepsPerEpoch (images: int) (spec: RunSpec) = (images + spec.Train.Batch - 1) / spec.Train.Batch

/// From epochs that runs of this cohort have already finished; the speed is that of the company they had then.
let fromRecords (cohort: Job list) =
    let seconds =
        [ for job in cohort do
              for record in RunFolder(job.Folder).ReadMetrics() do
                  if record.Seconds >= 0.0 && record.Seconds < longestEpoch then
                      record.Seconds ]

    if seconds.IsEmpty then
        None
    else
        Some
            { Time = TimeSpan.FromSeconds(min 9e11 (float (epochsLeft cohort) * median seconds))
              Bytes = None
              Source = "from its earlier epochs" }

/// A step takes as long as the slower of host and GPU; this close to the host's part it is the host.
let private hostBound = 0.9

/// That several workers would use a GPU better; "" where they would not.
/// <param name="issue">Seconds in which the host issues a step, and those that the step takes in all.</param>
let hint (issue: float, step: float) =
    if issue >= hostBound * step then
        $"; issuing a step takes the CPU {1000.0 * issue:F1} of {1000.0 * step:F1} ms, so the GPU waits: --workers-per-device 2 may be faster"
    else
        ""

/// Rehearses a few steps of each kind of run in the cohort, on random images.
/// <param name="dataset">Theirs, with the number of its images.</param>
/// <param name="layouts">What networks compute in.</param>
let rehearse (device: string) (layouts: LayoutChoice) (dataset: DatasetDescriptor) (cohort: Job list) =
    let shown = Dictionary<string, float * float * int64>()
    let mutable issued = 0.0, infinity

    let cost (spec: RunSpec) =
        let kind =
            $"""{spec.Student} {String.Join(",", spec.Losses |> Seq.map _.Name)} {isNull spec.Teacher} {spec.Train.Precision}"""

        match shown.TryGetValue kind with
        | true, known -> known
        | _ ->
            use rehearsal = new StepProfiler(spec, device, layouts = layouts.Of(spec))
            rehearsal.Run 1 |> ignore
            let struct (teacher, lane) = rehearsal.Run rehearsedSteps

            if device.StartsWith "cuda" then
                issued <- rehearsal.Issue rehearsedSteps, rehearsal.RunAhead(5 * rehearsedSteps)

            let cost = teacher, lane, rehearsal.BytesPerLane
            shown[kind] <- cost
            cost

    let costs = [ for job in cohort -> cost job.Run.Spec ]
    let spec = cohort.Head.Run.Spec
    let struct (trainingImages, validationImages) = dataset.Images spec.Dataset.HeldOut
    let teacher = costs |> List.map (fun (teacher, _, _) -> teacher) |> List.max
    let lanes = costs |> List.sumBy (fun (_, lane, _) -> lane)
    let epochs = epochsLeft cohort
    // A teacher whose answers are kept is asked in the first epochs only.
    let asked =
        match cohort |> List.tryPick (fun job -> Option.ofObj job.Run.Spec.Teacher) with
        | Some teacher when teacher.Cache -> min epochs (Option.defaultValue 1 (Option.ofNullable spec.Dataset.Views))
        | _ -> epochs
    // Validation is a forward pass: about a third of a step.
    let epoch = float (stepsPerEpoch trainingImages spec) * lanes + float (stepsPerEpoch validationImages spec) * lanes / 3.0

    { Time = TimeSpan.FromSeconds(float epochs * epoch + float (asked * stepsPerEpoch trainingImages spec) * teacher)
      Bytes = Some(Process.GetCurrentProcess().PeakWorkingSet64 + (costs |> List.sumBy (fun (_, _, bytes) -> bytes)))
      Source = $"from {rehearsedSteps} rehearsed steps of each kind on {device}{hint issued}" }
