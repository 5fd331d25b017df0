using ChannelDistillation.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// The temperature of curriculum temperature distillation (Li et al., arXiv 2211.16231; range and curriculum of its code): T = 1 + 20 sigmoid(theta),
/// theta is trained with the student and starts at 1. Its gradient is reversed, so that the student's task becomes harder, and scaled from 0 to 1 over the
/// first 24th of the training along a cosine: 10 epochs of 240 in the authors' CIFAR-100 runs, 5 of 120 on ImageNet.
/// </summary>
/// <param name="epochs">Epochs of the run.</param>
public sealed class TrainedTemperature : nn.Module
{
    private const double Lowest = 1;
    private const double Span = 20;
    private const double ShareOfTraining = 1.0 / 24;

    private readonly double curriculum;
    private readonly Parameter theta;

    public static ParameterDescriptor Option { get; } =
        new ParameterDescriptor.Flag("train_temperature", false, "Curriculum temperature: train T between 1 and 21, against the student.");

    public TrainedTemperature(int epochs)
        : base(nameof(TrainedTemperature))
    {
        curriculum = epochs * ShareOfTraining;
        theta = LayerState.Parameter(ones(1));
        register_parameter("theta", theta);
    }

    /// <summary>T, [1].</summary>
    /// <param name="epoch">Counted from 1.</param>
    public Tensor At(int epoch)
    {
        double share = epoch >= curriculum ? 1 : epoch / curriculum;
        double factor = (Math.Cos(Math.PI * share) + 1) / 2 - 1;
        Tensor value = theta.detach();
        return Lowest + Span * (value + factor * (theta - value)).sigmoid();
    }
}
