namespace ChannelDistillation.Data;

/// <summary>In which order an epoch shows the images of a set.</summary>
public static class EpochOrder
{
    /// <summary>A permutation of 0 .. count - 1 (Fisher and Yates), a pure function of seed and epoch.</summary>
    public static int[] Shuffled(int count, long seed, int epoch)
    {
        var order = Sorted(count);
        var random = new Randomness(seed, Purpose.Order, epoch);
        for (var i = count - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }

    public static int[] Sorted(int count) => [.. Enumerable.Range(0, count)];
}
