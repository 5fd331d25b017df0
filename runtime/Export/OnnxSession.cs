using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Export;

/// <summary>An ONNX file in ONNX Runtime, on the CPU. The only user of its native library, which is loaded with the first session.</summary>
public sealed class OnnxSession : IDisposable
{
    private readonly InferenceSession session;

    /// <param name="threads">Threads that an operator uses.</param>
    /// <exception cref="MissingException">ONNX Runtime is not part of this copy of the program, or rejects the file.</exception>
    public OnnxSession(string path, int threads)
    {
        try
        {
            using var options = new SessionOptions
            {
                IntraOpNumThreads = threads,
                InterOpNumThreads = 1,
                ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            };
            session = new(path, options);
        }
        catch (Exception error) when (error is TypeInitializationException or DllNotFoundException)
        {
            throw new MissingException(
                "ONNX Runtime cannot be loaded: its native library is not part of this copy of the program (the archive of `publish` omits it). "
                    + "Export on the machine where the program was built.",
                error
            );
        }
        catch (OnnxRuntimeException error)
        {
            throw new MissingException($"ONNX Runtime rejects {path}: {error.Message}", error);
        }
    }

    /// <summary>The file's metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata => session.ModelMetadata.CustomMetadataMap;

    /// <summary>Names of its outputs.</summary>
    public IReadOnlyList<string> Outputs => session.OutputNames;

    /// <summary>The outputs for images [batch, channels, height, width], float32 on the CPU.</summary>
    /// <returns>Tensors in the current dispose scope, in the order of the names.</returns>
    public IReadOnlyList<torch.Tensor> Run(torch.Tensor images, params IReadOnlyList<string> outputs)
    {
        using var results = session.Run([Input(images)], [.. outputs]);
        return
        [
            .. results.Select(result =>
            {
                var values = (DenseTensor<float>)result.AsTensor<float>();
                return tensor(values.Buffer.ToArray(), [.. values.Dimensions.ToArray().Select(size => (long)size)]);
            }),
        ];
    }

    /// <summary>The version of ONNX Runtime.</summary>
    public static string RuntimeVersion => OrtEnv.Instance().GetVersionString();

    /// <summary>Prepares random images, so that each call of the result computes their logits and nothing else.</summary>
    public Action Prepare(int batch, ImageShape image)
    {
        using torch.Tensor images = randn(batch, image.Channels, image.Height, image.Width);
        NamedOnnxValue[] inputs = [Input(images)];
        return () =>
        {
            using var results = session.Run(inputs);
        };
    }

    public void Dispose() => session.Dispose();

    private static NamedOnnxValue Input(torch.Tensor images)
    {
        using torch.Tensor contiguous = images.contiguous();
        float[] pixels = MemoryMarshal.Cast<byte, float>(contiguous.bytes).ToArray();
        return NamedOnnxValue.CreateFromTensor(OnnxNames.Images, new DenseTensor<float>(pixels, [.. contiguous.shape.Select(size => (int)size)]));
    }
}
