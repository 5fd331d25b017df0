/// Methods with trainable layers compared with their formulas in plain double arithmetic, for random shapes.
module ChannelDistillation.Tests.Runtime.Losses.LayeredMethodTests

open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open ChannelDistillation.Models.Layers
open ChannelDistillation.Losses
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses
open ChannelDistillation.Tests.Runtime.Losses.PlainLayers

let private forAll generator check =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(25).WithQuietOnSuccess true, Prop.forAll (Arb.fromGen generator) check)

/// Shapes of both networks' outputs: channels and size of each stage, and channels of the embeddings. Values are a formula of the offset.
type Case = { Batch: int; Student: (int * int)[]; Teacher: (int * int)[]; Embeddings: int * int; Offset: int }

let private caseOf stages =
    gen {
        let width = Gen.choose (1, 4)
        let! batch = Gen.choose (2, 4)
        let! count = Gen.choose stages
        let! student = Gen.arrayOfLength count (Gen.zip width width)
        let! teacher = Gen.arrayOfLength count (Gen.zip width width)
        let! embeddings = Gen.zip width width
        let! offset = Gen.choose (0, 1000)

        return { Batch = batch; Student = student; Teacher = teacher; Embeddings = embeddings; Offset = offset }
    }

/// The inputs of a loss in double precision, and the leaves that need gradients.
type private Signals' =
    {
        Loss: Loss
        Student: torch.Tensor[]
        Teacher: torch.Tensor[]
        /// The student's outputs, and the teacher's.
        Embeddings: torch.Tensor * torch.Tensor
    }

let private noise (case: Case) at shape = (Golden.images (Array.map int64 shape) (float (case.Offset + at))).``double``()

let private signals method parameters images (case: Case) =
    let maps at shapes = shapes |> Array.mapi (fun i (channels, side) -> noise case (at + i) [| case.Batch; channels; side; side |])
    let mine, theirs = case.Embeddings
    let student, teacher = maps 0 case.Student, maps 10 case.Teacher
    let pair = FeaturePair(Signals.shapes student, Signals.shapes teacher, StudentEmbedding = mine, TeacherEmbedding = theirs)
    let loss: Loss = Signals.buildFor method parameters pair images
    let layers = Signals.auxiliary loss
    Golden.fill (float (case.Offset + 100)) (layers.StateInPyTorchOrder())
    layers.``to`` torch.float64 |> ignore

    { Loss = loss
      Student = student
      Teacher = teacher
      Embeddings = noise case 20 [| case.Batch; mine |], noise case 30 [| case.Batch; theirs |] }

/// The state of the loss's layers.
let private state (signals: Signals') (name: string) = (Signals.auxiliary signals.Loss).StateInPyTorchOrder()[name]
let private vector signals name = Golden.toArray (state signals name)
let private kernel signals name = ofTensor (state signals name)

let private rows (matrix: torch.Tensor) = Golden.toArray matrix |> Array.chunkBySize (int matrix.shape[1])

let private unbiased (_: int) = 0.0

let private normalised signals name = normalise (vector signals $"{name}.weight") (vector signals $"{name}.bias")

/// Whether the loss equals a formula of the leaves' values.
let private isFormula (leaves: torch.Tensor[]) (compute: unit -> torch.Tensor) (formula: float[][] -> float) =
    for leaf in leaves do
        leaf.requires_grad_ true |> ignore

    use value = compute ()
    value.backward ()
    let sizes = leaves |> Array.map (fun leaf -> int (leaf.numel ()))

    let split (values: float[]) =
        let starts = Array.scan (+) 0 sizes
        Array.map2 (fun start size -> Array.sub values start size) (Array.take sizes.Length starts) sizes

    let gradient (leaf: torch.Tensor) =
        if isNull leaf.grad then
            Array.zeroCreate (int (leaf.numel ()))
        else
            Golden.gradient leaf

    Signals.isFormula (split >> formula) (Array.collect Golden.toArray leaves) ((Golden.toArray value)[0], Array.collect gradient leaves)

let private mapsOf (leaves: torch.Tensor[]) (values: float[][]) =
    Array.map2 (fun (leaf: torch.Tensor) -> ofValues (Array.map int leaf.shape)) leaves values

/// The same for stages only.
let private isFormulaOfStages signals (formula: Maps[] -> Maps[] -> float) =
    let input = Signals.ofAll signals.Student [||] signals.Teacher [||]

    isFormula signals.Student (fun () -> signals.Loss.Compute input) (fun values ->
        formula (mapsOf signals.Student values) (Array.map ofTensor signals.Teacher))

/// The larger of two maps is averaged to the size of the smaller.
let private alike (a: Maps, b: Maps) =
    let size = min (side a) (side b)
    let fit maps = if side maps = size then maps else averaged size maps
    fit a, fit b

let private fitnets (case: Case) =
    use _ = torch.NewDisposeScope()
    let signals = signals "fitnets" [ "stage", 1.0 ] 100 case

    isFormulaOfStages signals (fun student teacher ->
        let weight, bias = kernel signals "0.weight", vector signals "0.bias"
        let bias channel = bias[channel]

        let regressed =
            match side student[0], side teacher[0] with
            | mine, theirs when mine = 2 * theirs -> convolve weight bias 2 1 student[0]
            | mine, theirs when 2 * mine = theirs -> convolveTransposed weight bias 2 1 student[0]
            | _ -> convolve weight bias 1 0 student[0]

        meanSquaredDifference (relu (normalised signals "1" regressed)) teacher[0])

let private vid (case: Case) =
    use _ = torch.NewDisposeScope()
    let signals = signals "vid" [] 100 case

    isFormulaOfStages signals (fun student teacher ->
        let stage i (pair: Maps * Maps) =
            let mine, theirs = alike pair
            let layer k = convolve (kernel signals $"{i}.regressor{k}.weight") unbiased 1 0
            let predicted = mine |> layer 0 |> relu |> layer 1 |> relu |> layer 2
            let variances = vector signals $"{i}.log_scale" |> Array.map (fun alpha -> log (1.0 + exp alpha) + 1e-5)
            let squares = map2 (fun a b -> (a - b) ** 2.0) predicted theirs
            mean (change (fun c square -> square / (2.0 * variances[c]) + log variances[c] / 2.0) squares)

        Array.zip student teacher |> Array.mapi stage |> Array.sum)

let private residual (case: Case) =
    use _ = torch.NewDisposeScope()
    let signals = signals "residual-kd" [] 100 case
    let assistant = signals.Student |> Array.mapi (fun i stage -> noise case (40 + i) (Array.map int stage.shape))
    let input = Signals.ofAll signals.Student assistant signals.Teacher [||]
    let stages = signals.Student.Length
    // The assistant's error has no gradient for the student.
    let fixed' = Array.map ofTensor signals.Student

    isFormula (Array.append signals.Student assistant) (fun () -> signals.Loss.Compute input) (fun values ->
        let student = mapsOf signals.Student (Array.take stages values)
        let helper = mapsOf assistant (Array.skip stages values)

        Seq.sum (
            seq {
                for i in 0 .. stages - 1 do
                    let theirs = ofTensor signals.Teacher[i]

                    let connected maps =
                        let mine, theirs = alike (maps, theirs)
                        convolve (kernel signals $"{i}.weight") unbiased 1 0 mine, theirs

                    let (imitation, target), (frozen, _), (rest, _) = connected student[i], connected fixed'[i], connected helper[i]
                    meanSquaredDifference imitation target + meanSquaredDifference rest (map2 (-) target frozen)
            }
        ))

let private hierarchicalContext (a: Maps) (b: Maps) =
    let sizes = [ 4; 2; 1 ] |> List.filter (fun size -> size < side a)
    let weights = [ for i in 0 .. sizes.Length -> 0.5 ** float i ]
    let errors = meanSquaredDifference a b :: [ for size in sizes -> meanSquaredDifference (averaged size a) (averaged size b) ]
    List.sum (List.map2 (*) weights errors) / List.sum weights

let private reviewed (case: Case) =
    use _ = torch.NewDisposeScope()
    let signals = signals "reviewkd" [] 100 case
    let mine, theirs = signals.Embeddings
    let input = Signals.ofAll signals.Student [||] signals.Teacher [| mine; theirs |]
    let pixel (embedding: torch.Tensor) = embedding.reshape (embedding.shape[0], embedding.shape[1], 1L, 1L)
    let leaves = Array.append signals.Student [| mine |]
    let targets = Array.append signals.Teacher [| pixel theirs |] |> Array.map ofTensor
    let layer name = convolve (kernel signals $"{name}.weight") unbiased 1

    isFormula leaves (fun () -> signals.Loss.Compute input) (fun values ->
        let levels = mapsOf (Array.append signals.Student [| pixel mine |]) values

        let fuse level (deeper: Maps option) =
            let narrow = normalised signals $"{level}.0.1" (layer $"{level}.0.0" 0 levels[level])

            let fused =
                match deeper with
                | None -> narrow
                | Some deeper ->
                    let deeper = nearest (side narrow) deeper
                    let bias = vector signals $"{level}.2.bias"
                    let attention = convolve (kernel signals $"{level}.2.weight") (fun o -> bias[o]) 1 0 (beside narrow deeper)
                    let maps = change (fun _ value -> 1.0 / (1.0 + exp -value)) attention
                    map2 (+) (times maps 0 narrow) (times maps 1 deeper)

            let carried = nearest (side targets[level]) fused
            let output = normalised signals $"{level}.1.1" (layer $"{level}.1.0" 1 carried)
            hierarchicalContext output targets[level], carried

        let mutable deeper, total = None, 0.0

        for level in Array.length levels - 1 .. -1 .. 0 do
            let loss, carried = fuse level deeper
            deeper <- Some carried
            total <- total + loss

        total)

let private congruence (case: Case) =
    use _ = torch.NewDisposeScope()
    let signals = signals "cc" [ "dimension", 3.0 ] 100 case
    let mine, theirs = signals.Embeddings
    let input = Signals.ofAll [||] [||] [||] [| mine; theirs |]
    let embed who = linear (rows (state signals $"{who}.weight")) (vector signals $"{who}.bias")

    isFormula [| mine |] (fun () -> signals.Loss.Compute input) (fun values ->
        let student = embed "student" (Array.chunkBySize (fst case.Embeddings) values[0])
        let differences = Array.map2 (Array.map2 (fun a b -> abs (a - b))) student (embed "teacher" (rows theirs))
        Array.pairwise differences |> Array.averageBy (fun (a, b) -> Array.sum (Array.map2 (*) a b)))

let private unit' (values: float[]) =
    let length = sqrt (Array.sumBy (fun value -> value * value) values) in Array.map (fun value -> value / length) values

/// With N images and two negatives each; the first batch sets Z if it is unknown.
let private contrast isFirst (case: Case) =
    use _ = torch.NewDisposeScope()
    let count, negatives, temperature, momentum = 9, 2, 0.5, 0.25
    let given = [ "dimension", 3.0; "negatives", float negatives; "temperature", temperature; "momentum", momentum ]
    let signals = signals "crd" given count case
    let loss = signals.Loss :?> ContrastiveLoss
    let mine, theirs = signals.Embeddings

    for who in [ "student"; "teacher" ] do
        (state signals $"{who}_partition").fill_(if isFirst then 0.0 else 7.0) |> ignore

    let images = [| for i in 0 .. case.Batch - 1 -> [| i; (i + 4 + case.Offset) % count; (i + 5 + 2 * case.Offset) % count |] |]
    let banks = dict [ for who in [ "student"; "teacher" ] -> who, rows (state signals $"{who}_bank") ]

    let embed who vectors =
        linear (rows (state signals $"embeddings.{who}.weight")) (vector signals $"embeddings.{who}.bias") vectors
        |> Array.map unit'

    let noise = float negatives / float count

    let half (embeddings: float[][]) (bank: float[][]) =
        let scores =
            Array.map2 (fun e -> Array.map (fun image -> exp (Array.sum (Array.map2 (*) e bank[image]) / temperature))) embeddings images

        let partition = if isFirst then Array.average (Array.concat scores) * float count else 7.0
        let h = scores |> Array.map (Array.map (fun score -> score / partition))

        -(h
          |> Array.averageBy (fun row ->
              log (row[0] / (row[0] + noise + 1e-7)) + Array.sumBy (fun other -> log (noise / (other + noise + 1e-7))) row[1..]))

    let formula (values: float[][]) =
        half (embed "student" (Array.chunkBySize (fst case.Embeddings) values[0])) banks["teacher"]
        + half (embed "teacher" (rows theirs)) banks["student"]

    let indices = torch.tensor(images |> Array.concat |> Array.map int64).reshape(int64 case.Batch, -1L)

    // Z has no gradient: in the batch that sets it, the gradient differs from that of the value.
    let isValue =
        if isFirst then
            let value = (Golden.toArray (loss.Contrast(mine, theirs, indices)))[0]
            let expected = formula [| Golden.toArray mine |]
            abs (value - expected) <= 1e-5 * abs expected
        else
            isFormula [| mine |] (fun () -> loss.Contrast(mine, theirs, indices)) formula

    loss.StepEnded()

    let isRemembered who vectors =
        let bank, embedded = Array.copy banks[who], embed who vectors

        for i in 0 .. case.Batch - 1 do
            bank[i] <- unit' (Array.map2 (fun old e -> momentum * old + (1.0 - momentum) * e) bank[i] embedded[i])

        Array.forall2 (fun a b -> abs (a - b) < 1e-9) (Array.concat bank) (Golden.toArray (state signals $"{who}_bank"))

    isValue && isRemembered "student" (rows mine) && isRemembered "teacher" (rows theirs)

/// FitNets has no regressor to a map that is larger, unless it is twice as large.
let private hasRegressor (case: Case) =
    let (_, mine), (_, theirs) = case.Student[0], case.Teacher[0]
    mine >= theirs || 2 * mine = theirs

/// Embeddings of one number have only two directions.
let private hasDirections (case: Case) = fst case.Embeddings > 1 && snd case.Embeddings > 1

[<Tests>]
let tests =
    testList
        "losses: methods with layers over random shapes"
        [ testCase "The loss fitnets equals its formula" <| fun () -> forAll (caseOf (1, 1) |> Gen.filter hasRegressor) fitnets
          testCase "The loss vid equals its formula" <| fun () -> forAll (caseOf (1, 3)) vid
          testCase "The loss residual-kd equals its formula, and the assistant's error does not reach the student"
          <| fun () -> forAll (caseOf (1, 3)) residual
          testCase "The loss reviewkd equals its formula" <| fun () -> forAll (caseOf (1, 3)) reviewed
          testCase "The loss cc equals its formula" <| fun () -> forAll (caseOf (0, 0)) congruence

          testCase "The loss crd equals its formula, and updates its memory as the formula does"
          <| fun () -> forAll (caseOf (0, 0) |> Gen.filter hasDirections) (contrast false)

          testCase "The loss crd sets Z from its first batch"
          <| fun () -> forAll (caseOf (0, 0) |> Gen.filter hasDirections) (contrast true) ]
