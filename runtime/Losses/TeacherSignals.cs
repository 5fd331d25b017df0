using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// A frozen teacher's outputs for one batch. Derived tensors are computed once, when the first lane needs them, and shared by
/// all lanes of the cohort.
/// </summary>
/// <param name="output">Without gradients; valid during the step.</param>
/// <param name="labels">[batch], int64.</param>
public sealed class TeacherSignals(ModelOutput output, Tensor labels)
{
    private readonly Dictionary<string, Tensor> derived = [];
    private readonly Dictionary<string, TeacherSignals> views = [];

    /// <summary>[batch, classes].</summary>
    public Tensor Logits => output.Logits;

    /// <summary>Stage outputs, each [batch, channels, height, width].</summary>
    public IReadOnlyList<Tensor> Features => output.Features;

    /// <summary>A stage's output before its last ReLU, [batch, channels, height, width].</summary>
    public Tensor PreActivation(int stage) => output.PreActivations[stage];

    /// <summary>[batch, channels].</summary>
    public Tensor Embedding => output.Embedding;

    /// <summary>The logits of each position of the last map, [batch, classes, height, width].</summary>
    public Tensor LogitMap => output.LogitMap;

    /// <summary>Global average of each channel of a stage, [batch, channels].</summary>
    public Tensor ChannelMeans(int stage) => output.ChannelMeans[stage];

    /// <summary>[batch], int64.</summary>
    public Tensor Labels => labels;

    /// <summary>1 if the teacher's most likely class is the label, otherwise 0; [batch], float32.</summary>
    public Tensor Correct =>
        Derive(
            "correct",
            () =>
            {
                using var predicted = Logits.argmax(1);
                using var same = predicted.eq(labels);
                return same.to(ScalarType.Float32);
            }
        );

    /// <summary>
    /// Other logits computed from this batch's output, with their labels, as the signals of another batch: what lanes derive from
    /// them is shared, too. The name identifies both, with every parameter that they depend on.
    /// </summary>
    public TeacherSignals View(string name, Func<Tensor> logits, Func<Tensor> labels)
    {
        if (!views.TryGetValue(name, out TeacherSignals? view))
        {
            view = new(new ModelOutput(Derive(name, logits), [], null), Derive($"labels of {name}", labels));
            views.Add(name, view);
        }
        return view;
    }

    /// <summary>A tensor computed from this batch's output at most once. The name identifies it, with every parameter that it depends on.</summary>
    public Tensor Derive(string name, Func<Tensor> make)
    {
        if (!derived.TryGetValue(name, out Tensor? value))
        {
            using var noGradient = no_grad();
            // Later lanes need it: move it to the step's scope, where the teacher's output lives. A tensor already in that scope is not moved: moving a
            // tensor to its own scope loses it, and its finalizer crashes the process (TorchSharp 0.107).
            using var making = NewDisposeScope();
            value = make();
            if (making.Contains(value))
                value.MoveToOtherDisposeScope(output.Any);
            derived.Add(name, value);
        }
        return value;
    }
}
