using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>What is known of a dataset without opening it. Entries come from data/datasets.yaml.</summary>
public sealed record DatasetDescriptor
{
    public required string Name { get; init; }

    public required string Doc { get; init; }

    public required string License { get; init; }

    /// <summary>Images as the models see them (after padding or cropping).</summary>
    public required ImageShape Image { get; init; }

    public required int Classes { get; init; }

    public required int TrainingImages { get; init; }

    public required int ValidationImages { get; init; }

    /// <summary>Per channel, of pixel values scaled to 0..1.</summary>
    public required IReadOnlyList<float> Mean { get; init; }

    public required IReadOnlyList<float> Std { get; init; }

    /// <summary>What training images go through where an experiment says nothing.</summary>
    public required AugmentationSpec Augmentation { get; init; }
}
