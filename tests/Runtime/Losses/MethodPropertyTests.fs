/// Methods on features, embeddings and parts of logits compared with their formulas in plain double arithmetic, for random shapes.
module ChannelDistillation.Tests.Runtime.Losses.MethodPropertyTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Losses
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses

let private forAll generator check =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(60).WithQuietOnSuccess true, Prop.forAll (Arb.fromGen generator) check)

/// Never 0, because normalising 0 has no direction and no gradient.
let private value = Gen.choose (-300, 300) |> Gen.map (fun n -> (float n + 0.5) / 64.0)

let private norm (values: float[]) = values |> Array.sumBy (fun value -> value * value) |> sqrt |> max 1e-12

let private unit' (values: float[]) = let length = norm values in Array.map (fun value -> value / length) values

let private dot (a: float[]) (b: float[]) = Array.fold2 (fun sum a b -> sum + a * b) 0.0 a b

/// Mean of f over all pairs (a, b) of two lists.
let private overPairs (a: 'a[]) (b: 'b[]) f = Array.allPairs a b |> Array.averageBy (fun (a, b) -> f a b)

let private square (x: float) = x * x

/// Whether a loss of a student's values, passed to `input` as a tensor of their shape, equals a formula.
let private isFormula formula (student: float[]) shape (loss: Loss) (input: torch.Tensor -> LossInput) =
    let leaf = (Signals.inDouble student shape).requires_grad_ true
    let value, gradients = Signals.valueAndGradients loss (input leaf) [| leaf |]
    Signals.isFormula formula student (value, gradients[0])

// --- Stage outputs: [sample][channel][position]

type Maps = { Student: float[][][]; Teacher: float[][][]; Side: int }

let private maps =
    gen {
        let! batch = Gen.choose (1, 4)
        let! side = Gen.choose (1, 3)
        let! mine = Gen.choose (1, 4)
        let! theirs = Gen.choose (1, 4)
        let map channels = Gen.arrayOfLength batch (Gen.arrayOfLength channels (Gen.arrayOfLength (side * side) value))
        let! student = map mine
        let! teacher = map theirs
        return { Student = student; Teacher = teacher; Side = side }
    }

let private shapeOf (maps: float[][][]) side = [| int64 maps.Length; int64 maps[0].Length; int64 side; int64 side |]

let private flat (maps: float[][][]) = maps |> Array.concat |> Array.concat

/// The same case with other values of the student.
let private withStudent (case: Maps) (values: float[]) =
    { case with
        Student = values |> Array.chunkBySize (case.Side * case.Side) |> Array.chunkBySize case.Student[0].Length }

let private isFormulaOnMaps name formula (case: Maps) =
    use _ = torch.NewDisposeScope()
    let shape = shapeOf case.Student case.Side
    let teacher = [| Signals.inDouble (flat case.Teacher) (shapeOf case.Teacher case.Side) |]
    let student = [| FeatureShape(int shape[1], case.Side, case.Side) |]
    let loss: Loss = Signals.build name [] student (Signals.shapes teacher)
    isFormula (withStudent case >> formula) (flat case.Student) shape loss (fun leaf -> Signals.ofFeatures [| leaf |] teacher)

let private attention (sample: float[][]) =
    Array.init sample[0].Length (fun position -> sample |> Array.averageBy (fun channel -> square channel[position]))
    |> unit'

let private similarities (maps: float[][][]) =
    let flat = Array.map Array.concat maps
    flat |> Array.map (fun one -> flat |> Array.map (dot one) |> unit')

let private onStages =
    [ "at",
      fun case ->
          Array.map2 (fun s t -> Array.map2 (fun a b -> square (a - b)) (attention s) (attention t)) case.Student case.Teacher
          |> Array.concat
          |> Array.average
      "sp",
      fun case ->
          Array.map2 (Array.map2 (fun a b -> square (a - b))) (similarities case.Student) (similarities case.Teacher)
          |> Array.concat
          |> Array.average
      "nst",
      fun case ->
          Array.map2
              (fun s t ->
                  let s, t = Array.map unit' s, Array.map unit' t
                  let kernel a b = overPairs a b (fun a b -> square (dot a b))
                  kernel t t + kernel s s - 2.0 * kernel s t)
              case.Student
              case.Teacher
          |> Array.average ]

// --- Embeddings: [sample][channel]

type Vectors = { Mine: float[][]; Theirs: float[][] }

let private vectors =
    gen {
        let! batch = Gen.choose (2, 5)
        let! mine = Gen.choose (2, 5)
        let! theirs = Gen.choose (2, 5)
        // The direction between two equal embeddings is undefined, so each sample has its own offset.
        let apart rows = rows |> Array.mapi (fun i row -> Array.mapi (fun c v -> v + float (i * i * (c + 1))) row)
        let! student = Gen.arrayOfLength batch (Gen.arrayOfLength mine value) |> Gen.map apart
        let! teacher = Gen.arrayOfLength batch (Gen.arrayOfLength theirs value) |> Gen.map apart
        return { Mine = student; Theirs = teacher }
    }
    |> Gen.filter (fun case ->
        // Nearly equal ones are excluded too, and nearly opposite ones, whose probability for pkt is close to 0: both are mostly rounding.
        let areClear a b = norm (Array.map2 (-) a b) > 0.5 && dot (unit' a) (unit' b) > -0.9

        [ case.Mine; case.Theirs ]
        |> List.forall (fun rows -> Seq.allPairs (Seq.indexed rows) (Seq.indexed rows) |> Seq.forall (fun ((i, a), (j, b)) -> i = j || areClear a b)))

let private size (rows: float[][]) = [| int64 rows.Length; int64 rows[0].Length |]
let private matrix (rows: float[][]) = Signals.inDouble (Array.concat rows) (size rows)

/// The formula of a case as a function of the student's values only.
let private ofRows (rows: float[][]) (formula: float[][] -> float) (values: float[]) = formula (Array.chunkBySize rows[0].Length values)

let private smoothL1 (a: float) (b: float) =
    let difference = abs (a - b)
    if difference < 1.0 then square difference / 2.0 else difference - 0.5

let private distances (rows: float[][]) =
    let between a b = norm (Array.map2 (-) a b)
    let all = [| for i, a in Array.indexed rows -> [| for j, b in Array.indexed rows -> if i = j then 0.0 else between a b |] |]
    let mean = Array.sum (Array.concat all) / float (rows.Length * (rows.Length - 1))
    all |> Array.concat |> Array.map (fun distance -> distance / mean)

let private angles (rows: float[][]) =
    [| for at in rows do
           for a in rows do
               for b in rows -> dot (unit' (Array.map2 (-) a at)) (unit' (Array.map2 (-) b at)) |]

let private probabilities (rows: float[][]) =
    let directions = rows |> Array.map (fun row -> let length = norm row + 1e-7 in Array.map (fun value -> value / length) row)

    directions
    |> Array.map (fun one ->
        let row = directions |> Array.map (fun other -> (dot one other + 1.0) / 2.0)
        let total = Array.sum row
        Array.map (fun value -> value / total) row)
    |> Array.concat

let private onEmbeddings =
    [ "rkd",
      fun case ->
          let mean f = Array.map2 smoothL1 (f case.Mine) (f case.Theirs) |> Array.average
          25.0 * mean distances + 50.0 * mean angles
      "pkt",
      fun case ->
          Array.map2 (fun s t -> t * log ((t + 1e-7) / (s + 1e-7))) (probabilities case.Mine) (probabilities case.Theirs)
          |> Array.average ]

// --- Logits: [sample][class]

type Answers = { Of: float[][]; From: float[][]; Labels: int64[]; Temperature: float }

let private answers =
    gen {
        let! batch = Gen.choose (1, 6)
        let! classes = Gen.choose (3, 8)
        let! student = Gen.arrayOfLength batch (Gen.arrayOfLength classes value)
        let! teacher = Gen.arrayOfLength batch (Gen.arrayOfLength classes value)
        let! labels = Gen.arrayOfLength batch (Gen.choose (0, classes - 1) |> Gen.map int64)
        let! temperature = Gen.elements [ 1.0; 2.0; 4.0 ]
        return { Of = student; From = teacher; Labels = labels; Temperature = temperature }
    }

let private softmax (temperature: float) (logits: float[]) =
    let largest = Array.max logits
    let weights = logits |> Array.map (fun logit -> exp ((logit - largest) / temperature))
    let total = Array.sum weights
    Array.map (fun weight -> weight / total) weights

let private divergence (teacher: float[]) (student: float[]) =
    Array.map2 (fun t s -> if t = 0.0 then 0.0 else t * log (t / s)) teacher student |> Array.sum

let private correlation (a: float[]) (b: float[]) =
    let centred (values: float[]) = let mean = Array.average values in values |> Array.map (fun value -> value - mean)
    let a, b = centred a, centred b
    let length values = values |> Array.sumBy square |> sqrt
    // As in the authors' code, epsilon is here.
    dot a b / (length a * length b + 1e-8)

let private mean each (case: Answers) = Array.map3 each case.Of case.From case.Labels |> Array.average

/// q = p^gamma / U and U, for a teacher's logits.
let private transformed gamma (logits: float[]) =
    let powers = softmax 1.0 logits |> Array.map (fun p -> p ** gamma)
    let total = Array.sum powers
    Array.map (fun power -> power / total) powers, total

let private standardized (logits: float[]) =
    let mean = Array.average logits
    let variance = (logits |> Array.sumBy (fun logit -> square (logit - mean))) / float (logits.Length - 1)
    logits |> Array.map (fun logit -> (logit - mean) / (sqrt variance + 1e-7))

let private onLogits =
    [ "nkd",
      fun case ->
          let first = case |> mean (fun s t label -> -(softmax 1.0 t).[int label] * log (softmax 1.0 s).[int label])

          let second =
              case
              |> mean (fun s t label ->
                  let others logits = softmax case.Temperature (Array.removeAt (int label) logits)
                  Array.map2 (fun t s -> -t * log s) (others t) (others s) |> Array.sum)

          first + 1.5 * square case.Temperature * second
      "ttm", mean (fun s t _ -> divergence (fst (transformed 0.1 t)) (softmax 1.0 s))
      "wttm",
      mean (fun s t _ ->
          let q, total = transformed 0.1 t
          total * divergence q (softmax 1.0 s))
      "rld",
      fun case ->
          let binary p = [| p; 1.0 - p |]

          let each (s: float[]) (t: float[]) (label: int64) =
              let below =
                  [| for k in 0 .. t.Length - 1 do
                         if t[k] < t[int label] then
                             k |]

              let among (logits: float[]) = softmax case.Temperature [| for k in below -> logits[k] |]
              let sure = divergence (binary (Array.max (softmax 1.0 t))) (binary (softmax 1.0 s).[int label])
              sure + 8.0 * square case.Temperature * (if below.Length = 0 then 0.0 else divergence (among t) (among s))

          mean each case
      "dkd",
      fun case ->
          let each (s: float[]) (t: float[]) (label: int64) =
              let parts (logits: float[]) =
                  let p = (softmax case.Temperature logits)[int label]
                  [| p; 1.0 - p |], softmax case.Temperature (Array.removeAt (int label) logits)

              let (mine, myOthers), (theirs, theirOthers) = parts s, parts t
              divergence theirs mine + 8.0 * divergence theirOthers myOthers

          square case.Temperature * (Array.map3 each case.Of case.From case.Labels |> Array.average)
      "dist",
      fun case ->
          let student, teacher = Array.map (softmax case.Temperature) case.Of, Array.map (softmax case.Temperature) case.From
          let mean a b = Array.map2 correlation a b |> Array.average
          square case.Temperature * (2.0 - mean student teacher - mean (Array.transpose student) (Array.transpose teacher)) ]

/// Mean squared difference of the products of all pairs of rows, times the number of rows.
let private likeness (mine: float[][]) (theirs: float[][]) =
    let products rows = Array.allPairs rows rows |> Array.map (fun (a, b) -> dot a b)
    (Array.map2 (fun a b -> square (a - b)) (products mine) (products theirs) |> Array.sum) / float mine.Length

let private multiLevel isStandardized (case: Answers) =
    let logits = if isStandardized then standardized else id

    Seq.sum (
        seq {
            for temperature in [ 2.0; 3.0; 4.0; 5.0; 6.0 ] do
                let soft = Array.map (softmax temperature)
                let mine, theirs = soft case.Of, soft case.From

                let each s t _ = divergence (softmax temperature (logits t)) (softmax temperature (logits s))

                square temperature * mean each case + likeness mine theirs + likeness (Array.transpose mine) (Array.transpose theirs)
        }
    )

/// How similar two classes are, by their numbers.
let private alike (i: int) (j: int) = 1.0 - float (abs (i - j)) / 8.0

/// Sinkhorn's transport in plain loops, with the label's row and column left out.
let private transport (student: float[]) (teacher: float[]) (cost: int -> int -> float) =
    let range = [| 0 .. student.Length - 1 |]
    let kernel i j = exp (-(cost i j) / 0.05)
    let mutable u = Array.create student.Length (1.0 / float student.Length)
    let mutable v = u

    for _ in 1..10 do
        v <- range |> Array.map (fun j -> teacher[j] / (Array.sumBy (fun i -> kernel i j * u[i]) range + 1e-8))
        u <- range |> Array.map (fun i -> student[i] / (Array.sumBy (fun j -> kernel i j * v[j]) range + 1e-8))

    Array.allPairs range range |> Array.sumBy (fun (i, j) -> u[i] * kernel i j * v[j] * cost i j)

let private wasserstein (case: Answers) =
    let each (s: float[]) (t: float[]) (label: int64) =
        let others values = Array.removeAt (int label) values
        let classes = others [| 0 .. s.Length - 1 |]
        let cost i j = max 0.0 (1.0 - exp (alike classes[i] classes[j] - 1.0)) + 1e-8
        let soft logits = softmax case.Temperature (others logits)
        -(softmax 1.0 t).[int label] * log (softmax 1.0 s).[int label] + 30.0 * transport (soft s) (soft t) cost

    mean each case

// --- Logits of each position: [sample][class][position]

type Positions = { Maps: Maps; Scales: int; IsDirect: bool; Classes: int64[] }

let private positions =
    gen {
        let! batch = Gen.choose (1, 3)
        let! side = Gen.choose (1, 9)
        let! classes = Gen.choose (2, 4)
        let map = Gen.arrayOfLength batch (Gen.arrayOfLength classes (Gen.arrayOfLength (side * side) value))
        let! student = map
        let! teacher = map
        let! scales = Gen.choose (1, 3)
        let! isDirect = Gen.elements [ false; true ]
        let! labels = Gen.arrayOfLength batch (Gen.choose (0, classes - 1) |> Gen.map int64)
        let maps = { Student = student; Teacher = teacher; Side = side }
        return { Maps = maps; Scales = scales; IsDirect = isDirect; Classes = labels }
    }

/// Averages a square map over a number of cells in each direction, which overlap if the side is not a multiple of it.
let private averaged (cells: int) (map: float[]) =
    let side = int (sqrt (float map.Length))
    let span i = [| i * side / cells .. ((i + 1) * side + cells - 1) / cells - 1 |]

    [| for row in 0 .. cells - 1 do
           for column in 0 .. cells - 1 -> Array.allPairs (span row) (span column) |> Array.averageBy (fun (r, c) -> map[r * side + c]) |]

/// The logits of all cells, the whole image first: [cell][class].
let private cells (case: Positions) (map: float[][]) =
    [| for scale in 0 .. case.Scales - 1 do
           let source = if case.IsDirect then map else Array.map (averaged 4) map
           yield! source |> Array.map (averaged (pown 2 scale)) |> Array.transpose |]

let private scaleDecoupled (case: Positions) =
    let largest (logits: float[]) = logits |> Array.findIndex ((=) (Array.max logits)) |> int64

    Array.map3
        (fun student teacher label ->
            let theirs = cells case teacher
            let isRight logits = largest logits = label

            Array.map2
                (fun s t ->
                    let weight = if isRight t <> isRight theirs[0] then 2.0 else 1.0
                    weight * 16.0 * divergence (softmax 4.0 t) (softmax 4.0 s))
                (cells case student)
                theirs
            |> Array.average)
        case.Maps.Student
        case.Maps.Teacher
        case.Classes
    |> Array.average

[<Tests>]
let tests =
    testList
        "losses: methods over random shapes"
        [ for name, formula in onStages do
              testCase $"The loss {name} equals its formula" <| fun () -> forAll maps (isFormulaOnMaps name formula)

          for name, formula in onEmbeddings do
              testCase $"The loss {name} equals its formula"
              <| fun () ->
                  forAll vectors (fun case ->
                      use _ = torch.NewDisposeScope()
                      let loss: Loss = Signals.build name [] [||] [||]
                      let formula = ofRows case.Mine (fun mine -> formula { case with Mine = mine })
                      isFormula formula (Array.concat case.Mine) (size case.Mine) loss (fun leaf -> Signals.ofEmbeddings leaf (matrix case.Theirs)))

          for name, formula in onLogits do
              for isStandardized in [ false; true ] do
                  testCase $"""{name} is its formula{if isStandardized then " of standardised logits" else ""}"""
                  <| fun () ->
                      forAll answers (fun case ->
                          use _ = torch.NewDisposeScope()
                          let parameters = (Signals.parameters name [ "temperature", case.Temperature ]).With("standardize", isStandardized)
                          let loss: Loss = Signals.buildBy name parameters
                          let logits = Array.map (if isStandardized then standardized else id)
                          let formula = ofRows case.Of (fun mine -> formula { case with Of = logits mine; From = logits case.From })
                          let input leaf = Signals.ofLogits leaf (Some(matrix case.From)) case.Labels
                          isFormula formula (Array.concat case.Of) (size case.Of) loss input)

          for isStandardized in [ false; true ] do
              testCase $"""mlld is its formula{if isStandardized then ", with standardised divergences" else ""}"""
              <| fun () ->
                  forAll answers (fun case ->
                      use _ = torch.NewDisposeScope()
                      let loss: Loss = Signals.buildBy "mlld" ((Signals.parameters "mlld" []).With("standardize", isStandardized))
                      let formula = ofRows case.Of (fun mine -> multiLevel isStandardized { case with Of = mine })
                      let input leaf = Signals.ofLogits leaf (Some(matrix case.From)) case.Labels
                      isFormula formula (Array.concat case.Of) (size case.Of) loss input)

          testCase "wkd is its formula"
          <| fun () ->
              forAll answers (fun case ->
                  use _ = torch.NewDisposeScope()
                  let classes = case.Of[0].Length
                  let known = matrix [| for i in 0 .. classes - 1 -> [| for j in 0 .. classes - 1 -> alike i j |] |]
                  let loss: Loss = Signals.buildWith (Some known) "wkd" (Signals.parameters "wkd" [ "temperature", case.Temperature ])
                  let formula = ofRows case.Of (fun mine -> wasserstein { case with Of = mine })
                  let input leaf = Signals.ofLogits leaf (Some(matrix case.From)) case.Labels
                  isFormula formula (Array.concat case.Of) (size case.Of) loss input)

          testCase "sd-kd is its formula"
          <| fun () ->
              forAll positions (fun case ->
                  use _ = torch.NewDisposeScope()
                  let maps = case.Maps
                  let shape = shapeOf maps.Student maps.Side

                  let parameters = (Signals.parameters "sd-kd" [ "scales", float case.Scales ]).With("direct_pooling", case.IsDirect)

                  let loss: Loss = Signals.buildBy "sd-kd" parameters
                  let teacher = Signals.inDouble (flat maps.Teacher) shape
                  let formula mine = scaleDecoupled { case with Maps = withStudent maps mine }
                  isFormula formula (flat maps.Student) shape loss (fun leaf -> Signals.ofLogitMaps leaf teacher case.Classes))

          testCase "Every method has a value and gradients for a batch of one image"
          <| fun () ->
              for descriptor in LossCatalog.All do
                  use _ = torch.NewDisposeScope()
                  let map channels = torch.rand([| 1L; channels; 4L; 4L |]).requires_grad_ true
                  let student, teacher = [| map 2L; map 3L |], [| map 3L; map 4L |]
                  let embeddings = [| torch.rand([| 1L; 3L |]).requires_grad_ true; torch.rand [| 1L; 4L |] |]
                  let pair = FeaturePair(Signals.shapes student, Signals.shapes teacher)
                  let loss: Loss = Signals.buildFor descriptor.Name [] pair 20
                  let value = loss.Compute(Signals.ofOne student teacher embeddings)
                  value.backward ()
                  Expect.all (Golden.toArray value) Double.IsFinite descriptor.Name

                  for leaf in Array.append student [| embeddings[0] |] do
                      if not (isNull leaf.grad) then
                          Expect.all (Golden.gradient leaf) Double.IsFinite $"gradients of {descriptor.Name}" ]
