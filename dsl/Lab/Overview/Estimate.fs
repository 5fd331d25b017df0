/// Estimates the time and memory of a cohort from its earlier epochs, or from a few measured steps.
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
        /// Memory of the whole process. None: only the time is known.
        Bytes: int64 option
        /// Where the estimate comes from.
        Source: string
    }

let private measuredSteps = 3

/// A century in seconds; longer times in a record are ignored.
let private longestEpoch = 3e9

let private median (values: float list) = (List.sort values)[values.Length / 2]

/// The runs that still train.
let private left (cohort: Job list) = cohort |> List.filter (fun job -> RunState.needsTraining false job.State)

/// The number of epochs that the cohort still needs: that of its run with the fewest finished epochs.
let private epochsLeft (cohort: Job list) =
    left cohort
    |> List.map (fun job -> job.Run.Spec.Train.Epochs - RunFolder(job.Folder).ReadMetrics().Count)
    |> List.fold max 0

let private stepsPerEpoch (images: int) (spec: RunSpec) = (images + spec.Train.Batch - 1) / spec.Train.Batch

/// From the finished epochs of the cohort's runs. Lanes of a cohort share the time of an epoch, which grows with their number: an epoch of the
/// runs that are left takes their share of the time that an epoch took when all were trained.
let fromRecords (cohort: Job list) =
    let records = [ for job in cohort -> RunFolder(job.Folder).ReadMetrics() |> Seq.toList ]

    let seconds =
        [ for record in List.concat records do
              if record.Seconds >= 0.0 && record.Seconds < longestEpoch then
                  record.Seconds ]

    if seconds.IsEmpty then
        None
    else
        let lanes = records |> List.filter (List.isEmpty >> not) |> List.length
        let share = float (left cohort).Length / float lanes

        Some
            { Time = TimeSpan.FromSeconds(min 9e11 (float (epochsLeft cohort) * median seconds * share))
              Bytes = None
              Source = "from its earlier epochs" }

/// The CPU limits the speed if issuing takes at least this share of a step.
let private hostBound = 0.9

/// Suggests several workers per GPU if the CPU limits the speed; else empty.
/// <param name="issue">Seconds that the CPU takes to issue a step.</param>
/// <param name="step">Seconds that the whole step takes.</param>
let hint (issue: float, step: float) =
    if issue >= hostBound * step then
        $"; the CPU takes {1000.0 * issue:F1} ms to issue a step of {1000.0 * step:F1} ms, so the GPU waits for it: try --workers-per-device 2"
    else
        ""

/// Measures a few steps of each kind of run that the cohort still trains, on random images.
/// <param name="dataset">The dataset, with its number of images.</param>
/// <param name="layouts">The memory layouts of the networks.</param>
let fromMeasuredSteps (device: string) (layouts: LayoutChoice) (dataset: DatasetDescriptor) (cohort: Job list) =
    let measured = Dictionary<string, float * float * int64>()
    let mutable issued = 0.0, infinity

    let cost (spec: RunSpec) =
        let kind =
            $"""{spec.Student} {String.Join(",", spec.Losses |> Seq.map _.Name)} {isNull spec.Teacher} {spec.Train.Precision}"""

        match measured.TryGetValue kind with
        | true, known -> known
        | _ ->
            use profiler = new StepProfiler(spec, device, layouts = layouts.Of(spec))
            profiler.Run 1 |> ignore
            let struct (teacher, lane) = profiler.Run measuredSteps

            if device.StartsWith "cuda" then
                issued <- profiler.Issue measuredSteps, profiler.RunWithoutSync(5 * measuredSteps)

            let cost = teacher, lane, profiler.BytesPerLane
            measured[kind] <- cost
            cost

    let costs = [ for job in left cohort -> cost job.Run.Spec ]
    let spec = cohort.Head.Run.Spec
    let struct (trainingImages, validationImages) = dataset.Images spec.Dataset.HoldOut
    let teacher = costs |> List.map (fun (teacher, _, _) -> teacher) |> List.max
    let lanes = costs |> List.sumBy (fun (_, lane, _) -> lane)
    let epochs = epochsLeft cohort
    // A teacher with cached outputs computes only in the first epochs.
    let teacherEpochs =
        match cohort |> List.tryPick (fun job -> Option.ofObj job.Run.Spec.Teacher) with
        | Some teacher when teacher.Cache -> min epochs (Option.defaultValue 1 (Option.ofNullable spec.Dataset.Views))
        | _ -> epochs
    // Validation is a forward pass: about a third of a step.
    let epoch = float (stepsPerEpoch trainingImages spec) * lanes + float (stepsPerEpoch validationImages spec) * lanes / 3.0

    { Time = TimeSpan.FromSeconds(float epochs * epoch + float (teacherEpochs * stepsPerEpoch trainingImages spec) * teacher)
      Bytes = Some(Process.GetCurrentProcess().PeakWorkingSet64 + (costs |> List.sumBy (fun (_, _, bytes) -> bytes)))
      Source = $"from {measuredSteps} measured steps of each kind of run on {device}{hint issued}" }
