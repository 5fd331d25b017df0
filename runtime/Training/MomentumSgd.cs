using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>
/// Stochastic gradient descent over a fixed list of parameters, identical to PyTorch's SGD in every step.
/// </summary>
internal sealed class MomentumSgd : IDisposable
{
    private static int reported;

    private readonly (string Name, Parameter Value)[] parameters;
    private readonly Tensor?[] momenta;

    // Those with a gradient in this step.
    private readonly Tensor[] updated;
    private readonly Tensor[] gradients;
    private readonly Tensor[] velocities;

    private readonly SgdSpec spec;
    private readonly Scalar momentum;
    private readonly Scalar weightDecay;
    private Scalar minusRate;
    private double learningRate = double.NaN;

    public MomentumSgd(IEnumerable<(string Name, Parameter Value)> parameters, SgdSpec spec)
    {
        this.parameters = [.. parameters];
        this.spec = spec;
        int count = this.parameters.Length;
        momenta = new Tensor?[count];
        (updated, gradients, velocities) = (new Tensor[count], new Tensor[count], new Tensor[count]);
        momentum = spec.Momentum.ToScalar();
        weightDecay = spec.WeightDecay.ToScalar();
        minusRate = 0.0.ToScalar();
    }

    /// <summary>A remark, once per process, if parameters are updated one by one, which is slower; otherwise null.</summary>
    public static string? Remark(Device device) =>
        Dispatcher.HasFusedSgd(device) || Interlocked.Exchange(ref reported, 1) != 0
            ? null
            : $"This libtorch has no fused SGD step for {device} (`aten::_fused_sgd_`). Parameters are updated one by one; training is slower.";

    /// <summary>Updates the parameters once. Gradients are null afterwards.</summary>
    /// <param name="movesAll">
    /// Whether a parameter without a gradient (its losses have weight 0 in this epoch) is updated as if its gradient were 0, by weight decay and
    /// momentum. Otherwise it does not change.
    /// </param>
    public void Step(double learningRate, bool movesAll = false)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int count = 0;
        for (int i = 0; i < parameters.Length; i++)
        {
            Tensor? gradient = parameters[i].Value.grad;
            if (gradient is null && !movesAll)
                continue;
            gradient ??= zeros_like(parameters[i].Value);
            (updated[count], gradients[count]) = (parameters[i].Value, gradient);
            if (spec.Momentum != 0)
                // Starting from zero, the first velocity is the gradient itself, as in PyTorch.
                velocities[count] = momenta[i] ??= zeros_like(parameters[i].Value).DetachFromDisposeScope();
            count++;
        }
        ReadOnlySpan<Tensor> used = spec.Momentum == 0 ? [] : velocities.AsSpan(0, count);
        if (
            !Dispatcher.FusedSgd(
                updated.AsSpan(0, count),
                gradients.AsSpan(0, count),
                used,
                spec.WeightDecay,
                spec.Momentum,
                learningRate,
                spec.Nesterov
            )
        )
            StepOneByOne(count, learningRate);
        for (int i = 0; i < count; i++)
            updated[i].grad = null;
    }

    /// <summary>The same with TorchSharp's operators.</summary>
    private void StepOneByOne(int count, double learningRate)
    {
        SetRate(learningRate);
        for (int i = 0; i < count; i++)
        {
            Tensor direction = gradients[i];
            if (spec.WeightDecay != 0)
                direction.add_(updated[i], weightDecay);
            if (spec.Momentum != 0)
            {
                velocities[i].mul_(momentum).Increase(direction);
                direction = spec.Nesterov ? direction.add_(velocities[i], momentum) : velocities[i];
            }
            updated[i].add_(direction, minusRate);
        }
    }

    /// <summary>Momentum of each updated parameter, by the parameter's name.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State() =>
        parameters.Zip(momenta).Where(entry => entry.Second is not null).Select(entry => KeyValuePair.Create(entry.First.Name, entry.Second!));

    /// <summary>Restores saved momenta (copied); parameters that are not listed start without momentum.</summary>
    public void Restore(IReadOnlyDictionary<string, Tensor> state)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            momenta[i]?.Dispose();
            // With the parameter's strides, which files do not store.
            momenta[i] = state.TryGetValue(parameters[i].Name, out Tensor? saved)
                ? zeros_like(parameters[i].Value).copy_(saved).DetachFromDisposeScope()
                : null;
        }
    }

    public void Dispose()
    {
        foreach (Tensor? velocity in momenta)
            velocity?.Dispose();
    }

    private void SetRate(double value)
    {
        // A Scalar is a native object: create one per change, not one per step.
        if (value == learningRate)
            return;
        minusRate.Dispose();
        minusRate = (-value).ToScalar();
        learningRate = value;
    }
}
