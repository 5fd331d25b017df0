using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// Batch normalisation (Ioffe and Szegedy, arXiv 1502.03167) of [batch, channels, height, width], with the state of PyTorch's BatchNorm2d.
/// It is faster than TorchSharp's: the step counter, which nothing reads during training, is kept as a number and written to its
/// tensor when the state is read. On a small network, updating that tensor would take a sixth of the forward pass.
/// </summary>
public sealed class BatchNorm : nn.Module<Tensor, Tensor>
{
    private const double Momentum = 0.1;
    internal const double Epsilon = 1e-5;
    private static readonly Scalar LastingEpsilon = Epsilon.ToScalar();

    // TorchSharp finds these fields by reflection and uses their names, which are PyTorch's, in the state.
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly Tensor running_mean;
    private readonly Tensor running_var;
    private readonly Tensor num_batches_tracked;

    /// <summary>Training steps since <see cref="num_batches_tracked"/> was last written.</summary>
    private long batchesNotYetTracked;

    private bool isFolded;

    public BatchNorm(int channels)
        : base(nameof(BatchNorm))
    {
        weight = LayerState.Parameter(ones(channels));
        bias = LayerState.Parameter(zeros(channels));
        running_mean = LayerState.Buffer(zeros(channels));
        running_var = LayerState.Buffer(ones(channels));
        num_batches_tracked = LayerState.Buffer(tensor(0L));
        RegisterComponents();
    }

    /// <summary>In training, uses the statistics of the batch and updates the running ones; otherwise, and for a single value per channel, uses the running ones.</summary>
    public override Tensor forward(Tensor images)
    {
        if (isFolded)
            return ForwardTrace.RecordAlias(images.alias(), images);
        return ForwardTrace.Record(new Operator.Normalise(this), Normalised(images), images);
    }

    /// <summary>[channels].</summary>
    internal (Tensor Weight, Tensor Bias, Tensor Mean, Tensor Variance) State => (weight, bias, running_mean, running_var);

    private Tensor Normalised(Tensor images)
    {
        // One value per channel has no variance: PyTorch rejects it, and the running variance would become NaN. This occurs if the last batch of an
        // epoch has one image and the map one pixel.
        if (training && HasOneValuePerChannel(images))
            return nn.functional.batch_norm(images, running_mean, running_var, weight, bias, false, Momentum, Epsilon);
        if (training)
            batchesNotYetTracked++;
        return nn.functional.batch_norm(images, running_mean, running_var, weight, bias, training, Momentum, Epsilon);
    }

    /// <summary>The result of <see cref="forward"/>, without updating the running statistics.</summary>
    public Tensor Look(Tensor images)
    {
        if (isFolded)
            return images.alias();
        return training
            ? nn.functional.batch_norm(images, null, null, weight, bias, true, Momentum, Epsilon)
            : nn.functional.batch_norm(images, running_mean, running_var, weight, bias, false, Momentum, Epsilon);
    }

    /// <summary>Folds itself, with its current running statistics, into the preceding convolution; from then on it returns its input.</summary>
    internal void FoldInto(Convolution convolution)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor factor = weight * running_var.add(LastingEpsilon).rsqrt();
        convolution.Scale(factor, bias - running_mean * factor);
        isFolded = true;
    }

    private static bool HasOneValuePerChannel(Tensor images) => images.size(0) == 1 && images.size(2) == 1 && images.size(3) == 1;

    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
    {
        WriteCounter();
        return base.named_buffers(recurse, include_nonpersistent);
    }

    public override Tensor? get_buffer(string target)
    {
        WriteCounter();
        return base.get_buffer(target);
    }

    private void WriteCounter()
    {
        if (batchesNotYetTracked == 0)
            return;
        using var noGradient = no_grad();
        using Scalar steps = batchesNotYetTracked;
        num_batches_tracked.add_(steps);
        batchesNotYetTracked = 0;
    }
}
