using ChannelDistillation.Specs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>
/// Stochastic gradient descent over a fixed list of parameters, step for step what PyTorch's SGD computes. A parameter without a
/// gradient (its losses have weight 0 in this epoch) is left alone, without weight decay or momentum.
/// </summary>
internal sealed class MomentumSgd : IDisposable
{
    private readonly (string Name, Parameter Value)[] parameters;
    private readonly Tensor?[] momenta;
    private readonly SgdSpec spec;
    private readonly Scalar momentum;
    private readonly Scalar weightDecay;
    private Scalar minusRate;
    private double learningRate = double.NaN;

    public MomentumSgd(IEnumerable<(string Name, Parameter Value)> parameters, SgdSpec spec)
    {
        this.parameters = [.. parameters];
        this.spec = spec;
        momenta = new Tensor?[this.parameters.Length];
        momentum = spec.Momentum.ToScalar();
        weightDecay = spec.WeightDecay.ToScalar();
        minusRate = 0.0.ToScalar();
    }

    /// <summary>One update from the gradients, which are used up: they are null afterwards.</summary>
    public void Step(double learningRate)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        SetRate(learningRate);
        for (int i = 0; i < parameters.Length; i++)
        {
            Parameter parameter = parameters[i].Value;
            if (parameter.grad is not Tensor gradient)
                continue;
            if (spec.WeightDecay != 0)
                gradient.add_(parameter, weightDecay);
            parameter.add_(Direction(i, gradient), minusRate);
            parameter.grad = null;
        }
    }

    /// <summary>Momentum of each parameter that has been updated, by the parameter's name.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State() =>
        parameters.Zip(momenta).Where(entry => entry.Second is not null).Select(entry => KeyValuePair.Create(entry.First.Name, entry.Second!));

    /// <summary>Puts saved momenta in place (they are copied); parameters that are not named start anew.</summary>
    public void Restore(IReadOnlyDictionary<string, Tensor> state)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            momenta[i]?.Dispose();
            momenta[i] = state.TryGetValue(parameters[i].Name, out Tensor? saved)
                ? saved.to(parameters[i].Value.device, copy: true).DetachFromDisposeScope()
                : null;
        }
    }

    public void Dispose()
    {
        foreach (Tensor? velocity in momenta)
            velocity?.Dispose();
    }

    private Tensor Direction(int i, Tensor gradient)
    {
        if (spec.Momentum == 0)
            return gradient;
        if (momenta[i] is Tensor velocity)
            velocity.mul_(momentum).add_(gradient);
        else
            momenta[i] = velocity = gradient.clone().DetachFromDisposeScope();
        return spec.Nesterov ? gradient.add_(velocity, momentum) : velocity;
    }

    private void SetRate(double value)
    {
        // A Scalar is a native object: make one per change, not one per step.
        if (value == learningRate)
            return;
        minusRate.Dispose();
        minusRate = (-value).ToScalar();
        learningRate = value;
    }
}
