namespace ChannelDistillation.Data;

/// <summary>Memory for one batch, made once and filled again and again: by a loading thread, for the training thread.</summary>
internal interface IBatchBuffer : IDisposable
{
    /// <summary>Which images it holds; written by the loading thread.</summary>
    int[] Indices { get; }

    /// <summary>Loading thread, first: waits until the device has read what was in it.</summary>
    /// <param name="epoch">Of the batch to be written.</param>
    void Refill(int epoch);

    /// <summary>Loading threads: one image and its label.</summary>
    void Write(int row, int index, ref Randomness random);

    /// <summary>Loading thread, when all is written.</summary>
    void Send();

    /// <summary>Training thread: the first `count` images and labels, on the device.</summary>
    Batch Take(int count);

    /// <summary>Training thread, when it is done with the batch.</summary>
    void Leave();
}
