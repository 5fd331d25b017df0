/// The losses compared with their formulas in plain double arithmetic, for random shapes and values.
module ChannelDistillation.Tests.Runtime.Losses.LossPropertyTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open ChannelDistillation.Models
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses

let private softmax (temperature: float) (logits: float[]) =
    let largest = Array.max logits
    let weights = logits |> Array.map (fun logit -> exp ((logit - largest) / temperature))
    let total = Array.sum weights
    Array.map (fun weight -> weight / total) weights

let private divergence (student: float[]) (teacher: float[]) temperature =
    (softmax temperature teacher, softmax temperature student) ||> Array.map2 (fun t s -> t * log (t / s)) |> Array.sum

let private largestAt (values: float[]) = Array.IndexOf(values, Array.max values)

type Logits = { Student: float[][]; Teacher: float[][]; Labels: int64[]; Temperature: float }

/// Few distinct values, so that ties occur.
let private value = Gen.choose (-400, 400) |> Gen.map (fun n -> float n / 64.0)

let private logits =
    gen {
        let! batch = Gen.choose (1, 9)
        let! classes = Gen.choose (2, 12)
        let matrix = Gen.arrayOfLength batch (Gen.arrayOfLength classes value)
        let! student = matrix
        // Distinct within a row: the choice between two equal logits is undefined.
        let! teacher = matrix |> Gen.map (Array.map (Array.mapi (fun c logit -> logit + float c / 4096.0)))
        let! labels = Gen.arrayOfLength batch (Gen.choose (0, classes - 1) |> Gen.map int64)
        let! temperature = Gen.elements [ 0.5; 1.0; 2.0; 4.0; 20.0 ]

        return { Student = student; Teacher = teacher; Labels = labels; Temperature = temperature }
    }

let private matrix (rows: float[][]) = Signals.inDouble (Array.concat rows) [| int64 rows.Length; int64 rows[0].Length |]

let private computed name (case: Logits) =
    use _ = torch.NewDisposeScope()
    let student = (matrix case.Student).requires_grad_ true

    let value, gradients =
        Signals.valueAndGradients
            (Signals.build name [ "temperature", case.Temperature ] [||] [||])
            (Signals.ofLogits student (Some(matrix case.Teacher)) case.Labels)
            [| student |]

    value, gradients[0]

/// Whether value and gradient equal those of a formula of the student's logits.
let private isFormula name (case: Logits) (formula: float[][] -> float) =
    Signals.isFormula (Array.chunkBySize case.Student[0].Length >> formula) (Array.concat case.Student) (computed name case)

let private forAll generator check =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(60).WithQuietOnSuccess true, Prop.forAll (Arb.fromGen generator) check)

let private kd =
    testCase "KD is T^2 times the mean divergence, for any batch and number of classes"
    <| fun () ->
        forAll logits
        <| fun case ->
            isFormula "kd" case (fun student ->
                let divergences = Array.map2 (fun s t -> divergence s t case.Temperature) student case.Teacher
                case.Temperature ** 2.0 * Array.average divergences)

let private gkd =
    testCase "GKD is T^2 times the mean divergence over the samples that the teacher classifies correctly, 0 if there are none"
    <| fun () ->
        forAll logits
        <| fun case ->
            isFormula "gkd" case (fun student ->
                let right =
                    [ for student, teacher, label in Array.zip3 student case.Teacher case.Labels do
                          if int64 (largestAt teacher) = label then
                              divergence student teacher case.Temperature ]

                if right.IsEmpty then 0.0 else case.Temperature ** 2.0 * List.average right)

let private noneRight =
    testCase "GKD without a correct sample is 0, and so is its gradient"
    <| fun () ->
        let case =
            { Student = [| [| 1.0; -2.0; 0.5 |]; [| 0.0; 3.0; 1.0 |] |]
              Teacher = [| [| 5.0; 1.0; 0.0 |]; [| 0.0; 1.0; 2.0 |] |]
              Labels = [| 1L; 0L |]
              Temperature = 2.0 }

        let value, gradient = computed "gkd" case
        Expect.equal value 0.0 "value"
        Expect.all gradient (fun slope -> slope = 0.0) "gradient"

let private allRight =
    testCase "GKD of a teacher that is always correct is KD"
    <| fun () ->
        let case =
            { Student = [| [| 1.0; -2.0; 0.5 |]; [| 0.0; 3.0; 1.0 |] |]
              Teacher = [| [| 5.0; 1.0; 0.0 |]; [| 0.0; 1.0; 2.0 |] |]
              Labels = [| 0L; 2L |]
              Temperature = 2.0 }

        let value, gradient = computed "gkd" case
        let expected, expectedGradient = computed "kd" case
        Golden.close 1e-6 [| expected |] [| value |] "value"
        Golden.close 1e-6 expectedGradient gradient "gradient"

/// One stage: student and teacher [batch, channels, height, width]; sizes may differ.
type private Stage = { StudentShape: int[]; TeacherShape: int[] }

let private stages =
    gen {
        let! batch = Gen.choose (2, 4)
        let! count = Gen.choose (1, 3)
        let shape = Gen.arrayOfLength 3 (Gen.choose (1, 5)) |> Gen.map (Array.append [| batch |])

        return! Gen.listOfLength count (Gen.map2 (fun student teacher -> { StudentShape = student; TeacherShape = teacher }) shape shape)
    }

/// Channel distillation in plain arithmetic: 1x1 convolution, batch normalisation over (batch, pixels), ReLU, average.
let private channelDistillation (weights: float[][]) (student: float[], shape: int[]) (teacher: float[], teacherShape: int[]) =
    let batch, channels, pixels = shape[0], shape[1], shape[2] * shape[3]
    let teacherChannels, teacherPixels = teacherShape[1], teacherShape[2] * teacherShape[3]

    let connected =
        Array.init teacherChannels (fun o ->
            let raw =
                Array.init batch (fun n ->
                    Array.init pixels (fun p ->
                        Seq.sum (seq { for c in 0 .. channels - 1 -> weights[o][c] * student[(n * channels + c) * pixels + p] })))

            let all = Array.concat raw
            let mean = Array.average all
            let variance = all |> Array.averageBy (fun x -> (x - mean) ** 2.0)
            raw |> Array.map (Array.averageBy (fun x -> max 0.0 ((x - mean) / sqrt (variance + 1e-5)))))

    Seq.average (
        seq {
            for n in 0 .. batch - 1 do
                for o in 0 .. teacherChannels - 1 do
                    let start = (n * teacherChannels + o) * teacherPixels
                    let teacherMean = Array.average teacher[start .. start + teacherPixels - 1]
                    (connected[o][n] - teacherMean) ** 2.0
        }
    )

let private cd =
    testCase "CD is the sum over stages of mean squared differences of channel means after the connectors"
    <| fun () ->
        forAll stages
        <| fun stages ->
            use _ = torch.NewDisposeScope()
            let noise shape offset = (Golden.images (Array.map int64 shape) offset).``double``()
            let students = [| for stage in stages -> noise stage.StudentShape 1.0 |]
            let teachers = [| for stage in stages -> noise stage.TeacherShape 2.0 |]
            let loss = Signals.build "cd" [] (Signals.shapes students) (Signals.shapes teachers)
            Initialisation.Initialise(Signals.auxiliary loss, 7L, "cd")
            (Signals.auxiliary loss).``to`` torch.float64 |> ignore
            let actual = (Golden.toArray (loss.Compute(Signals.ofFeatures students teachers)))[0]

            let expected =
                stages
                |> List.mapi (fun i stage ->
                    let weight = (Signals.auxiliary loss).state_dict()[$"connectors.{i}.0.weight"]
                    let rows = Golden.toArray weight |> Array.chunkBySize stage.StudentShape[1]

                    channelDistillation rows (Golden.toArray students[i], stage.StudentShape) (Golden.toArray teachers[i], stage.TeacherShape))
                |> List.sum

            abs (expected - actual) <= 1e-5 * abs expected

[<Tests>]
let properties = testList "losses: properties" [ kd; gkd; noneRight; allRight; cd ]
