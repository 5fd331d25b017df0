/// 1x1 convolutions: their results, and which of them reach libtorch.
module ChannelDistillation.Tests.Runtime.Models.Layers.ConvolutionTests

open System
open System.Diagnostics
open System.Reflection
open System.Runtime.InteropServices
open System.Text.RegularExpressions
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Models.Layers
open ChannelDistillation.Losses
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training

let private channelsLast (images: torch.Tensor) = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)

// ---- in a child process ----------------------------------------------------------------------------------------------

/// Forward and backward pass of every model of the catalog, and a training step with every loss. With ONEDNN_VERBOSE=1, oneDNN prints every
/// convolution that it computes.
let work () =
    // With one thread, libtorch computes small convolutions itself.
    Devices.UseThreads 2
    let image = ImageShape(3, 32, 32)

    for model in ModelCatalog.All do
        use _ = torch.NewDisposeScope()
        use network = model.Build(ModelSpec model.Name, image, 10)
        Initialisation.Initialise(network, 0L, "student")
        network.forward(torch.ones (2L, 3L, 32L, 32L)).sum().backward()

    for loss in LossCatalog.All do
        let losses = [ TinyTraining.loss "ce" 1.0 TinyTraining.always; TinyTraining.loss loss.Name 1.0 TinyTraining.always ]
        let spec = TinyTraining.spec TinyTraining.teacher (TinyTraining.train 1 0.05) (List.distinctBy _.Name losses)
        use rehearsal = new StepProfiler(spec, "cpu")
        rehearsal.Run 1 |> ignore

    // A convolution that the test must detect, with harmless channels.
    torch.nn.functional.conv2d (channelsLast (torch.ones (2L, 24L, 8L, 8L)), torch.ones (40L, 24L, 1L, 1L)) |> ignore
    0

/// The convolutions that a child process computed with oneDNN, as oneDNN describes them.
let private convolutions () =
    let start =
        ProcessStartInfo(
            nonNull Environment.ProcessPath,
            [ (nonNull (Assembly.GetEntryAssembly())).Location; "convolutions" ],
            RedirectStandardOutput = true,
            RedirectStandardInput = true
        )

    start.Environment["ONEDNN_VERBOSE"] <- "1"
    // Its threads have little to do, and should not occupy the cores while waiting.
    start.Environment["OMP_WAIT_POLICY"] <- "passive"
    use child = nonNull (Process.Start start)

    use _ = new Threading.Timer((fun _ -> child.Kill()), null, TimeSpan.FromMinutes 10.0, Threading.Timeout.InfiniteTimeSpan)
    let lines = child.StandardOutput.ReadToEnd().Split '\n'
    child.WaitForExit()
    Expect.equal child.ExitCode 0 "exit code"

    lines |> Array.filter _.Contains(",convolution,") |> List.ofArray

/// `mb2_ic24oc40_ih8oh8kh1sh1dh0ph0_iw8ow8kw1sw1dw0pw0`, with `g2` before `ic` for two groups; `acdb` is channels-last.
let private isDangerous (line: string) = line.Contains ":acdb:" && Regex.IsMatch(line, ",mb[0-9]+_ic[0-9]+oc[0-9]+_.*kh1s.*kw1s")

// ---- in this process -------------------------------------------------------------------------------------------------

/// Output and gradients for images, weight and bias.
let private results (images: torch.Tensor) (weight: torch.Tensor) (bias: torch.Tensor) compute =
    let leaf (tensor: torch.Tensor) = tensor.detach().requires_grad_ true
    let images, weight, bias = leaf images, leaf weight, leaf bias
    let output: torch.Tensor = compute images weight bias
    (output * Golden.images output.shape 4.0).sum().backward()
    output, [ output; nonNull images.grad; nonNull weight.grad; nonNull bias.grad ]

let private computesLikeLibtorch (shape: int64[]) (stride: int64) (arrange: torch.Tensor -> torch.Tensor) =
    use _ = torch.NewDisposeScope()
    let images = arrange (Golden.images shape 1.0)
    let weight, bias = Golden.images [| 6L; shape[1]; 1L; 1L |] 2.0, Golden.images [| 6L |] 3.0
    let stride, padding = [| stride; stride |], [| 0L; 0L |]
    let _, expected = results images weight bias (fun x w b -> torch.nn.functional.conv2d (x, w, b, stride, padding))
    let output, ours = results images weight bias (fun x w b -> ConvolutionOperator.Apply(x, w, b, stride, padding))
    Expect.equal output.shape expected.Head.shape "shape"

    for expected, ours in List.zip expected ours do
        Golden.close 1e-5 (Golden.toArray expected) (Golden.toArray ours) "output and gradients"

    output.stride ()

[<Tests>]
let tests =
    testList
        "convolutions of 1x1 pixels"
        [ for stride in [ 1L; 2L ] do
              testCase $"A 1x1 convolution of channels-last images at stride {stride} equals libtorch's, and its maps are channels-last"
              <| fun () ->
                  let strides = computesLikeLibtorch [| 3L; 4L; 5L; 7L |] stride channelsLast
                  Expect.equal strides[1] 1L "distance of two channels"

              testCase $"A 1x1 convolution of contiguous images at stride {stride} equals libtorch's, and its maps are contiguous"
              <| fun () ->
                  let strides = computesLikeLibtorch [| 3L; 4L; 5L; 7L |] stride id
                  Expect.equal strides[3] 1L "distance of two pixels"

          testCase "A 1x1 convolution of half of the channels equals libtorch's"
          <| fun () ->
              computesLikeLibtorch [| 3L; 4L; 5L; 7L |] 1L (fun images -> (channelsLast (torch.cat ([| images; images |], 1L))).narrow(1L, 4L, 4L))
              |> ignore

          testCase "A 1x1 convolution of images of one pixel equals libtorch's"
          <| fun () -> computesLikeLibtorch [| 3L; 4L; 1L; 1L |] 1L id |> ignore

          testCase "No 1x1 convolution of a model or loss reaches oneDNN in channels-last"
          <| fun () ->
              // oneDNN divides by zero for some of them on some CPUs; what it prints is the same on all.
              if OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture = Architecture.X64 then
                  let all = convolutions ()
                  let found = all |> List.filter isDangerous
                  Expect.isGreaterThan all.Length 1000 "all convolutions"
                  Expect.all found _.Contains("ic24oc40_") "the one that is there for this test is the only one"
                  Expect.isNonEmpty found "which is found" ]
