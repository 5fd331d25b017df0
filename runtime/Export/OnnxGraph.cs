using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using Google.Protobuf;
using Onnx;
using TorchSharp;
using static TorchSharp.torch;
using Operator = ChannelDistillation.Models.Layers.Operator;

namespace ChannelDistillation.Export;

/// <summary>Translates the <see cref="ForwardTrace"/> of a network to an ONNX graph (operator set <see cref="OperatorSet"/>). The batch is dynamic.</summary>
internal sealed class OnnxGraph
{
    /// <summary>Old enough for every current runtime; nothing here needs a newer one.</summary>
    public const int OperatorSet = 17;

    private const string Batch = "batch";

    private readonly GraphProto graph;
    private readonly Dictionary<nn.Module, string> names = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<int, string> values = [];

    /// <summary>Traces the network with a black image, on the CPU.</summary>
    /// <param name="network">In evaluation mode, with float32 parameters on the CPU.</param>
    /// <param name="hasFeatures">Whether the embedding and the stages are outputs, beside the logits.</param>
    /// <param name="normalization">Included in the graph, whose input is then in 0..1; null: not included.</param>
    /// <exception cref="InvalidOperationException">The network computes an output with a function that is not in <see cref="Operators"/>.</exception>
    public static GraphProto Of(Network network, ImageShape image, bool hasFeatures, NormalizationSpec? normalization)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = zeros(1, image.Channels, image.Height, image.Width);
        using var trace = new ForwardTrace(images);
        ModelOutput output = network.Run(images, hasFeatures ? Taps.Everything : Taps.Logits);
        var made = new OnnxGraph(network);
        made.Add(trace, OnnxNames.Of(output, hasFeatures), normalization);
        return made.graph;
    }

    private OnnxGraph(Network network)
    {
        graph = new GraphProto { Name = network.GetName() };
        foreach (var (name, module) in network.named_modules())
            names.TryAdd(module, name);
    }

    private void Add(ForwardTrace trace, IReadOnlyList<(string Name, Tensor Tensor)> outputs, NormalizationSpec? normalization)
    {
        graph.Input.Add(Describe(OnnxNames.Images, trace.ShapeOf(0)));
        values[0] = normalization is null ? OnnxNames.Images : Normalised(OnnxNames.Images, normalization);
        var outputNames = new Dictionary<int, string>();
        foreach (var (name, tensor) in outputs)
        {
            int value =
                trace.Find(tensor) ?? throw new InvalidOperationException($"{graph.Name} computes `{name}` with a function that is not traced.");
            outputNames.Add(value, name);
            graph.Output.Add(Describe(name, tensor.shape));
        }
        foreach (TracedStep step in Needed(trace, outputNames.Keys))
        {
            // A step without a source is an input that no traced operator computed.
            if (step.Inputs.FirstOrDefault(input => !values.ContainsKey(input), -1) >= 0)
                throw new InvalidOperationException(
                    $"{graph.Name} computes the input of {step.Operator.GetType().Name} with a function that is not traced."
                );
            string[] inputs = [.. step.Inputs.Select(input => values[input])];
            string output = outputNames.GetValueOrDefault(step.Output, $"value{step.Output}");
            Translate(step, inputs, output);
            values[step.Output] = output;
        }
    }

    /// <summary>The steps that an output depends on, in their order.</summary>
    private static IEnumerable<TracedStep> Needed(ForwardTrace trace, IEnumerable<int> outputs)
    {
        var needed = outputs.ToHashSet();
        var kept = new List<TracedStep>();
        foreach (TracedStep step in trace.Steps.Reverse().Where(step => needed.Contains(step.Output)))
        {
            needed.UnionWith(step.Inputs);
            kept.Add(step);
        }
        return kept.AsEnumerable().Reverse();
    }

    private void Translate(TracedStep step, string[] inputs, string output)
    {
        switch (step.Operator)
        {
            case Operator.Convolve(var layer):
                Convolve(layer, inputs[0], output);
                break;
            case Operator.Normalise(var layer):
                var (weight, bias, mean, variance) = layer.State;
                string normalised = names[layer];
                Node(
                    "BatchNormalization",
                    [
                        inputs[0],
                        Constant($"{normalised}.weight", weight),
                        Constant($"{normalised}.bias", bias),
                        Constant($"{normalised}.running_mean", mean),
                        Constant($"{normalised}.running_var", variance),
                    ],
                    output,
                    Attribute("epsilon", (float)BatchNorm.Epsilon)
                );
                break;
            case Operator.Multiply(var layer):
                string linear = names[layer];
                Node(
                    "Gemm",
                    [inputs[0], Constant($"{linear}.weight", layer.Weight), Constant($"{linear}.bias", layer.Bias)],
                    output,
                    Attribute("transB", 1)
                );
                break;
            case Operator.Rectify:
                Node("Relu", inputs, output);
                break;
            case Operator.Add:
                Node("Add", inputs, output);
                break;
            case Operator.Concatenate:
                Node("Concat", inputs, output, Attribute("axis", 1));
                break;
            case Operator.Slice(var start, var count):
                Node(
                    "Slice",
                    [inputs[0], Constant($"{output}.start", start), Constant($"{output}.end", start + count), Constant($"{output}.axis", 1)],
                    output
                );
                break;
            case Operator.MaxPool(var size, var stride, var padding):
                Node("MaxPool", inputs, output, Window(size, stride, padding));
                break;
            case Operator.AveragePool(var size, var stride, var padding):
                Node("AveragePool", inputs, output, [.. Window(size, stride, padding), Attribute("count_include_pad", 1)]);
                break;
            case Operator.ChannelMeans:
                Node("GlobalAveragePool", inputs, $"{output}.pooled");
                Node("Flatten", [$"{output}.pooled"], output, Attribute("axis", 1));
                break;
            case Operator.Shuffle(var groups):
                Shuffle(inputs[0], groups, step.Shape, output);
                break;
            default:
                throw new NotSupportedException($"{step.Operator.GetType().Name} has no translation to ONNX.");
        }
    }

    private void Convolve(Convolution layer, string input, string output)
    {
        string name = names[layer];
        string[] inputs = layer.Bias is { } bias
            ? [input, Constant($"{name}.weight", layer.Weight), Constant($"{name}.bias", bias)]
            : [input, Constant($"{name}.weight", layer.Weight)];
        Node(
            "Conv",
            inputs,
            output,
            Attribute("kernel_shape", layer.Weight.shape[2..]),
            Attribute("strides", layer.Stride),
            Attribute("pads", [.. layer.Padding, .. layer.Padding]),
            Attribute("group", layer.Groups)
        );
    }

    /// <summary>Transposes the channels as a table of `groups` rows; 0 in a shape keeps the batch.</summary>
    private void Shuffle(string input, int groups, IReadOnlyList<long> shape, string output)
    {
        string table = $"{output}.table";
        string transposed = $"{output}.transposed";
        Node("Reshape", [input, Constant($"{table}.shape", 0, groups, shape[1] / groups, shape[2], shape[3])], table);
        Node("Transpose", [table], transposed, Attribute("perm", [0, 2, 1, 3, 4]));
        Node("Reshape", [transposed, Constant($"{output}.shape", 0, shape[1], shape[2], shape[3])], output);
    }

    /// <summary>(image - mean) / std, per channel.</summary>
    private string Normalised(string input, NormalizationSpec normalization)
    {
        Node("Sub", [input, PerChannel("mean", normalization.Mean)], "centred");
        Node("Div", ["centred", PerChannel("std", normalization.Std)], "normalised");
        return "normalised";
    }

    private string PerChannel(string name, IReadOnlyList<double> numbers)
    {
        using Tensor values = tensor([.. numbers.Select(number => (float)number)], [1, numbers.Count, 1, 1]);
        return Constant(name, values);
    }

    private static AttributeProto[] Window(long size, long stride, long padding) =>
        [Attribute("kernel_shape", [size, size]), Attribute("strides", [stride, stride]), Attribute("pads", [padding, padding, padding, padding])];

    private void Node(string type, IEnumerable<string> inputs, string output, params IEnumerable<AttributeProto> attributes)
    {
        var node = new NodeProto { OpType = type, Name = $"{type}:{output}" };
        node.Input.AddRange(inputs);
        node.Output.Add(output);
        node.Attribute.AddRange(attributes);
        graph.Node.Add(node);
    }

    private string Constant(string name, Tensor values)
    {
        using var scope = NewDisposeScope();
        return Constant(name, TensorProto.Types.DataType.Float, values.shape, values.detach().contiguous().bytes);
    }

    private string Constant(string name, params long[] numbers) =>
        Constant(name, TensorProto.Types.DataType.Int64, [numbers.Length], MemoryMarshal.AsBytes<long>(numbers));

    /// <summary>Adds a constant once.</summary>
    private string Constant(string name, TensorProto.Types.DataType type, long[] shape, ReadOnlySpan<byte> bytes)
    {
        if (graph.Initializer.Any(constant => constant.Name == name))
            return name;
        var constant = new TensorProto
        {
            Name = name,
            DataType = (int)type,
            RawData = ByteString.CopyFrom(bytes),
        };
        constant.Dims.AddRange(shape);
        graph.Initializer.Add(constant);
        return name;
    }

    private static ValueInfoProto Describe(string name, IReadOnlyList<long> shape)
    {
        var dimensions = new TensorShapeProto();
        dimensions.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = Batch });
        dimensions.Dim.AddRange(shape.Skip(1).Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new()
        {
            Name = name,
            Type = new()
            {
                TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float, Shape = dimensions },
            },
        };
    }

    private static AttributeProto Attribute(string name, float value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Float,
            F = value,
        };

    private static AttributeProto Attribute(string name, long value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Int,
            I = value,
        };

    private static AttributeProto Attribute(string name, IEnumerable<long> values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }
}
