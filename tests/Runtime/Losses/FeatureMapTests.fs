module ChannelDistillation.Tests.Runtime.Losses.FeatureMapTests

open Expecto
open TorchSharp
open ChannelDistillation.Losses

let private pooled (pool: torch.Tensor -> torch.Tensor) (shape: int64 array) =
    let map = torch.arange(Array.reduce (*) shape, torch.ScalarType.Float32).sin().view(shape).requires_grad_(true)
    let result = pool map
    (result * result).sum().backward()
    result, nonNull map.grad

[<Tests>]
let tests =
    testList
        "maps of different sizes"
        [ test "Maps are averaged as by adaptive pooling, with plain pooling if the sizes divide" {
              use _ = torch.NewDisposeScope()

              for height, width in [ 4L, 4L; 1L, 1L; 2L, 4L; 3L, 4L; 8L, 8L ] do
                  let shape = [| 2L; 3L; 8L; 8L |]
                  let ours, gradient = pooled (fun map -> FeatureMaps.AveragedTo(map, height, width)) shape
                  let adaptive, wanted = pooled (fun map -> torch.nn.functional.adaptive_avg_pool2d (map, [| height; width |])) shape
                  Expect.equal ours.shape [| 2L; 3L; height; width |] "shape"
                  Expect.isTrue (ours.allclose (adaptive, rtol = 1e-5, atol = 1e-6)) $"values, {height}x{width}"
                  Expect.isTrue (gradient.allclose (wanted, rtol = 1e-5, atol = 1e-6)) $"gradients, {height}x{width}"
          } ]
