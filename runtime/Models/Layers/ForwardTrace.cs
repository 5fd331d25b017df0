using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// Records the operators of a forward pass on this thread: the layers, and the functions of <see cref="Operators"/>. A network that computes with
/// these alone can be counted (<see cref="ModelCost"/>), folded (<see cref="Folding"/>) and exported to ONNX without describing its layers again.
/// </summary>
public sealed class ForwardTrace : IDisposable
{
    [ThreadStatic]
    private static ForwardTrace? current;

    /// <summary>The number of each tensor's value. An in-place operator gives its tensor a new number.</summary>
    private readonly Dictionary<Tensor, int> values = new(ReferenceEqualityComparer.Instance);

    private readonly List<TracedStep> steps = [];
    private readonly List<long[]> shapes = [];

    /// <param name="images">The input of the forward pass; its value has the number 0.</param>
    public ForwardTrace(Tensor images)
    {
        NumberOf(images);
        current = this;
    }

    /// <summary>In execution order.</summary>
    public IReadOnlyList<TracedStep> Steps => steps;

    /// <summary>The number of a tensor's value; null if no traced operator computed it.</summary>
    public int? Find(Tensor tensor) => values.TryGetValue(tensor, out int value) ? value : null;

    /// <summary>The shape of a value.</summary>
    public IReadOnlyList<long> ShapeOf(int value) => shapes[value];

    public void Dispose() => current = null;

    /// <summary>Records an operator that has been executed.</summary>
    /// <returns><paramref name="output"/>.</returns>
    internal static Tensor Record(Operator which, Tensor output, params ReadOnlySpan<Tensor> inputs)
    {
        if (current is { } trace)
            trace.Add(which, output, inputs);
        return output;
    }

    /// <summary>Records that a tensor has the value of another.</summary>
    /// <returns><paramref name="output"/>.</returns>
    internal static Tensor RecordAlias(Tensor output, Tensor input)
    {
        if (current is { } trace && trace.Find(input) is int value)
            trace.values[output] = value;
        return output;
    }

    private void Add(Operator which, Tensor output, ReadOnlySpan<Tensor> inputs)
    {
        var numbers = new int[inputs.Length];
        for (int i = 0; i < numbers.Length; i++)
            // The result of an operator that is not traced gets a number, but no step.
            numbers[i] = Find(inputs[i]) ?? NumberOf(inputs[i]);
        steps.Add(new(which, numbers, NumberOf(output), output.shape));
    }

    private int NumberOf(Tensor newValue)
    {
        shapes.Add(newValue.shape);
        return values[newValue] = shapes.Count - 1;
    }
}

/// <summary>One executed operator.</summary>
/// <param name="Inputs">Numbers of its input values.</param>
/// <param name="Output">Number of its result.</param>
/// <param name="Shape">Shape of its result; the batch is the first dimension.</param>
public sealed record TracedStep(Operator Operator, IReadOnlyList<int> Inputs, int Output, IReadOnlyList<long> Shape)
{
    /// <summary>Multiply-accumulates per image of convolutions and linear layers; 0 for other operators.</summary>
    public long MultiplyAdds =>
        Operator switch
        {
            Operator.Convolve(var layer) => layer.Weight.numel() * Shape[2] * Shape[3],
            Operator.Multiply(var layer) => layer.Weight.numel(),
            _ => 0,
        };
}
