/// Layers in plain arithmetic, element by element. Maps are [sample, channel, row, column].
module ChannelDistillation.Tests.Runtime.Losses.PlainLayers

open ChannelDistillation.Tests.Golden

type Maps = float[,,,]

let ofValues (shape: int[]) (values: float[]) : Maps =
    Array4D.init shape[0] shape[1] shape[2] shape[3] (fun n c y x -> values[((n * shape[1] + c) * shape[2] + y) * shape[3] + x])

let ofTensor (tensor: Tensor) = ofValues (Array.map int tensor.shape) (toArray tensor)

let channels (maps: Maps) = Array4D.length2 maps

let side (maps: Maps) = Array4D.length3 maps

let private numbers (maps: Maps) = Seq.cast<float> maps

/// Applies a function to each element, with its channel.
let change (f: int -> float -> float) (maps: Maps) : Maps =
    Array4D.init (Array4D.length1 maps) (channels maps) (side maps) (side maps) (fun n c y x -> f c maps[n, c, y, x])

let private withSides side channels of' (maps: Maps) : Maps = Array4D.init (Array4D.length1 maps) channels side side of'

/// Sum of f over this many rows and columns of this many channels.
let private sumOver channels rows columns f =
    let mutable sum = 0.0

    for c in 0 .. channels - 1 do
        for y in 0 .. rows - 1 do
            for x in 0 .. columns - 1 do
                sum <- sum + f c y x

    sum

/// Weight: [output, input, kernel, kernel].
let convolve (weight: Maps) (bias: int -> float) stride padding (maps: Maps) =
    let kernel, before = side weight, side maps

    maps
    |> withSides ((before + 2 * padding - kernel) / stride + 1) (Array4D.length1 weight) (fun n o y x ->
        bias o
        + sumOver (channels maps) kernel kernel (fun i ky kx ->
            let row, column = y * stride - padding + ky, x * stride - padding + kx

            if row < 0 || column < 0 || row >= before || column >= before then
                0.0
            else
                maps[n, i, row, column] * weight[o, i, ky, kx]))

/// Weight: [input, output, kernel, kernel].
let convolveTransposed (weight: Maps) (bias: int -> float) stride padding (maps: Maps) =
    let kernel, before = side weight, side maps

    maps
    |> withSides ((before - 1) * stride - 2 * padding + kernel) (channels weight) (fun n o y x ->
        bias o
        + sumOver (channels maps) before before (fun i row column ->
            let ky, kx = y + padding - row * stride, x + padding - column * stride

            if ky < 0 || kx < 0 || ky >= kernel || kx >= kernel then
                0.0
            else
                maps[n, i, row, column] * weight[i, o, ky, kx]))

/// Batch normalisation with the batch's statistics.
let normalise (weight: float[]) (bias: float[]) (maps: Maps) =
    let statistics =
        [| for c in 0 .. channels maps - 1 ->
               let values = numbers maps[*, c..c, *, *] |> Array.ofSeq
               let mean = Array.average values
               mean, sqrt (Array.averageBy (fun value -> (value - mean) ** 2.0) values + 1e-5) |]

    maps
    |> change (fun c value ->
        let mean, deviation = statistics[c]
        weight[c] * (value - mean) / deviation + bias[c])

let relu = change (fun _ value -> max 0.0 value)

/// Adaptive average pooling: each output pixel is the average of the input pixels that it covers; they may overlap.
let averaged size (maps: Maps) =
    let before = side maps

    maps
    |> withSides size (channels maps) (fun n c y x ->
        let bounds i = i * before / size, ((i + 1) * before + size - 1) / size
        let (top, bottom), (left, right) = bounds y, bounds x
        numbers maps[n..n, c..c, top .. bottom - 1, left .. right - 1] |> Seq.average)

/// Nearest-neighbour resizing.
let nearest size (maps: Maps) =
    let before = side maps
    maps |> withSides size (channels maps) (fun n c y x -> maps[n, c, y * before / size, x * before / size])

/// Combines two maps of the same shape element by element.
let map2 (f: float -> float -> float) (a: Maps) (b: Maps) : Maps = a |> withSides (side a) (channels a) (fun n c y x -> f a[n, c, y, x] b[n, c, y, x])

/// Multiplies every channel by one map.
let times (factors: Maps) which (maps: Maps) : Maps =
    maps |> withSides (side maps) (channels maps) (fun n c y x -> maps[n, c, y, x] * factors[n, which, y, x])

let mean (maps: Maps) = numbers maps |> Seq.average

let meanSquaredDifference a b = map2 (fun a b -> (a - b) ** 2.0) a b |> mean

/// Concatenates the channels of both.
let beside (a: Maps) (b: Maps) : Maps =
    let first = channels a

    a |> withSides (side a) (first + channels b) (fun n c y x -> if c < first then a[n, c, y, x] else b[n, c - first, y, x])

/// [sample][output] of [sample][input]; weight [output][input].
let linear (weight: float[][]) (bias: float[]) (rows: float[][]) =
    rows
    |> Array.map (fun row -> Array.map2 (fun weights bias -> bias + Array.sum (Array.map2 (*) weights row)) weight bias)
