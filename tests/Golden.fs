/// Values computed with PyTorch, and the formula that initialises networks equally there and here.
module ChannelDistillation.Tests.Golden

open System
open System.Collections.Generic
open System.IO
open System.Security.Cryptography
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
let private noiseAt (offset: float) (i: int) =
    let wave = 43758.5453 * sin (12.9898 * float i + offset)
    2.0 * (wave - floor wave) - 1.0

let private size (shape: int64[]) = int (Array.fold (*) 1L shape)

let noise (count: int64) (offset: float) : float[] = Array.Parallel.init (int count) (noiseAt offset)

/// Images of the golden files: [batch, channels, height, width].
let images (shape: int64[]) (offset: float) = toTensor (Array.Parallel.init (size shape) (fun i -> float32 (noiseAt offset i))) shape

/// Scale and offset of noise for a part of a network's state.
let private range (name: string) (shape: int64[]) =
    if name.EndsWith "running_mean" then
        struct (0.05, 0.0)
    elif shape.Length = 1 then
        (if name.EndsWith "weight" then struct (0.1, 0.4) else struct (0.1, 0.0))
    else
        struct (sqrt (6.0 / (float (size shape) / float shape[0])), 0.0)

let private values (name: string) (shape: int64[]) (offset: float) : float32[] =
    if name.EndsWith "running_var" then
        Array.Parallel.init (size shape) (fun i -> float32 (1.0 + 0.2 * abs (noiseAt offset i)))
    else
        let struct (scale, least) = range name shape
        Array.Parallel.init (size shape) (fun i -> float32 (least + scale * noiseAt offset i))

/// Fills a state in PyTorch's order: entry k gets `noise` of offset + k, scaled by its kind; integers are unchanged.
let fill (offset: float) (state: Dictionary<string, Tensor>) =
    use _ = torch.no_grad ()

    state
    |> Seq.iteri (fun k entry ->
        let target = entry.Value

        if target.is_floating_point () then
            use source = toTensor (values entry.Key target.shape (offset + float k)) target.shape
            target.copy_ source |> ignore)

let toArray (tensor: Tensor) =
    use flat = tensor.detach().to_type(torch.ScalarType.Float64).cpu().contiguous()
    flat.data<float>().ToArray()

let gradient (leaf: Tensor) =
    match leaf.grad with
    | null -> failwith "no gradient has reached this tensor"
    | gradient -> toArray gradient

/// A digest of the elements: equal only if all bits are.
let bits (tensor: Tensor) : string =
    use flat = tensor.detach().cpu().contiguous()
    Convert.ToHexString(SHA256.HashData flat.bytes)

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
