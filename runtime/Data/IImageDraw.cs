namespace ChannelDistillation.Data;

/// <summary>
/// Numbers that a loss needs for each image of a batch, beside the image: drawn by the loading threads, ahead of the step that reads them. Two that
/// are equal draw the same, and are drawn once.
/// </summary>
public interface IImageDraw
{
    /// <summary>Numbers per image.</summary>
    int Width { get; }

    /// <summary>A pure function of the epoch (from 1) and the image. Any number of threads.</summary>
    /// <param name="image">Its position in the training set.</param>
    /// <param name="row"><see cref="Width"/> numbers, all of them to be written.</param>
    void Draw(int epoch, int image, Span<int> row);
}
