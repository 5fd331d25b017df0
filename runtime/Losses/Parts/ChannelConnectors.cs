using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// One trainable connector per stage, from the student's to the teacher's channels: relu(BatchNorm(1x1 convolution)). Parameters are named
/// `connectors.0.0.weight`, ...
/// </summary>
public sealed class ChannelConnectors : nn.Module
{
    private readonly Chain[] stages;

    /// <param name="channels">(student's, teacher's) of each stage.</param>
    public ChannelConnectors(IEnumerable<(int Student, int Teacher)> channels)
        : base(nameof(ChannelConnectors))
    {
        stages = channels.Select(pair => new Chain(new Convolution(pair.Student, pair.Teacher, 1), new BatchNorm(pair.Teacher))).ToArray();
        register_module("connectors", new Chain(stages));
    }

    public int Stages => stages.Length;

    /// <summary>[batch, student's channels, height, width] to [batch, teacher's channels, height, width].</summary>
    public Tensor Connect(int stage, Tensor feature) => stages[stage].forward(feature).relu_();
}
