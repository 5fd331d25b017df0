/// Values computed with PyTorch, and the formula that initialises networks equally there and here.
module ChannelDistillation.Tests.Golden

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open Expecto
open TorchSharp

type Tensor = torch.Tensor

let path name = Path.Combine(AppContext.BaseDirectory, "Golden", name)

let json name = (JsonDocument.Parse(File.ReadAllText(path name))).RootElement

let text (name: string) (element: JsonElement) =
    match element.GetProperty(name).GetString() with
    | null -> failwith $"`{name}` is null"
    | value -> value

let items (name: string) (element: JsonElement) = element.GetProperty(name).EnumerateArray() |> Seq.toList

let longs (element: JsonElement) = [| for item in element.EnumerateArray() -> item.GetInt64() |]

let doubles (element: JsonElement) = [| for item in element.EnumerateArray() -> item.GetDouble() |]

let toTensor (values: float32[]) (shape: int64[]) = torch.tensor (values, ReadOnlySpan<int64> shape)

/// { "shape": [...], "data": [...] } as float32.
let tensor (element: JsonElement) = toTensor (Array.map float32 (doubles (element.GetProperty "data"))) (longs (element.GetProperty "shape"))

/// h(n, offset)[i] = 2 frac(43758.5453 sin(12.9898 i + offset)) - 1
let noise (count: int64) (offset: float) =
    Array.Parallel.init (int count) (fun i ->
        let wave = 43758.5453 * sin (12.9898 * float i + offset)
        2.0 * (wave - floor wave) - 1.0)

/// Images of the golden files: [batch, channels, height, width].
let images (shape: int64[]) (offset: float) = toTensor (noise (Array.fold (*) 1L shape) offset |> Array.map float32) shape

let private values (name: string) (shape: int64[]) (w: float[]) =
    let scale =
        if name.EndsWith "running_var" then
            fun w -> 1.0 + 0.2 * abs w
        elif name.EndsWith "running_mean" then
            fun w -> 0.05 * w
        elif shape.Length = 1 then
            (if name.EndsWith "weight" then fun w -> 0.4 + 0.1 * w else fun w -> 0.1 * w)
        else
            let fanIn = float w.Length / float shape[0]
            fun w -> sqrt (6.0 / fanIn) * w

    Array.map (scale >> float32) w

/// Fills a state in PyTorch's order: entry k gets `noise` of offset + k, scaled by its kind; integers are unchanged.
let fill (offset: float) (state: Dictionary<string, Tensor>) =
    use _ = torch.no_grad ()

    state
    |> Seq.iteri (fun k entry ->
        let target = entry.Value

        if target.is_floating_point () then
            let w = noise (target.numel ()) (offset + float k)
            use source = toTensor (values entry.Key target.shape w) target.shape
            target.copy_ source |> ignore)

let toArray (tensor: Tensor) =
    use flat = tensor.detach().to_type(torch.ScalarType.Float64).cpu().contiguous()
    flat.data<float>().ToArray()

let gradient (leaf: Tensor) =
    match leaf.grad with
    | null -> failwith "no gradient has reached this tensor"
    | gradient -> toArray gradient

/// |actual - expected| <= relative x (|expected| + floor x largest |expected|), element by element.
let closeWith (floor: float) (relative: float) (expected: float[]) (actual: float[]) (what: string) =
    Expect.equal actual.Length expected.Length $"{what}: number of elements"
    let largest = expected |> Array.fold (fun largest value -> max largest (abs value)) 0.0

    Array.iteri2
        (fun i expected actual ->
            let allowed = relative * (abs expected + floor * largest)

            if not (abs (actual - expected) <= allowed) then
                failtest $"{what}[{i}]: expected {expected}, got {actual} (allowed difference {allowed})")
        expected
        actual

let close relative expected actual what = closeWith 0.01 relative expected actual what
