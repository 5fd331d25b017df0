using ChannelDistillation.Core;

namespace ChannelDistillation.Data;

/// <summary>The order of a set's images in each epoch. Thread-safe; the most recent order is cached.</summary>
public sealed class EpochOrder(int count, long seed, bool shuffle)
{
    private readonly Lock gate = new();
    private int[] order = [.. Enumerable.Range(0, count)];
    private int orderEpoch;

    /// <summary>A permutation of 0 .. count - 1, a pure function of seed and epoch.</summary>
    public int[] Of(int epoch)
    {
        lock (gate)
        {
            if (shuffle && epoch != orderEpoch)
            {
                (order, orderEpoch) = (Shuffled(count, seed, epoch), epoch);
            }

            return order;
        }
    }

    /// <summary>Fisher and Yates.</summary>
    private static int[] Shuffled(int count, long seed, int epoch)
    {
        var order = Enumerable.Range(0, count).ToArray();
        var random = new Randomness(seed, Purpose.Order, epoch);
        for (var i = count - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }
}
