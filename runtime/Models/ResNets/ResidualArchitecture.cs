namespace ChannelDistillation.Models;

/// <summary>The numbers that make one member of a residual family.</summary>
/// <param name="StemWidth">Channels after the first convolution.</param>
/// <param name="Widths">Width of each stage's blocks; every stage after the first halves the size.</param>
/// <param name="Depths">Blocks in each stage.</param>
/// <param name="Bottlenecks">Built of <see cref="Bottleneck"/> instead of <see cref="BasicBlock"/>.</param>
public sealed record ResidualArchitecture(int StemWidth, IReadOnlyList<int> Widths, IReadOnlyList<int> Depths, bool Bottlenecks)
{
    /// <summary>Channels of each stage's output, and its stride.</summary>
    public IReadOnlyList<(int Channels, int Stride)> Stages { get; } =
        Widths.Select((width, stage) => (width * (Bottlenecks ? Bottleneck.Expansion : 1), stage == 0 ? 1 : 2)).ToArray();

    public IEnumerable<BlockStage> BuildStages()
    {
        int input = StemWidth;
        for (int stage = 0; stage < Widths.Count; stage++)
        {
            var (output, stride) = Stages[stage];
            (int before, int width) = (input, Widths[stage]);
            yield return new BlockStage(
                Enumerable.Range(0, Depths[stage]).Select(block => MakeBlock(block == 0 ? before : output, width, block == 0 ? stride : 1))
            );
            input = output;
        }
    }

    private Block MakeBlock(int input, int width, int stride) =>
        Bottlenecks ? new Bottleneck(input, width, stride) : new BasicBlock(input, width, stride);
}
