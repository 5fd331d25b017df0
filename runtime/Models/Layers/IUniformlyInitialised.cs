namespace ChannelDistillation.Models.Layers;

/// <summary>A layer whose parameters begin uniform within +-<see cref="Bound"/>, as PyTorch's own layers do.</summary>
public interface IUniformlyInitialised
{
    double Bound { get; }
}
